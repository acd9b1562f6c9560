//! What the sinks read of the ledger, the dumps and the chain.

use std::{fs, sync::Arc};

use pool_core::{
    chain::{Chain, sim::SimChain},
    types::Network,
};
use pool_plugin::{books::dump, ledger::ShareLedger, operate::sinks::LedgerBooks};
use pool_sinks::books::{Books, Reward};
use tempfile::TempDir;

use crate::support::{append, block, block_hash, found, open};

struct Pool {
    folder: TempDir,
    ledger: ShareLedger,
    books: LedgerBooks,
    sim: Arc<SimChain>,
}

fn pool() -> Pool {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, sim) = (open(&folder.path().join("db")), SimChain::new());
    let shares = folder.path().join("shares");
    let books = LedgerBooks::new(ledger.clone(), sim.clone() as Arc<dyn Chain>, shares);
    Pool { folder, ledger, books, sim }
}

impl Pool {
    async fn land(&self, height: u32) {
        self.ledger.record_found(found(0, height.into())).await.unwrap();
        self.ledger.apply_block(block(height, &[height.into()])).await.unwrap().unwrap();
    }

    fn write_dump(&self, height: u32) -> std::path::PathBuf {
        let round = self.ledger.round(height).unwrap().unwrap();
        dump::write(&self.folder.path().join("shares"), &self.ledger, &round, Network::Testnet).unwrap().path
    }
}

#[tokio::test]
async fn shares_come_by_number() {
    let pool = pool();
    assert_eq!(pool.books.stored(), Ok(None));
    for counter in 0..5 {
        append(&pool.ledger, 0, counter).await.unwrap();
    }
    assert_eq!(pool.books.stored(), Ok(Some((1, 5))));
    let shares = pool.books.shares(3, 2).unwrap();
    assert_eq!(shares.iter().map(|share| share.seq).collect::<Vec<_>>(), [3, 4]);
    assert_eq!((shares[0].worker.account.as_str(), shares[0].target), ("ann", 100));
    assert_ne!(shares[0].mark, shares[1].mark);
    assert_eq!(pool.books.shares(5, 9).unwrap().len(), 1);
    assert!(pool.books.shares(6, 9).unwrap().is_empty());
    pool.ledger.close().await;
    assert!(pool.books.shares(1, 1).is_err(), "a closed ledger is an error, not an end");
}

#[tokio::test]
async fn a_block_comes_with_what_the_chain_knows_of_it() {
    let pool = pool();
    pool.land(2).await;
    pool.land(4).await;
    assert!(pool.books.blocks(0, 9).unwrap_err().to_string().contains("block 2 yet"), "the node is behind");
    for _ in 0..4 {
        pool.sim.produce_block();
    }
    let blocks = pool.books.blocks(0, 9).unwrap();
    assert_eq!(blocks.iter().map(|block| block.height).collect::<Vec<_>>(), [2, 4]);
    let facts = pool.sim.block_facts(4).unwrap().unwrap();
    let last = &blocks[1];
    assert_eq!((last.previous_hash.clone(), last.size), (facts.previous_hash.to_string(), facts.size));
    assert_eq!((last.proof_target, last.job_id.as_str()), (facts.proof_target, "00000000"));
    assert_eq!(last.solutions[0].finder.as_ref().unwrap().name, "rig");
    assert_eq!(pool.books.blocks(2, 9).unwrap(), blocks[1..]);
    assert_eq!(pool.books.blocks(0, 1).unwrap(), blocks[..1]);
    assert_eq!(pool.books.block_hash(4), Ok(Some(block_hash(4).to_string())));
    assert_eq!(pool.books.block_hash(3), Ok(None));
}

#[tokio::test]
async fn rewards_come_from_the_dumps_and_wait_for_them() {
    let pool = pool();
    append(&pool.ledger, 0, 1).await.unwrap();
    pool.land(2).await;
    append(&pool.ledger, 0, 2).await.unwrap();
    pool.land(4).await;
    pool.write_dump(4);
    assert_eq!(pool.books.dumps(0, 9), Ok(vec![]), "a block is not skipped when its dump is missing");
    let first = pool.write_dump(2);
    assert_eq!(pool.books.dumps(0, 9).unwrap().len(), 2);
    assert_eq!(pool.books.dumps(2, 9).unwrap()[0].height, 4);

    fs::write(&first, r#"{"accounts": [{"account": "ann", "reward": "1000002", "credit": "1"}]}"#).unwrap();
    let reward = Reward { account: "ann".into(), amount: 1_000_002 };
    assert_eq!(pool.books.dumps(0, 1).unwrap()[0].rewards, [reward]);
    fs::write(&first, "{").unwrap();
    assert!(pool.books.dumps(0, 1).unwrap_err().to_string().contains("2-ab1"), "the error names the file");
}

#[tokio::test]
async fn a_dump_that_cannot_be_read_holds_back_those_after_it_and_none_before() {
    let pool = pool();
    for height in [2, 4, 6] {
        append(&pool.ledger, 0, height.into()).await.unwrap();
        pool.land(height).await;
        pool.write_dump(height);
    }
    let heights = |above| -> Result<Vec<u32>, _> {
        pool.books.dumps(above, 9).map(|dumps| dumps.iter().map(|dump| dump.height).collect())
    };
    assert_eq!(heights(0), Ok(vec![2, 4, 6]));
    let second = pool.write_dump(4);
    let good = fs::read(&second).unwrap();
    fs::write(&second, r#"{"accounts": [{"account": "ann", "reward": 5}]}"#).unwrap();
    assert_eq!(heights(0), Ok(vec![2]));
    let error = heights(2).unwrap_err().to_string();
    assert!(error.contains("4-ab1") && error.contains("expected a string"), "{error}");
    fs::write(&second, good).unwrap();
    assert_eq!(heights(2), Ok(vec![4, 6]));
}
