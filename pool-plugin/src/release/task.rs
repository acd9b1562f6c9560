//! Carries out the decisions of the [queue](super::queue): the only place that sends solutions to the
//! network.

use std::{collections::HashMap, sync::Arc};

use pool_core::{
    chain::{ChainHandle, ChainState, Puzzle, addresses::Addresses, limit_of_next_epoch},
    health::{HealthBoard, Part},
    types::{Address, Found, SolutionId},
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{Duration, Instant, MissedTickBehavior, interval, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::{
    Inbox, SharedInbox, Waits, health,
    policy::Policy,
    queue::{Expired, HandOver, Past, Plan, ReleaseQueue, Wait},
    records::{Entry, Notice, SolutionRecorder, SolutionStore},
};
use crate::ledger::{
    ReadError,
    records::{SolutionRecord, SolutionState},
};

/// Between two checks of the peers.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// How long finds are still accepted after a stop, if their senders live on.
const DRAIN: Duration = Duration::from_secs(2);

/// The addresses, and the policy.
#[derive(Clone, Debug)]
pub struct Setup {
    pub policy: Policy,
    /// Gets what each address may still send.
    pub addresses: Arc<Addresses>,
}

/// Releases finds until `stop`; then takes the finds still on their way, and returns when all records are
/// written.
///
/// Woken by a find, a new block, a settled solution, and each second by a check of the peers. The open
/// solutions of the ledger, and finds that a crash left without a record, are added before anything is
/// released.
pub async fn run<S: SolutionStore>(
    chain: ChainHandle,
    setup: Setup,
    mut state: watch::Receiver<ChainState>,
    ledger: S,
    inbox: SharedInbox,
    health: HealthBoard,
    stop: CancellationToken,
) {
    let mut inbox = inbox.lock().await;
    let Inbox { finds, settled, waits } = &mut *inbox;
    let Started { mut releaser, recorder, mut notices } =
        start(chain, setup, ledger, health, waits.clone(), stop.clone());
    let mut looks = interval(LOOK_INTERVAL);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut finds_open, mut settled_open, mut state_open) = (true, true, true);
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            found = finds.recv(), if finds_open => match found {
                Some(found) => releaser.take(found),
                None => finds_open = false,
            },
            one = settled.recv(), if settled_open => match one {
                Some(one) => releaser.queue.settle(one.id, one.epoch),
                None => settled_open = false,
            },
            Some(one) = notices.recv() => releaser.on_notice(one),
            changed = state.changed(), if state_open => state_open = changed.is_ok(),
            _ = looks.tick() => releaser.look(),
        }
        // Everything known goes into one decision: the best of the finds first, landings before budgets.
        while let Ok(found) = finds.try_recv() {
            releaser.take(found);
        }
        while let Ok(one) = settled.try_recv() {
            releaser.queue.settle(one.id, one.epoch);
        }
        while let Ok(one) = notices.try_recv() {
            releaser.on_notice(one);
        }
        let latest = *state.borrow_and_update();
        releaser.release(&latest);
    }
    drain(&mut releaser, finds, &mut notices, &state).await;
    finish(releaser, recorder).await;
}

struct Started<S> {
    releaser: Releaser<S>,
    recorder: JoinHandle<()>,
    notices: mpsc::UnboundedReceiver<Notice>,
}

fn start<S: SolutionStore>(
    chain: ChainHandle,
    setup: Setup,
    ledger: S,
    health: HealthBoard,
    waits: watch::Sender<Waits>,
    stop: CancellationToken,
) -> Started<S> {
    let store = Arc::new(ledger);
    let (entries, to_write) = mpsc::unbounded_channel();
    let (failure, unwritten) = watch::channel(None);
    let (queue, notices) = mpsc::unbounded_channel();
    let recorder = SolutionRecorder { store: store.clone(), queue, failure, stop };
    let recorder = tokio::spawn(recorder.run(to_write));
    let Setup { policy, addresses } = setup;
    let (queue, started) = (ReleaseQueue::new(policy), Instant::now());
    let releaser = Releaser {
        chain,
        addresses,
        store,
        entries,
        unwritten,
        health,
        waits,
        queue,
        new: vec![],
        next_load: Some(Duration::ZERO),
        started,
    };
    Started { releaser, recorder, notices }
}

