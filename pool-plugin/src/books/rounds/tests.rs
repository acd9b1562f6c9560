//! The tracker over the simulated chain and a real ledger, with the release queue.

use std::{fs, sync::Arc};

use pool_core::{
    chain::sim::{SimChain, peers::HANDSHAKE},
    health::Part,
    types::{BLOCKS_PER_EPOCH, Solution},
};
use tokio::time::{Duration, sleep};

use crate::{
    books::dump::verify::Verdict,
    ledger::records::{Round, SolutionState},
    release::tests::harness::{OTHERS, OURS, Pool, until},
};

fn rewards(rounds: &[Round]) -> u64 {
    rounds.iter().flat_map(|round| &round.solutions).map(|solution| solution.reward).sum()
}

fn counters(round: &Round) -> Vec<u64> {
    round.solutions.iter().map(|solution| solution.solution.counter).collect()
}

/// For what needs both a pause, of the paused time, and the ledger's writer, of real time.
async fn until_later(mut done: impl FnMut() -> bool) {
    for _ in 0..1_000 {
        if done() {
            return;
        }
        sleep(Duration::from_secs(1)).await;
        tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_millis(5))).await.unwrap();
    }
    panic!("it never came");
}

#[tokio::test(start_paused = true)]
async fn the_first_start_begins_at_the_tip() {
    let sim = SimChain::new();
    sim.produce_block_with(&[sim.solution(OURS, 1, 200)], &[]);
    sim.jump_to(1000);
    let pool = Pool::on(sim, Arc::new(tempfile::tempdir().unwrap()));
    pool.until_accounted().await;
    assert!(pool.ledger.rounds().unwrap().is_empty());
    pool.sim.produce_block_with(&[pool.sim.solution(OURS, 2, 200)], &[]);
    until(|| pool.ledger.rounds().unwrap().len() == 1).await;
}

#[tokio::test(start_paused = true)]
async fn two_of_ours_in_a_block_are_one_round_and_one_dump() {
    let pool = Pool::new().await;
    let solutions = [pool.find_new(1, 200).await, pool.find_new(2, 600).await];
    until(|| solutions.iter().all(|one| pool.state(one) == Some(SolutionState::Released))).await;
    let foreign = pool.sim.solution(OTHERS, 3, 200);
    let block = pool.sim.produce_block_with(&[solutions[0], foreign, solutions[1]], &[]);
    pool.until_accounted().await;
    until(|| pool.dumps().len() == 1).await;

    let rounds = pool.ledger.rounds().unwrap();
    assert_eq!(rounds.len(), 1);
    assert_eq!(counters(&rounds[0]), [1, 2]);
    assert_eq!(rewards(&rounds), pool.sim.balance(&OURS));
    assert!(rounds[0].solutions.iter().all(|solution| solution.finder.is_some()));
    assert_eq!(pool.dumps(), [format!("1-{}.json", block.hash)]);
    until(|| pool.reason(Part::Rounds) == Some("accounted")).await;
}

#[tokio::test(start_paused = true)]
async fn blocks_in_quick_succession_are_all_accounted() {
    let pool = Pool::new().await;
    for height in 1..=50 {
        let landing = pool.sim.solution(OURS, height, 200);
        let candidates = if height % 10 == 0 { vec![landing] } else { vec![] };
        pool.sim.produce_block_with(&candidates, &[]);
    }
    pool.until_accounted().await;
    let rounds = pool.ledger.rounds().unwrap();
    let heights: Vec<u32> = rounds.iter().map(|round| round.height).collect();
    assert_eq!(heights, [10, 20, 30, 40, 50]);
    assert_eq!(rewards(&rounds), pool.sim.balance(&OURS));
    until(|| pool.dumps().len() == 5).await;
}

#[tokio::test(start_paused = true)]
async fn what_landed_while_the_pool_was_down_is_accounted_and_dumped() {
    let pool = Pool::new().await;
    let found = pool.find_new(1, 200).await;
    until(|| pool.state(&found) == Some(SolutionState::Released)).await;
    let (sim, folder) = pool.stop().await;
    sim.produce_block();
    sim.jump_to(BLOCKS_PER_EPOCH + 5);
    // Ours, but this database has no record of the find.
    let unseen = sim.solution(OURS, 9, 300);
    sim.produce_block_with(&[unseen], &[]);

    let pool = Pool::on(sim, folder);
    pool.until_accounted().await;
    let rounds = pool.ledger.rounds().unwrap();
    let found_by: Vec<bool> = rounds.iter().map(|round| round.solutions[0].finder.is_some()).collect();
    assert_eq!((rounds.len(), found_by), (2, vec![true, false]));
    assert_eq!(rewards(&rounds), pool.sim.balance(&OURS));
    assert!(matches!(pool.state(&unseen), Some(SolutionState::Landed { .. })));
    until(|| pool.dumps().len() == 2).await;
}

