//! The miners' results.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    time::Duration,
};

use pool_core::types::unix_ms;
use serde_json::Value;

use crate::{behaviour::Behaviour, helper::percentile};

/// The results of the miners of one behaviour.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    pub miners: u64,
    /// Connections made.
    pub connections: u64,
    /// Connections that could not be made.
    pub unreachable: u64,
    /// Connections that the pool ended.
    pub closed: u64,
    /// Shares sent, good ones and others.
    pub sent: u64,
    pub accepted: u64,
    /// Refusals by code, of shares and of other lines.
    pub refused: BTreeMap<i64, u64>,
    /// From the write of a share to its answer; only for honest miners.
    pub acks: Vec<Duration>,
}

/// The counts of a crowd. Used by one thread, so plain cells.
#[derive(Debug, Default)]
pub struct Tally {
    counts: RefCell<BTreeMap<Behaviour, Counts>>,
    /// Miners that have a job.
    working: Cell<usize>,
    /// When the job of the last new epoch arrived at each miner, in nanoseconds since 1970; 0: not since the
    /// list was cleared.
    arrivals: RefCell<Vec<u64>>,
    /// When each miner got work, in milliseconds since 1970, since the last request for these times.
    starts: RefCell<Vec<u64>>,
    /// The seconds that the pool asked miners to wait before they reconnect, since the last request for them.
    waits: RefCell<Vec<u64>>,
    /// The counters of acknowledged shares, if they will be requested.
    acknowledged: Option<RefCell<Vec<u64>>>,
}

impl Tally {
    /// `controlled`: more than the counts may be requested.
    pub fn new(miners: usize, controlled: bool) -> Self {
        let arrivals = RefCell::new(vec![0; miners]);
        Self { arrivals, acknowledged: controlled.then(RefCell::default), ..Self::default() }
    }

    pub fn count(&self, behaviour: Behaviour, change: impl FnOnce(&mut Counts)) {
        change(self.counts.borrow_mut().entry(behaviour).or_default());
    }

    pub fn started_work(&self) {
        self.working.set(self.working.get() + 1);
        self.starts.borrow_mut().push(unix_ms());
    }

    /// When miners got work since the last call, in milliseconds since 1970.
    pub fn take_starts(&self) -> Vec<u64> {
        self.starts.take()
    }

    pub fn asked_to_wait(&self, seconds: u64) {
        self.waits.borrow_mut().push(seconds);
    }

    /// For how many seconds the pool asked miners to stay away, since the last call.
    pub fn take_waits(&self) -> Vec<u64> {
        self.waits.take()
    }

    pub fn acknowledged(&self, counter: &Value) {
        let counter = counter.as_str().and_then(|counter| counter.parse().ok());
        if let (Some(all), Some(counter)) = (&self.acknowledged, counter) {
            all.borrow_mut().push(counter);
        }
    }

    /// The counters, in decimals, of shares that were acknowledged since the last call.
    pub fn take_acknowledged(&self) -> Vec<u64> {
        self.acknowledged.as_ref().map(RefCell::take).unwrap_or_default()
    }

    pub fn ended_work(&self) {
        self.working.set(self.working.get().saturating_sub(1));
    }

    pub fn working(&self) -> usize {
        self.working.get()
    }

    pub fn job_arrived(&self, miner: usize, when: u64) {
        if let Some(arrival) = self.arrivals.borrow_mut().get_mut(miner) {
            *arrival = when;
        }
    }

    pub fn clear_arrivals(&self) {
        self.arrivals.borrow_mut().fill(0);
    }

    /// The arrivals since the list was cleared.
    pub fn arrivals(&self) -> Vec<u64> {
        self.arrivals.borrow().iter().copied().filter(|arrival| *arrival > 0).collect()
    }

    /// A line for each behaviour; counts continue, the answer times start over.
    pub fn report(&self) -> Vec<String> {
        let mut counts = self.counts.borrow_mut();
        counts.iter_mut().map(|(behaviour, counts)| line(*behaviour, counts)).collect()
    }
}

fn line(behaviour: Behaviour, counts: &mut Counts) -> String {
    let Counts { miners, connections, unreachable, closed, sent, accepted, refused, acks } = counts;
    let refused: Vec<String> = refused.iter().map(|(code, count)| format!("{code}={count}")).collect();
    let refused = if refused.is_empty() { "0".into() } else { refused.join(",") };
    let mut acks: Vec<f64> = acks.drain(..).map(|ack| ack.as_secs_f64() * 1e3).collect();
    acks.sort_by(f64::total_cmp);
    format!(
        "{} miners {miners} connections {connections} unreachable {unreachable} closed {closed} sent {sent} \
         accepted {accepted} refused {refused} ack_p50_ms {:.2} ack_p99_ms {:.2}",
        behaviour.name(),
        percentile(&acks, 0.5),
        percentile(&acks, 0.99),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_a_line_for_each_behaviour() {
        let tally = Tally::new(2, true);
        tally.count(Behaviour::Bogus, |counts| *counts.refused.entry(23).or_default() += 7);
        tally.count(Behaviour::Honest, |counts| {
            (counts.sent, counts.accepted) = (2, 1);
            counts.acks = [9, 3, 1].map(Duration::from_millis).to_vec();
        });
        let lines = tally.report();
        assert!(
            lines[0].starts_with("honest miners 0 ") && lines[0].contains(" sent 2 accepted 1 refused 0 ")
        );
        assert!(lines[0].ends_with("ack_p50_ms 3.00 ack_p99_ms 9.00"), "{}", lines[0]);
        assert!(lines[1].contains(" refused 23=7 "), "{}", lines[1]);
        assert!(tally.report()[0].ends_with("ack_p50_ms 0.00 ack_p99_ms 0.00"));
    }
}
