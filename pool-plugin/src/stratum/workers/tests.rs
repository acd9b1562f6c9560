use std::sync::Arc;

use pool_core::types::{Address, Network};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::ledger::{ShareLedger, records::ShareKey};

const NOW: u64 = 1_700_000_000;

fn worker(account: &str, name: &str) -> Worker {
    Worker { account: account.into(), name: name.into() }
}

#[test]
fn rates_add_up_from_workers_to_accounts_to_the_pool() {
    let workers = Workers::default();
    for second in 0..7200 {
        workers.share(&worker("a", "1"), 100, 100, NOW + second);
        workers.share(&worker("a", "2"), 200, 200, NOW + second);
        workers.share(&worker("b", ""), 700, 700, NOW + second);
    }
    let overview = workers.overview(NOW + 7200);
    let hours: Vec<u64> = overview.workers.iter().map(|status| status.rates.hour.round() as u64).collect();
    assert_eq!(hours, [100, 200, 700]);
    assert_eq!(overview.accounts["a"].ten_minutes.round(), 300.0);
    assert_eq!(overview.pool.ten_minutes.round(), 1000.0);
    assert_eq!(workers.pool_rates(NOW + 7200), overview.pool);
}

#[test]
fn the_past_is_told_of_the_pool_and_of_some_workers_together() {
    let (workers, now) = (Workers::default(), NOW - NOW % 3600 + 1);
    workers.share(&worker("a", "1"), 300, 300, now - 300);
    workers.share(&worker("a", "2"), 600, 600, now - 300);
    workers.share(&worker("b", ""), 900, 900, now - 300);
    workers.recount(&worker("c", ""), 1_200, now - 3_000);
    let of_a = [worker("a", "1"), worker("a", "2"), worker("a", "never seen")].into_iter();
    let past = workers.past(of_a, HashRate::past_hour, now);
    assert_eq!((past.rates.len(), past.rates[11], past.rates.iter().sum::<f64>()), (12, 3.0, 3.0));
    let history = workers.history(now, 1, 5).intakes;
    assert_eq!((history[11].work, history[11].accepted), (1_800, 3));
    assert_eq!((history[2].work, history[2].accepted), (1_200, 1));
    workers.refused(&worker("a", "1"), &Reject::Duplicate);
    let until = unix_seconds() + 300;
    let refused: u32 = workers.history(until, 1, 5).intakes.iter().map(|intake| intake.refused).sum();
    assert_eq!(refused, 1);
}

#[test]
fn a_claim_stands_beside_the_rate_and_only_of_who_has_found_a_share() {
    let workers = Workers::default();
    workers.claim(&worker("a", ""), 54.28, NOW);
    workers.share(&worker("a", ""), 600, 600, NOW);
    assert_eq!(workers.overview(NOW).workers[0].claim, None);
    workers.claim(&worker("a", ""), 54.28, NOW + 1);
    workers.claim(&worker("a", ""), f64::NAN, NOW + 2);
    assert_eq!(workers.overview(NOW).workers[0].claim, Some(Claim { rate: 54.28, time: NOW + 1 }));
}

#[test]
fn an_account_that_sends_all_is_never_held_and_one_that_does_not_is_held_to_its_highest() {
    let workers = Workers::default();
    let (low, high) = (worker("a", "low"), worker("a", "high"));
    // What reaches 2,000 is sent as the other worker's share: the first never has one.
    let mut held = None;
    for n in 0..400 {
        workers.share(&high, 2_000, 2_000 + 2_000 * (n % 2), NOW);
        held = held.or(workers.share(&low, 1_000, 1_999, NOW));
    }
    assert_eq!(held, Some(2_000));
    assert_eq!(workers.least("a", NOW + 86_399), Some(2_000));
    assert_eq!(workers.least("a", NOW + 86_400), None);
    assert_eq!(workers.least("b", NOW), None);
}

#[test]
fn a_target_is_written_once_for_every_change_and_again_if_that_failed() {
    let workers = Workers::default();
    let ann = worker("ann", "1");
    workers.remember(&ann, 500, NOW);
    workers.remember(&ann, 600, NOW + 1);
    let unwritten = workers.take_unwritten(NOW + 1);
    assert_eq!(unwritten.targets, [LastTarget { worker: ann.clone(), target: 600, seen: NOW + 1 }]);
    workers.still_unwritten(unwritten.clone());
    assert_eq!(workers.take_unwritten(NOW + 1), unwritten);
    workers.remember(&ann, 600, NOW + 2);
    assert_eq!(workers.take_unwritten(NOW + 2), Unwritten::default(), "nothing changed");
    assert_eq!(workers.last_target(&ann), Some(600));
}

#[test]
fn who_is_not_seen_for_long_is_forgotten_in_the_database_too() {
    let workers = Workers::default();
    let ann = worker("ann", "1");
    workers.remember(&ann, 500, NOW);
    workers.take_unwritten(NOW);
    assert_eq!(workers.take_unwritten(NOW + KEPT.as_secs()), Unwritten::default());
    let later = workers.take_unwritten(NOW + KEPT.as_secs() + 1);
    assert_eq!(later, Unwritten { targets: vec![], forgotten: vec![ann.clone()] });
    assert_eq!(workers.last_target(&ann), None);
}

#[test]
fn there_are_never_more_than_so_many_and_the_latest_stay() {
    let workers = Workers::default();
    for n in 0..=MOST as u64 {
        workers.remember(&worker("a", &n.to_string()), 5, NOW + n);
    }
    let count = workers.known.lock().workers.len();
    assert!((MOST - MOST / 16 - 1..=MOST).contains(&count), "{count}");
    assert_eq!(workers.last_target(&worker("a", &MOST.to_string())), Some(5));
    assert_eq!(workers.last_target(&worker("a", "0")), None);
}

async fn store(ledger: &ShareLedger, counter: u64, target: u64, time_s: u64) {
    let key = ShareKey { epoch: 1, address: Address::default(), counter };
    let reservation = ledger.reserve(key).unwrap();
    ledger.append(reservation, worker("ann", "1"), target, target, time_s * 1000).await.unwrap();
}

#[tokio::test]
async fn targets_and_rates_outlive_a_restart() {
    let dir = TempDir::new().unwrap();
    let now = unix_seconds();
    let (ann, bob) = (worker("ann", "1"), worker("bob", ""));
    {
        let ledger = ShareLedger::open(dir.path(), Network::Testnet).unwrap();
        let workers = Arc::new(Workers::default());
        workers.remember(&ann, 7_000, now);
        workers.remember(&bob, 5, now);
        let stop = CancellationToken::new();
        stop.cancel();
        keep(workers.clone(), ledger.clone(), stop).await;
        // Two days ago, and a minute ago.
        for counter in 0..5 {
            store(&ledger, counter, 1_000, now - 2 * DAY).await;
        }
        for counter in 5..9 {
            store(&ledger, counter, 6_000, now - 70).await;
        }
        ledger.close().await;
    }
    let ledger = ShareLedger::open(dir.path(), Network::Testnet).unwrap();
    let workers = Workers::default();
    load(&workers, &ledger).unwrap();
    assert_eq!(workers.last_target(&ann), Some(7_000));
    assert_eq!(workers.last_target(&bob), Some(5));
    replay(&workers, &ledger, ledger.last_seq().unwrap(), &CancellationToken::new()).unwrap();
    let rate = workers.overview(now).workers[0].rates.hour;
    assert!((24_000.0 / 80.0..=24_000.0 / 60.0).contains(&rate), "{rate}");
    assert_eq!(workers.take_unwritten(now), Unwritten::default(), "nothing is written back");
}
