//! The pool around a simulated chain: watcher, release queue and rounds over a real ledger.
//!
//! Tests run with Tokio's time paused. The ledger's writer is a thread, which that time does not affect:
//! tests wait for it with [`until`].

use std::{collections::HashSet, path::PathBuf, sync::Arc, time::Duration};

use pool_core::{
    accounting::terms::Rules,
    chain::{
        self, Chain, ChainState, addresses::Addresses, following::Patience,
        newer_version_file::NewerVersionFile, sim::SimChain,
    },
    health::{HealthBoard, Part},
    types::{Address, Found, Solution, SolutionId, Worker},
};
use tempfile::TempDir;
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use crate::{
    books::rounds,
    ledger::{ShareLedger, records::SolutionState},
    release::{self, FoundSender, Inbox, policy::Policy},
};

pub(crate) const OURS: Address = Address([7; 32]);
pub(crate) const OTHERS: Address = Address([9; 32]);

pub(crate) struct Pool {
    pub(crate) sim: Arc<SimChain>,
    pub(crate) folder: Arc<TempDir>,
    pub(crate) ledger: ShareLedger,
    pub(crate) health: HealthBoard,
    finds: Option<FoundSender>,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

impl Pool {
    /// A pool on a new chain with one validator among its peers, ready to be written to.
    pub(crate) async fn new() -> Self {
        let sim = SimChain::new();
        sim.connect_validator(1);
        let pool = Self::on(sim, Arc::new(tempfile::tempdir().unwrap()));
        pool.settle_in().await;
        pool
    }

    pub(crate) fn on(sim: Arc<SimChain>, folder: Arc<TempDir>) -> Self {
        let ledger = ShareLedger::open(&folder.path().join("db"), sim.network()).unwrap();
        let (state_sender, state) = watch::channel(ChainState::default());
        let (finds, found) = mpsc::unbounded_channel();
        let (settled_sender, settled) = mpsc::unbounded_channel();
        let (health, stop) = (HealthBoard::default(), CancellationToken::new());
        let addresses = Addresses::new(vec![OURS]);
        let watch_setup = chain::watch::Setup {
            addresses: addresses.clone(),
            patience: Patience::default(),
            newer: NewerVersionFile::open(folder.path()),
        };
        let tasks = vec![
            tokio::spawn(chain::watch::run(sim.clone(), watch_setup, state_sender, stop.clone())),
            tokio::spawn(release::run(
                sim.clone(),
                release::Setup { policy: Policy::Immediate, addresses },
                state,
                ledger.clone(),
                Inbox::new(found, settled).shared(),
                health.clone(),
                stop.clone(),
            )),
            tokio::spawn(rounds::run(
                sim.clone(),
                rounds::Setup {
                    addresses: HashSet::from([OURS]),
                    shares_dir: folder.path().join("shares"),
                    rules: Rules::default(),
                },
                ledger.clone(),
                settled_sender,
                health.clone(),
                stop.clone(),
            )),
        ];
        Self { sim, folder, ledger, health, finds: Some(finds), stop, tasks }
    }

    /// Long enough for two checks of the peers.
    pub(crate) async fn settle_in(&self) {
        until(|| self.ledger.scanned_height().unwrap().is_some()).await;
        sleep(Duration::from_millis(2100)).await;
    }

    pub(crate) fn find(&self, solution: Solution) {
        let epoch = self.sim.puzzle().unwrap().epoch;
        let finder = Worker { account: "ann".into(), name: "rig".into() };
        self.send(Found { solution, epoch, finder, found_ms: 1 });
    }

    pub(crate) fn send(&self, found: Found) {
        self.finds.as_ref().unwrap().send(found).unwrap();
    }

    /// Finds a solution for the current epoch and lets the queue take it.
    pub(crate) async fn find_new(&self, counter: u64, target: u64) -> Solution {
        let solution = self.sim.solution(OURS, counter, target);
        self.find(solution);
        sleep(Duration::from_millis(1)).await;
        solution
    }

    pub(crate) fn state(&self, solution: &Solution) -> Option<SolutionState> {
        self.ledger.solution(solution.id()).unwrap().map(|record| record.state)
    }

    /// Waits until the rounds have reached the chain's tip and the ledger knows it.
    pub(crate) async fn until_accounted(&self) {
        until(|| self.ledger.scanned_height().unwrap() == Some(self.sim.tip())).await;
    }

    pub(crate) fn reason(&self, part: Part) -> Option<&'static str> {
        self.health.latest().0.get(&part).map(|report| report.reason)
    }

    pub(crate) fn shares_dir(&self) -> PathBuf {
        self.folder.path().join("shares")
    }

    pub(crate) fn dumps(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.shares_dir()) else { return vec![] };
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        // Finishes the write in progress.
        names.retain(|name| name.ends_with(".json"));
        names.sort();
        names
    }

    /// Stops as an operator would.
    pub(crate) async fn stop(mut self) -> (Arc<SimChain>, Arc<TempDir>) {
        self.stop.cancel();
        self.finds = None;
        for task in self.tasks.drain(..) {
            task.await.unwrap();
        }
        self.ledger.close().await;
        (self.sim, self.folder)
    }

    /// Stops in the middle of its work.
    pub(crate) async fn crash(mut self) -> (Arc<SimChain>, Arc<TempDir>) {
        for task in self.tasks.drain(..) {
            task.abort();
            let _ = task.await;
        }
        self.ledger.close().await;
        (self.sim, self.folder)
    }
}

/// Waits for another thread, without moving the paused time.
pub(crate) async fn until(mut done: impl FnMut() -> bool) {
    for _ in 0..10_000 {
        if done() {
            return;
        }
        tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_millis(1))).await.unwrap();
        tokio::task::yield_now().await;
    }
    panic!("it never came");
}

pub(crate) fn ids(solutions: &[Solution]) -> Vec<SolutionId> {
    solutions.iter().map(Solution::id).collect()
}
