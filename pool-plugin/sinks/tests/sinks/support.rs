//! Books in memory, and a connection that breaks.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering::SeqCst},
    },
    thread,
};

use pool_core::types::Worker;
use pool_sinks::{
    books::{Block, Books, BooksError, Dump, Life, Reward, Share, Solution},
    sink::{Sink, Step, Trouble},
};

/// Books that tests write.
#[derive(Default)]
pub struct Pages {
    pub shares: Mutex<Vec<Share>>,
    pub blocks: Mutex<Vec<Block>>,
    pub dumps: Mutex<Vec<Dump>>,
    pub life: Mutex<Life>,
}

impl Books for Pages {
    fn life(&self) -> Result<Life, BooksError> {
        Ok(*self.life.lock().unwrap())
    }

    fn stored(&self) -> Result<Option<(u64, u64)>, BooksError> {
        let shares = self.shares.lock().unwrap();
        Ok(shares.first().zip(shares.last()).map(|(first, last)| (first.seq, last.seq)))
    }

    fn shares(&self, first: u64, limit: usize) -> Result<Vec<Share>, BooksError> {
        let shares = self.shares.lock().unwrap();
        Ok(shares.iter().filter(|share| share.seq >= first).take(limit).cloned().collect())
    }

    fn blocks(&self, height: u32, limit: usize) -> Result<Vec<Block>, BooksError> {
        let blocks = self.blocks.lock().unwrap();
        Ok(blocks.iter().filter(|block| block.height > height).take(limit).cloned().collect())
    }

    fn block_hash(&self, height: u32) -> Result<Option<String>, BooksError> {
        let blocks = self.blocks.lock().unwrap();
        Ok(blocks.iter().find(|block| block.height == height).map(|block| block.hash.clone()))
    }

    fn dumps(&self, height: u32, limit: usize) -> Result<Vec<Dump>, BooksError> {
        let dumps = self.dumps.lock().unwrap();
        Ok(dumps.iter().filter(|dump| dump.height > height).take(limit).cloned().collect())
    }
}

pub fn worker(account: &str, name: &str) -> Worker {
    Worker { account: account.into(), name: name.into() }
}

pub fn share(seq: u64) -> Share {
    let account = ["ann", "bob", "cy"][usize::try_from(seq % 3).unwrap()];
    Share {
        seq,
        worker: worker(account, &format!("rig{}", seq % 5)),
        target: 100 + seq,
        time_ms: 1_700_000_000_000 + seq,
        mark: format!("mark {seq}"),
    }
}

pub fn block(height: u32) -> (Block, Dump) {
    let solution = |counter: u64| Solution {
        id: format!("solution1{height}x{counter}"),
        counter: u64::MAX - counter,
        target: 9_000 + counter,
        reward: 1_000_000 + u64::from(height),
        finder: (counter > 0).then(|| worker("ann", "rig1")),
    };
    let hash = format!("ab1hash{height}");
    let block = Block {
        height,
        hash: hash.clone(),
        previous_hash: format!("ab1hash{}", height - 1),
        timestamp: 1_700_000_000 + i64::from(height),
        proof_target: 8_000,
        size: 1_234,
        job_id: "00000000".into(),
        solutions: vec![solution(0), solution(1)],
    };
    let reward = |account: &str, amount: u64| Reward { account: account.into(), amount };
    let rewards = vec![reward("ann", 1_500_000), reward("bob", 500_000 + 2 * u64::from(height))];
    (block, Dump { height, hash, rewards })
}

impl Pages {
    pub fn with(shares: u64, blocks: u32) -> Arc<Self> {
        let pages = Arc::new(Self::default());
        pages.add(shares, blocks);
        pages
    }

    /// Writes further shares and blocks.
    pub fn add(&self, shares: u64, blocks: u32) {
        let last = self.shares.lock().unwrap().last().map_or(0, |share| share.seq);
        self.shares.lock().unwrap().extend((1..=shares).map(|number| share(last + number)));
        let last = self.blocks.lock().unwrap().last().map_or(0, |block| block.height);
        for height in (1..=blocks).map(|number| last + 10 * number) {
            let (block, dump) = block(height);
            self.blocks.lock().unwrap().push(block);
            self.dumps.lock().unwrap().push(dump);
        }
    }

    /// What `workers:accept:current` must hold.
    pub fn credit(&self) -> BTreeMap<String, u64> {
        let mut credit = BTreeMap::new();
        for share in self.shares.lock().unwrap().iter() {
            let field =
                format!("{}:{}", share.worker.account, pool_sinks::names::worker_id(&share.worker.name));
            *credit.entry(field).or_default() += share.target;
        }
        credit
    }

    /// What `wallet_total` must hold.
    pub fn rewards(&self) -> BTreeMap<String, u64> {
        let mut rewards = BTreeMap::new();
        for reward in self.dumps.lock().unwrap().iter().flat_map(|dump| dump.rewards.clone()) {
            *rewards.entry(reward.account).or_default() += reward.amount;
        }
        rewards
    }
}

/// Connects and copies until the copy is complete, or something is wrong.
pub fn drive(sink: &mut impl Sink, books: &Pages) -> Result<(), Trouble> {
    sink.connect(books)?;
    while sink.step(books)? == Step::Wrote {}
    Ok(())
}

/// A connection to a server that is cut, once, after this many bytes in both directions together.
pub struct Line {
    pub port: u16,
    left: Arc<AtomicI64>,
}

impl Line {
    pub fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let left = Arc::new(AtomicI64::new(i64::MAX));
        let shared = left.clone();
        thread::spawn(move || {
            for near in listener.incoming() {
                let (near, far) = (near.unwrap(), TcpStream::connect(("127.0.0.1", server)));
                if let Ok(far) = far {
                    pass(near.try_clone().unwrap(), far.try_clone().unwrap(), shared.clone());
                    pass(far, near, shared.clone());
                }
            }
        });
        Self { port, left }
    }

    pub fn cut_after(&self, bytes: i64) {
        self.left.store(bytes, SeqCst);
    }

    /// The bytes that have passed since it was last kept whole.
    pub fn passed(&self) -> i64 {
        i64::MAX - self.left.load(SeqCst)
    }

    /// Whether the connection was cut. From then on it is whole again.
    pub fn was_cut(&self) -> bool {
        self.left.load(SeqCst) > i64::MAX / 2
    }

    /// Cancels a cut that has not happened.
    pub fn keep_whole(&self) {
        self.left.store(i64::MAX, SeqCst);
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, left: Arc<AtomicI64>) {
    thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = from.read(&mut bytes) {
            let before = left.fetch_sub(i64::try_from(count).unwrap(), SeqCst);
            let passed = count.min(usize::try_from(before.max(0)).unwrap());
            if to.write_all(&bytes[..passed]).is_err() {
                break;
            }
            if passed < count {
                left.store(i64::MAX, SeqCst);
                break;
            }
        }
        let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
    });
}
