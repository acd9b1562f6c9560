//! A dump that cannot be read, between good ones.

use std::{fs, path::PathBuf};

use pool_core::{
    accounting::terms::{Rules, Scheme},
    health::Level,
    types::{Address, BlockHash, EpochHash, Network, Solution, Worker},
};
use tempfile::TempDir;

use super::*;
use crate::{
    books::dump,
    ledger::records::{BlockOutcome, ShareKey},
    operate::view::health,
};

const POOL: Address = Address([5; 32]);

struct World {
    folder: TempDir,
    ledger: ShareLedger,
    book: RwLock<RewardBook>,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ledger = ShareLedger::open(&folder.path().join("db"), Network::Testnet).unwrap();
        ledger.set_rules(Rules { scheme: Scheme::Prop, fees: vec![] }).await.unwrap();
        Self { folder, ledger, book: RwLock::default() }
    }

    fn shares_dir(&self) -> PathBuf {
        self.folder.path().join("shares")
    }

    /// A share of ann, and a block that rewards the pool.
    async fn land(&self, height: u32, reward: u64) -> Round {
        let key = ShareKey { epoch: 0, address: POOL, counter: height.into() };
        let worker = Worker { account: "ann".to_owned(), name: "rig".to_owned() };
        let reservation = self.ledger.reserve(key).unwrap();
        self.ledger.append(reservation, worker, 100, 200, 1_700_000_000_000).await.unwrap();
        let solution = Solution {
            epoch_hash: EpochHash([0; 32]),
            address: POOL,
            counter: height.into(),
            target: 1 << 60,
        };
        let block = BlockOutcome {
            height,
            hash: BlockHash([height as u8; 32]),
            timestamp: 1_700_000_000,
            proof_target: 1_000,
            landed: vec![(solution, reward)],
            aborted: vec![],
            open_epoch: 0,
        };
        self.ledger.apply_block(block).await.unwrap();
        self.ledger.round(height).unwrap().unwrap()
    }

    /// Writes the dump of a round as the pool does; returns its file.
    async fn publish(&self, round: &Round) -> PathBuf {
        let written = dump::write(&self.shares_dir(), &self.ledger, round, Network::Testnet).unwrap();
        for (height, mark) in written.marks {
            self.ledger.record_dump(height, mark).await.unwrap();
        }
        written.path
    }

    /// The dumps in the sums, what ann was paid, and what the health says.
    fn follow(&self) -> (u64, u128, Level, String) {
        let waits_for = RewardBook::follow(&self.book, &self.ledger, &self.shares_dir()).unwrap();
        let report = health::rewards(waits_for.as_ref());
        let book = self.book.read();
        (book.blocks(), book.sum("ann"), report.level, report.text)
    }
}

#[tokio::test]
async fn a_dump_that_cannot_be_read_stops_the_sums_and_says_so_until_it_is_repaired() {
    let world = World::new().await;
    let mut files = vec![];
    for (height, reward) in [(2, 100), (4, 20), (6, 3)] {
        let round = world.land(height, reward).await;
        files.push(world.publish(&round).await);
    }
    let good = fs::read(&files[1]).unwrap();
    // A field of another type, as a program of another version might write it.
    let other = String::from_utf8(good.clone()).unwrap().replace(r#""reward": "20""#, r#""reward": 20"#);
    assert_ne!(other.as_bytes(), good);
    for broken in ["{", "", &other] {
        fs::write(&files[1], broken).unwrap();
        let (blocks, paid, level, text) = world.follow();
        assert_eq!((blocks, paid, level), (1, 100, Level::Amber), "{broken}");
        assert!(text.contains(files[1].to_str().unwrap()), "{text}");
    }
    fs::remove_file(&files[1]).unwrap();
    let (blocks, _, level, text) = world.follow();
    assert_eq!((blocks, level), (1, Level::Amber));
    assert!(text.contains("is missing"), "{text}");

    fs::write(&files[1], good).unwrap();
    let (blocks, paid, level, _) = world.follow();
    assert_eq!((blocks, paid, level), (3, 123, Level::Green));
}

#[tokio::test]
async fn a_dump_that_is_not_written_yet_is_waited_for() {
    let world = World::new().await;
    let round = world.land(2, 100).await;
    let (blocks, _, level, _) = world.follow();
    assert_eq!((blocks, level), (0, Level::Green));
    world.publish(&round).await;
    assert_eq!(world.follow().0, 1);
    let summary = world.book.read().at(2).unwrap().summary;
    let effort_permille = Some(100);
    let (shares, work, proof_target) = (Some(1), Some(100), Some(1_000));
    assert_eq!(summary, Summary { shares, work, effort_permille, proof_target, solutions: 1 });
}
