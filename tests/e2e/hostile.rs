//! Strangers on the port.

use anyhow::{Result, ensure};
use pool_tests::stratum::{Stratum, Verdict};
use serde_json::json;

use crate::world::{Net, World};

/// Lines no miner should send.
fn garbage() -> Vec<Vec<u8>> {
    let mut lines: Vec<Vec<u8>> = [
        "\n",
        "{\n",
        "null\n",
        "[]\n",
        "42\n",
        "\"text\"\n",
        "{}\n",
        "{\"id\":1}\n",
        "{\"id\":1,\"method\":7,\"params\":[]}\n",
        "{\"id\":1,\"method\":\"mining.submit\",\"params\":{}}\n",
        "{\"id\":1,\"method\":\"mining.submit\",\"params\":[\"a\",\"b\",1e400]}\n",
        "{\"id\":1,\"method\":\"mining.subscribe\",\"params\":[null,null,null,null,null]}\n",
        "{\"id\":{\"deep\":[]},\"method\":\"mining.authorize\",\"params\":[[],{}]}\n",
        "GET / HTTP/1.1\r\nHost: pool\r\n\r\n",
    ]
    .map(|line| line.as_bytes().to_vec())
    .into();
    lines.push(vec![0xff; 512]);
    lines.push(vec![0; 1024]);
    lines.push(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec());
    lines.push("[".repeat(4000).into_bytes());
    lines.push(vec![b'x'; 1 << 20]);
    lines
}

pub fn garbage_harms_nobody(world: &mut World) -> Result<()> {
    let Net { pool, miner, .. } = world.net()?;
    let mut honest = pool.wait_for_work("honest.miner")?;
    let mut strangers = vec![];
    for bytes in garbage() {
        let mut stranger = Stratum::connect(pool.stratum)?;
        // The pool may close the connection in the middle of a megabyte.
        let _ = stranger.send_raw(&bytes);
        strangers.push(stranger);
    }
    for counter in
        ["", "-1", "+1", "1e+3", "0x", "18446744073709551616", "1.5", " 1", "zz", "0x10000000000000000"]
    {
        let verdict = honest.submit(counter)?;
        ensure!(matches!(verdict, Verdict::Refused { code: 20, .. }), "counter '{counter}': {verdict:?}");
    }
    let unknown = honest.call("mining.make_me_rich", json!([]))?;
    ensure!(unknown.is_err(), "an unknown method was answered with {unknown:?}");
    let extranonce = honest.call("mining.extranonce.subscribe", json!([]))?;
    ensure!(extranonce == Ok(json!(true)), "extranonce.subscribe was answered with {extranonce:?}");

    // The honest miner continues, on the same connection.
    let verdicts = (0..12).map(|counter| honest.submit(&counter.to_string())).collect::<Result<Vec<_>>>()?;
    ensure!(verdicts.contains(&Verdict::Accepted), "no share of the honest miner was accepted: {verdicts:?}");
    // Every notation of a counter is the same share.
    let accepted = verdicts.iter().position(|verdict| *verdict == Verdict::Accepted).unwrap_or(0);
    for spelling in [format!("{accepted}"), format!("0x{accepted:x}"), format!("{accepted:016x}")] {
        let verdict = honest.submit(&spelling)?;
        ensure!(matches!(verdict, Verdict::Refused { code: 22, .. }), "replayed as {spelling}: {verdict:?}");
    }
    pool.process.check_alive()?;
    miner.check_alive()
}