/// Takes what the share checks still send while they stop.
async fn drain<S: SolutionStore>(
    releaser: &mut Releaser<S>,
    finds: &mut mpsc::UnboundedReceiver<Found>,
    notices: &mut mpsc::UnboundedReceiver<Notice>,
    state: &watch::Receiver<ChainState>,
) {
    let deadline = Instant::now() + DRAIN;
    while let Ok(Some(found)) = timeout_at(deadline, finds.recv()).await {
        releaser.take(found);
        while let Ok(one) = notices.try_recv() {
            releaser.on_notice(one);
        }
        let latest = *state.borrow();
        releaser.release(&latest);
    }
    finds.close();
    while let Ok(found) = finds.try_recv() {
        releaser.take(found);
    }
    let latest = *state.borrow();
    releaser.release(&latest);
}

async fn finish<S>(releaser: Releaser<S>, recorder: JoinHandle<()>) {
    drop(releaser);
    if let Err(error) = recorder.await {
        tracing::error!(%error, "the task that records found solutions failed");
    }
}

struct Releaser<S> {
    chain: ChainHandle,
    addresses: Arc<Addresses>,
    store: Arc<S>,
    entries: mpsc::UnboundedSender<Entry>,
    unwritten: watch::Receiver<Option<String>>,
    health: HealthBoard,
    waits: watch::Sender<Waits>,
    queue: ReleaseQueue,
    /// Finds to record once it is known whether they are sent.
    new: Vec<SolutionRecord>,
    /// When to read the open solutions of the ledger; `None` once they are in the queue.
    next_load: Option<Duration>,
    started: Instant,
}

impl<S: SolutionStore> Releaser<S> {
    fn take(&mut self, found: Found) {
        let id = found.solution.id();
        if !self.queue.add(found.solution, found.epoch, Past::Fresh) {
            return tracing::debug!(%id, "solution found again");
        }
        tracing::info!(%id, target = found.solution.target, epoch = found.epoch,
            account = found.finder.account, worker = found.finder.name, "solution found");
        self.announce(found);
    }

    fn announce(&mut self, found: Found) {
        let record = record_of(found);
        self.store.expect_found(&record);
        self.new.push(record);
    }

    fn on_notice(&mut self, notices: Notice) {
        match notices {
            Notice::Settled(one) => self.queue.settle(one.id, one.epoch),
            Notice::Marked(id) => self.queue.marked(id),
        }
    }

    /// One write for a find and its release: at no moment does the network have a solution that the database
    /// has as held.
    fn record_new(&mut self) {
        for mut record in std::mem::take(&mut self.new) {
            if self.queue.record(record.solution.id()) {
                record.state = SolutionState::Released;
            }
            self.write(Entry::Found(record));
        }
    }

    fn write(&self, entry: Entry) {
        if let Err(unsent) = self.entries.send(entry) {
            tracing::error!(entry = ?unsent.0, "solution not recorded, its writer is gone: keep this line");
        }
    }

    fn look(&mut self) {
        let now = self.started.elapsed();
        self.queue.look(&self.chain.peers(), now);
    }

    fn load(&mut self, puzzle: &Puzzle, now: Duration) {
        let read =
            || Ok::<_, ReadError>((self.store.open_solutions()?, self.store.unrecorded_finds(puzzle)?));
        let (open, unrecorded) = match read() {
            Ok(read) => read,
            Err(error) => {
                self.next_load = Some(now + LOOK_INTERVAL);
                return tracing::error!(%error, "could not read the open solutions; retrying");
            }
        };
        self.next_load = None;
        for record in open {
            let released = record.state == SolutionState::Released;
            let past = if released { Past::Released } else { Past::Held };
            if self.queue.add(record.solution, record.epoch, past) {
                tracing::info!(id = %record.solution.id(), released, "resumed an open solution");
            }
        }
        for found in unrecorded {
            let id = found.solution.id();
            if self.queue.add(found.solution, found.epoch, Past::Unsure) {
                tracing::warn!(%id, "found an unrecorded solution among stored shares; releasing it first");
                self.announce(found);
            }
        }
    }

    /// Decides, carries out, and records.
    fn release(&mut self, state: &ChainState) {
        // Without a puzzle nothing can be decided: everything waits.
        if let Some(puzzle) = state.puzzle {
            let now = self.started.elapsed();
            if self.next_load.is_some_and(|at| at <= now) {
                self.load(&puzzle, now);
            }
            self.queue.hold(!state.sync.access.takes_shares());
            self.decide(&puzzle, now);
        }
        self.record_new();
    }