/// The disk fails while a find lands. Once it works again, find and block are each retried in their own time;
/// whichever comes first, SOLO has to pay the finder.
#[tokio::test(start_paused = true)]
async fn a_find_that_could_not_be_recorded_has_its_finder_in_the_round() {
    for turn in 0..4 {
        let pool = Pool::new().await;
        pool.ledger.fail_writes(true);
        let found = pool.find_new(1, 200).await;
        sleep(Duration::from_millis(20_000 + 1_300 * turn)).await;
        pool.sim.produce_block_with(&[found], &[]);
        until(|| pool.reason(Part::Rounds) == Some("failing")).await;
        pool.ledger.fail_writes(false);
        let health = pool.ledger.healthy();
        until(|| health.borrow().is_ok()).await;
        until_later(|| pool.ledger.scanned_height().unwrap() == Some(pool.sim.tip())).await;
        let rounds = pool.ledger.rounds().unwrap();
        assert!(rounds[0].solutions[0].finder.is_some(), "in turn {turn} the block came first");
    }
}

/// While the disk fails no block is accounted; what lands in the meantime must not hold a place in the stake
/// limit, or later finds would wait for nothing.
#[tokio::test(start_paused = true)]
async fn landings_free_their_places_while_the_disk_fails() {
    let pool = Pool::new().await;
    pool.sim.set_limit(OURS, 3);
    let landing = [pool.find_new(1, 200).await, pool.find_new(2, 200).await];
    until(|| landing.iter().all(|one| pool.state(one) == Some(SolutionState::Released))).await;
    pool.ledger.fail_writes(true);
    pool.sim.produce_block_with(&landing[..1], &[]);
    until(|| pool.reason(Part::Rounds) == Some("failing")).await;
    pool.sim.produce_block_with(&landing[1..], &[]);
    let third = pool.find_new(3, 200).await;
    until_later(|| pool.sim.mempool() == [third]).await;
}

