//! The drill with a running pool: a backup is taken by command while miners submit shares and a block lands,
//! then restored. Nothing is credited or dumped again.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    thread,
};

use pool_plugin::{
    books::{backup, dump},
    ledger::ShareLedger,
    operate::admin::{Command, SOCKET, client},
};
use tempfile::tempdir;

use crate::pool_support::{Client, EvenSolves, chain, dumps, start, until};

const STALE: i64 = 21;
const MINERS: u64 = 4;

fn files(data: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(data.join("shares")).unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect()
}

#[test]
fn a_backup_taken_under_load_credits_and_dumps_nothing_again() {
    let (sim, data, elsewhere) = (chain(), tempdir().unwrap(), tempdir().unwrap());
    let (data, saved) = (data.path(), elsewhere.path().join("monday"));
    let pool = start(&sim, data, EvenSolves::default());
    let land = |miner: &mut Client, solution: u64, expected: i64, dumped: usize| {
        assert_eq!(miner.submit(solution), expected);
        until("the solution is offered", || !sim.mempool().is_empty());
        sim.produce_block();
        until("the block is dumped", || dumps(data).len() == dumped);
    };

    let (done, accepted) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        for number in 0..MINERS {
            let (done, accepted) = (&done, &accepted);
            scope.spawn(move || {
                let mut miner = Client::with_work(pool.address, &format!("miner{number}.rig"));
                // Odd counters are shares and not solutions; each miner has its own.
                for counter in (number << 32..).map(|n| 2 * n + 1) {
                    if done.load(Relaxed) {
                        return;
                    }
                    assert_eq!(miner.submit(counter), 0);
                    accepted.fetch_add(1, Relaxed);
                }
            });
        }
        let at_least = |count: u64| until("shares come in", || accepted.load(Relaxed) >= count);
        at_least(50);
        let mut finder = Client::with_work(pool.address, "ann.rig");
        land(&mut finder, 2, 0, 1);
        let before = accepted.load(Relaxed);
        let said = client::backup(data, &saved).unwrap();
        assert!(said.contains("1 dump,"), "{said}");
        let again = client::backup(data, &saved).unwrap_err().to_string();
        assert!(again.contains("is not empty"), "{again}");
        let last = ShareLedger::open_read_only(&saved.join("db")).unwrap().last_seq().unwrap();
        assert!(last >= before, "{before} shares were acknowledged, the backup has {last}");
        at_least(accepted.load(Relaxed) + 50);
        land(&mut finder, 4, 0, 2);
        at_least(accepted.load(Relaxed) + 50);
        done.store(true, Relaxed);
    });
    pool.stop();
    let published = files(data);
    fs::remove_dir_all(data.join("db")).unwrap();
    assert_eq!(backup::restore(&saved, data).unwrap().newer_dumps.len(), 1);

    let pool = start(&sim, data, EvenSolves::default());
    let mut miner = Client::with_work(pool.address, "miner0.rig");
    for counter in [1, 3, 5, 1_000_001] {
        assert_eq!(miner.submit(counter), STALE, "{counter}: whether it was credited is not known");
    }
    land(&mut miner, 6, STALE, 3);
    pool.stop();

    let now = files(data);
    for (name, bytes) in &published {
        assert_eq!(now.get(name), Some(bytes), "{name} was published");
    }
    let mut rounds: Vec<_> = dumps(data).iter().map(|dump| dump["round"].clone()).collect();
    rounds.sort_by_key(|round| round["first_seq"].as_u64());
    let mut next = 1;
    for round in &rounds {
        assert_eq!(round["first_seq"], next, "a share is in one round: {rounds:?}");
        next = round["last_seq"].as_u64().unwrap() + 1;
    }
    let paths: Vec<_> = now.keys().map(|name| data.join("shares").join(name)).collect();
    let summary = dump::verify::run(&paths, None, None, &mut Vec::new()).unwrap();
    assert_eq!((summary.right, summary.wrong, summary.unknown), (3, 0, 0));
}

#[test]
fn a_running_pool_backs_itself_up_and_a_stopped_one_is_backed_up_by_the_command() {
    let (sim, data, elsewhere) = (chain(), tempdir().unwrap(), tempdir().unwrap());
    let (data, to) = (data.path(), |name: &str| elsewhere.path().join(name));
    let pool = start(&sim, data, EvenSolves::default());
    let mut miner = Client::with_work(pool.address, "ann.rig");
    assert_eq!(miner.submit(1), 0);
    until("the socket is there", || data.join(SOCKET).exists());
    assert!(client::backup(data, &to("running")).unwrap().contains("shares 1 to 1"));

    let relative = Command::Backup { dir: "monday".into() };
    let answer = client::ask(&data.join(SOCKET), &relative).unwrap();
    assert_eq!(answer["ok"], false, "the pool would make it wherever it runs");

    pool.stop();
    assert!(client::backup(data, &to("stopped")).unwrap().contains("shares 1 to 1"));
    // The socket that a killed pool leaves.
    drop(std::os::unix::net::UnixListener::bind(data.join(SOCKET)).unwrap());
    assert!(client::backup(data, &to("killed")).unwrap().contains("shares 1 to 1"));
}