    fn decide(&mut self, puzzle: &Puzzle, now: Duration) {
        for expired in self.queue.expire(puzzle.epoch) {
            log_expired(&expired);
        }
        for id in self.queue.drop_surplus(puzzle.epoch) {
            tracing::warn!(%id, "solution dropped: enough better ones wait for the next epoch");
        }
        let left = self.solutions_left();
        loop {
            let plan = self.queue.plan(puzzle, &left, now);
            for (id, wait) in &plan.newly_waiting {
                log_waiting(*id, *wait);
            }
            for id in &plan.marks {
                tracing::info!(%id, "solution released");
                self.queue.mark(*id, now);
                self.write(Entry::Released(*id));
            }
            let mut all_handed = true;
            for hand_over in &plan.hand_overs {
                all_handed &= self.carry_out(hand_over, now);
            }
            // No peer took one: the queue now knows which are gone, and decides again without them.
            if all_handed {
                self.addresses.note_left(puzzle.epoch, |address| plan.left.get(address).copied());
                if let Some(turned) = puzzle.after_turn() {
                    self.note_left_after(&turned);
                }
                return self.report(&plan);
            }
        }
    }

    /// On the last block of an epoch miners work for the next one: what waits for it takes places there.
    fn note_left_after(&self, turned: &Puzzle) {
        let limit = |address: &Address| Some((*address, limit_of_next_epoch(&*self.chain, address).ok()?));
        let limits = self.addresses.all().iter().filter_map(limit).collect();
        let left = self.queue.left_after_turn(turned, &limits);
        self.addresses.note_left(turned.epoch, |address| left.get(address).copied());
    }

    fn solutions_left(&self) -> HashMap<Address, u64> {
        let mut left = HashMap::new();
        for address in self.queue.addresses().into_iter().chain(self.addresses.all().iter().copied()) {
            match self.chain.solutions_left(&address) {
                Ok(count) => {
                    left.insert(address, count);
                }
                // The queue logs once per solution that it waits for this.
                Err(error) => tracing::debug!(%address, %error, "cannot read the stake limit"),
            }
        }
        left
    }

    /// `false` if nobody took it.
    fn carry_out(&mut self, hand_over: &HandOver, now: Duration) -> bool {
        let HandOver { solution, submit, peers } = hand_over;
        let id = solution.id();
        let (mut handed, mut released) = (false, false);
        if *submit {
            let taken = self.chain.submit_to_own_consensus(solution);
            released |= self.queue.submitted(id, taken);
            handed |= taken;
        }
        for peer in peers {
            let delivered = self.chain.offer(*peer, solution);
            released |= self.queue.offered(id, *peer, delivered, now);
            handed |= delivered;
        }
        if released {
            tracing::info!(%id, target = solution.target, peers = peers.len(), "solution released");
            if self.new.iter().all(|record| record.solution.id() != id) {
                self.write(Entry::Released(id));
            }
        }
        if handed {
            self.chain.check_ahead(solution);
        }
        handed
    }

    fn report(&self, plan: &Plan) {
        self.waits.send_replace(self.queue.waits());
        let unwritten = self.unwritten.borrow().clone();
        self.health.report(Part::Release, health::release(&plan.status, unwritten.as_deref()));
    }
}

impl<S> Drop for Releaser<S> {
    /// Even when it fails: finds are recorded.
    fn drop(&mut self) {
        for record in std::mem::take(&mut self.new) {
            let _ = self.entries.send(Entry::Found(record));
        }
    }
}

fn record_of(found: Found) -> SolutionRecord {
    let Found { solution, epoch, finder, found_ms } = found;
    SolutionRecord { solution, epoch, finder: Some(finder), found_ms, state: SolutionState::Found }
}

fn log_waiting(id: SolutionId, wait: Wait) {
    match wait {
        Wait::StakeLimit => {
            tracing::warn!(%id, "solution held: the pool address may land no more this epoch")
        }
        Wait::Better => tracing::info!(%id, "solution held: a better one may come this epoch"),
        Wait::UnknownLimit => tracing::error!(%id, "solution held: the stake limit cannot be read"),
        Wait::ProofTarget => tracing::info!(%id, "solution held: the proof target has risen above it"),
        Wait::NextEpoch => tracing::info!(%id, "solution held: its epoch begins with the next block"),
        Wait::Epoch => tracing::info!(%id, "solution held: its epoch is not the current one"),
        Wait::Network => tracing::warn!(%id, "solution held: the node does not follow the network"),
        Wait::NoPeer => tracing::warn!(%id, "solution waits: no peer can be written to"),
        Wait::Pace => tracing::info!(%id, "solution waits: the peers accept no more this minute"),
    }
}

fn log_expired(expired: &Expired) {
    let Expired { id, released, waited } = expired;
    if *released {
        return tracing::warn!(%id, "solution expired: released, but in no block of its epoch");
    }
    tracing::warn!(%id, ?waited, "solution expired: never released");
}