/// Block 360k takes solutions of the epoch that ends with it; the pool sees it much later, at a restart.
#[tokio::test(start_paused = true)]
async fn a_landing_whose_epoch_is_over_is_of_the_epoch_it_was_mined_in() {
    let pool = Pool::new().await;
    pool.sim.jump_to(BLOCKS_PER_EPOCH - 1);
    pool.until_accounted().await;
    let found = pool.find_new(1, 200).await;
    until(|| pool.state(&found) == Some(SolutionState::Released)).await;
    let (sim, folder) = pool.stop().await;
    let block = sim.produce_block_with(&[found], &[]);
    assert_eq!((block.height, block.solutions.len()), (BLOCKS_PER_EPOCH, 1));
    sim.jump_to(2 * BLOCKS_PER_EPOCH + 5);

    let pool = Pool::on(sim, folder);
    pool.until_accounted().await;
    let rounds = pool.ledger.rounds().unwrap();
    assert_eq!(rounds.len(), 1);
    assert_eq!((rounds[0].height, rounds[0].epoch), (BLOCKS_PER_EPOCH, 0));
    assert!(matches!(pool.state(&found), Some(SolutionState::Landed { .. })), "and has not expired");
    until(|| pool.dumps().len() == 1).await;
    let text = fs::read_to_string(pool.shares_dir().join(&pool.dumps()[0])).unwrap();
    assert!(text.contains("\"epoch\": 0,"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn the_dumps_of_the_pool_form_a_chain_across_a_crash() {
    let mut pool = Pool::new().await;
    for height in 1..=4u64 {
        pool.sim.produce_block_with(&[pool.sim.solution(OURS, height, 200)], &[]);
        pool.until_accounted().await;
        if height % 2 == 0 {
            let (sim, folder) = pool.crash().await;
            pool = Pool::on(sim, folder);
            pool.settle_in().await;
        }
    }
    until(|| pool.dumps().len() == 4).await;
    let files = pool.dumps().into_iter().map(|name| pool.shares_dir().join(name));
    let verdicts = crate::books::dump::verify::verify(files, Some(&pool.ledger), None);
    assert!(verdicts.iter().all(|(_, verdict)| matches!(verdict, Verdict::Right(_))), "{verdicts:?}");
    until(|| pool.ledger.dump_mark(4).unwrap().is_some()).await;
}

#[tokio::test(start_paused = true)]
async fn an_abort_is_recorded_with_the_reason_that_fits() {
    let pool = Pool::new().await;
    let solutions = [pool.find_new(1, 200).await, pool.find_new(2, 200).await];
    until(|| solutions.iter().all(|one| pool.state(one) == Some(SolutionState::Released))).await;
    let reason = |solution: &Solution| match pool.state(solution) {
        Some(SolutionState::Aborted { inferred, .. }) => inferred,
        other => panic!("{other:?}"),
    };
    // A block whose proof target the tracker sees, so that it knows what the next one requires.
    pool.sim.set_proof_target(201);
    pool.sim.produce_block_with(&[], &[]);
    pool.until_accounted().await;
    pool.sim.produce_block_with(&[solutions[0]], &[]);
    pool.until_accounted().await;
    assert_eq!(reason(&solutions[0]), "the proof target rose above it");

    pool.sim.set_proof_target(100);
    pool.sim.set_limit(OURS, 0);
    pool.sim.produce_block_with(&[], &[]);
    pool.until_accounted().await;
    pool.sim.produce_block_with(&[solutions[1]], &[]);
    pool.until_accounted().await;
    assert_eq!(reason(&solutions[1]), "over the stake limit");
    assert!(pool.ledger.rounds().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_dump_that_fails_is_tried_again_and_holds_up_no_block() {
    let pool = Pool::new().await;
    fs::write(pool.shares_dir(), "in the way").unwrap();
    pool.sim.produce_block_with(&[pool.sim.solution(OURS, 1, 200)], &[]);
    until(|| pool.reason(Part::Rounds) == Some("failing")).await;
    pool.sim.produce_block_with(&[pool.sim.solution(OURS, 2, 200)], &[]);
    sleep(Duration::from_secs(60)).await;
    pool.until_accounted().await;
    assert_eq!(pool.ledger.rounds().unwrap().len(), 2);
    assert_eq!(pool.reason(Part::Rounds), Some("failing"));

    fs::remove_file(pool.shares_dir()).unwrap();
    sleep(Duration::from_secs(60)).await;
    until(|| pool.dumps().len() == 2).await;
    until(|| pool.reason(Part::Rounds) == Some("accounted")).await;
}

#[tokio::test(start_paused = true)]
async fn a_dump_that_a_crash_prevented_is_written_at_the_next_start() {
    let pool = Pool::new().await;
    pool.sim.produce_block_with(&[pool.sim.solution(OURS, 1, 200)], &[]);
    until(|| pool.dumps().len() == 1).await;
    let (sim, folder) = pool.crash().await;
    fs::remove_dir_all(folder.path().join("shares")).unwrap();
    let pool = Pool::on(sim, folder);
    until(|| pool.dumps().len() == 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_block_that_cannot_be_read_is_read_later() {
    let pool = Pool::new().await;
    let landing = pool.sim.solution(OURS, 1, 200);
    pool.sim.fail_reads(Some("the ledger is locked"));
    pool.sim.produce_block_with(&[landing], &[]);
    until(|| pool.reason(Part::Rounds) == Some("failing")).await;
    pool.sim.fail_reads(None);
    sleep(Duration::from_secs(60)).await;
    pool.until_accounted().await;
    assert_eq!(pool.ledger.rounds().unwrap().len(), 1);
    until(|| pool.reason(Part::Rounds) == Some("accounted")).await;
}

/// Finds, blocks and crashes in every order: in the end each landing is accounted once.
#[tokio::test(start_paused = true)]
async fn crashes_in_the_middle_of_everything_lose_nothing_and_count_nothing_twice() {
    let mut pool = Pool::new().await;
    let mut all = vec![];
    for turn in 0..24u64 {
        let mut finds = vec![];
        for nth in 0..3 {
            finds.push(pool.sim.solution(OURS, 10 * turn + nth, 200 + nth));
        }
        finds.iter().for_each(|solution| pool.find(*solution));
        // To stop at a different point each time: nothing done, released, recorded, landed, dumped.
        for _ in 0..turn % 5 {
            tokio::task::yield_now().await;
        }
        if turn % 3 == 0 {
            until(|| finds.iter().all(|one| pool.state(one) == Some(SolutionState::Released))).await;
        }
        pool.sim.produce_block();
        for _ in 0..turn % 7 {
            tokio::task::yield_now().await;
        }
        if turn % 4 == 1 {
            pool.until_accounted().await;
        }
        all.extend(finds);
        let (sim, folder) = pool.crash().await;
        sim.produce_block();
        pool = Pool::on(sim, folder);
        sleep(HANDSHAKE).await;
        pool.settle_in().await;
    }
    pool.sim.produce_block();
    pool.sim.produce_block();
    pool.sim.produce_block();
    pool.until_accounted().await;

    let rounds = pool.ledger.rounds().unwrap();
    assert_eq!(rewards(&rounds), pool.sim.balance(&OURS));
    let mut accounted: Vec<u64> = rounds.iter().flat_map(counters).collect();
    accounted.sort_unstable();
    let unique = accounted.len();
    accounted.dedup();
    assert_eq!(unique, accounted.len(), "counted twice");
    // A find whose task died before it ran is not the queue's; all it took are settled now.
    for solution in &all {
        let landed = accounted.contains(&solution.counter);
        let state = pool.state(solution);
        assert_eq!(matches!(state, Some(SolutionState::Landed { .. })), landed, "{state:?}");
        assert!(landed || state.is_none(), "{state:?}");
    }
    assert!(accounted.len() >= 24, "only {} landed", accounted.len());
    until(|| pool.dumps().len() == rounds.len()).await;
}
