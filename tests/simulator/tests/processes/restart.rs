//! A pool that ends while its miners work, in order and by a kill: all acknowledged shares are stored.

use std::{
    collections::BTreeSet,
    path::Path,
    thread::sleep,
    time::{Duration, Instant},
};

use pool_simulator::{books, helper::Helper};

fn pool(data: &Path, listen: &str) -> (Helper, String) {
    let data = data.display().to_string();
    let args = ["--data", &data, "--listen", listen, "--share-target", "100"].map(String::from);
    let mut pool = Helper::start(env!("CARGO_BIN_EXE_pool-on-sim"), &args).unwrap();
    let answer = pool.answer("listening").unwrap();
    let listen = answer.split(' ').next().unwrap().to_string();
    (pool, listen)
}

/// Waits until `count` more shares were acknowledged.
fn mine(crowd: &mut Helper, acknowledged: &mut Vec<u64>, count: usize) {
    let (enough, patience) = (acknowledged.len() + count, Instant::now() + Duration::from_secs(120));
    while acknowledged.len() < enough {
        assert!(Instant::now() < patience, "{} of {enough} shares were acknowledged", acknowledged.len());
        sleep(Duration::from_millis(50));
        acknowledged.append(&mut crowd.ask_numbers("acknowledged", "acknowledged").unwrap());
    }
}

#[test]
fn nothing_acknowledged_is_lost_when_the_pool_ends_under_its_miners() {
    let data = tempfile::tempdir().unwrap();
    let (first, listen) = pool(data.path(), "127.0.0.1:0");
    let args = ["--control", "--generic", "--pool", &listen, "--miners", "60", "--rate", "1000"];
    let mut crowd = Helper::start(env!("CARGO_BIN_EXE_simulate"), &args.map(String::from)).unwrap();
    crowd.ask("wait", "working").unwrap();
    let mut acknowledged = vec![];
    mine(&mut crowd, &mut acknowledged, 500);

    // Killed while shares are on their way.
    drop(first);
    let (second, _) = pool(data.path(), &listen);
    mine(&mut crowd, &mut acknowledged, 500);
    second.finish().unwrap();
    let (third, _) = pool(data.path(), &listen);
    crowd.ask("wait", "working").unwrap();
    let waits = crowd.ask_numbers("waits", "waits").unwrap();
    let spread: BTreeSet<u64> = waits.iter().copied().collect();
    assert!(
        waits.len() == 60 && spread.len() >= 3,
        "60 miners were asked to come back after {waits:?} seconds"
    );
    assert!(waits.iter().all(|wait| *wait <= 5), "{waits:?}");
    mine(&mut crowd, &mut acknowledged, 500);
    third.finish().unwrap();

    acknowledged.append(&mut crowd.ask_numbers("acknowledged", "acknowledged").unwrap());
    let stored = books::stored(data.path()).unwrap();
    let lost = acknowledged.iter().filter(|counter| !stored.contains(counter)).count();
    assert_eq!(lost, 0, "of {}", acknowledged.len());
}
