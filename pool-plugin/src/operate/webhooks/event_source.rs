//! From the state of the pool to events. The first look only sets the start: earlier events are not sent.
//! Pure but for the ledger it reads.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use pool_core::{
    health::{Health, Level, Part, Report},
    types::SolutionId,
};
use serde_json::{Value, json};

use super::event::{EventKind, Happening};
use crate::{
    books::dump::file_name,
    ledger::{
        ReadError, ShareLedger,
        records::{Round, SolutionRecord, SolutionState},
    },
};

/// How long a change of a part's health must last before it is sent: short problems alert nobody.
pub const LASTING: Duration = Duration::from_secs(10);
/// The most rounds sent in one look.
const ROUNDS: usize = 100;

/// The state at the last look.
#[derive(Default)]
pub struct EventSource {
    parts: BTreeMap<Part, Watched>,
    /// Those that may still land; `None` before the first look.
    open: Option<HashMap<SolutionId, SolutionRecord>>,
    /// The last block that was sent.
    height: u32,
}

/// A part's level and reason.
type LevelAndReason = (Level, &'static str);

struct Watched {
    notified: LevelAndReason,
    /// Its present state, and since when.
    now: LevelAndReason,
    since: Duration,
}

impl EventSource {
    /// The events since the last look. `now`: since some fixed time.
    pub fn look(
        &mut self,
        ledger: &ShareLedger,
        health: &Health,
        now: Duration,
    ) -> Result<Vec<Happening>, ReadError> {
        let mut happenings = self.health(health, now);
        self.solutions(ledger, &mut happenings)?;
        for round in ledger.rounds_above(self.height, ROUNDS)? {
            self.height = round.height;
            happenings.push(landed(&round));
        }
        Ok(happenings)
    }

    fn health(&mut self, health: &Health, now: Duration) -> Vec<Happening> {
        let mut happenings = vec![];
        for (part, report) in &health.0 {
            let current = (report.level, report.reason);
            // A part that starts healthy is no event.
            let quiet = || Watched { notified: (Level::Green, ""), now: current, since: now };
            let watched = self.parts.entry(*part).or_insert_with(quiet);
            if watched.now != current {
                (watched.now, watched.since) = (current, now);
            }
            let is_news = match (watched.notified.0, current.0) {
                (Level::Green, Level::Green) => false,
                _ => watched.notified != current,
            };
            if is_news && now.saturating_sub(watched.since) >= LASTING {
                happenings.push(part_changed(*part, watched.notified.0, report));
                watched.notified = current;
            }
        }
        happenings
    }

    fn solutions(&mut self, ledger: &ShareLedger, happenings: &mut Vec<Happening>) -> Result<(), ReadError> {
        let open =
            ledger.open_solutions()?.into_iter().map(|record| (record.solution.id(), record)).collect();
        let Some(before) = &self.open else {
            self.open = Some(open);
            self.height = ledger.round_before(u32::MAX)?.map_or(0, |round| round.height);
            return Ok(());
        };
        let is_new = |id: &&SolutionId| !before.contains_key(id);
        let new = open.keys().filter(is_new).filter_map(|id| open.get(id));
        happenings.extend(new.map(|record| happening(EventKind::Found, solution(record))));
        for id in before.keys().filter(|id| !open.contains_key(id)) {
            happenings.extend(ledger.solution(*id)?.as_ref().and_then(lost));
        }
        self.open = Some(open);
        Ok(())
    }
}

fn happening(kind: EventKind, data: Value) -> Happening {
    Happening { kind, data }
}

fn part_changed(part: Part, before: Level, report: &Report) -> Happening {
    let data = json!({
        "part": part.to_string(),
        "level": report.level.to_string(),
        "before": before.to_string(),
        "reason": report.reason,
        "text": report.text,
    });
    happening(EventKind::Health, data)
}

fn solution(record: &SolutionRecord) -> Value {
    let finder = record.finder.as_ref();
    json!({
        "id": record.solution.id().to_string(),
        "epoch": record.epoch,
        "address": record.solution.address.to_string(),
        // Too large for a receiver's numbers.
        "target": record.solution.target.to_string(),
        "account": finder.map(|finder| &finder.account),
        "worker": finder.map(|finder| &finder.name),
    })
}

/// `None` if it was not lost.
fn lost(record: &SolutionRecord) -> Option<Happening> {
    let (state, reason) = match &record.state {
        SolutionState::Aborted { inferred, .. } => ("aborted", inferred.as_str()),
        SolutionState::Expired => ("expired", "its epoch ended before it was in a block"),
        SolutionState::Found | SolutionState::Released | SolutionState::Landed { .. } => return None,
    };
    let mut data = solution(record);
    data["state"] = state.into();
    data["reason"] = reason.into();
    Some(happening(EventKind::Lost, data))
}

fn landed(round: &Round) -> Happening {
    let reward: u64 = round.solutions.iter().map(|solution| solution.reward).fold(0, u64::saturating_add);
    let solutions: Vec<Value> = round
        .solutions
        .iter()
        .map(|landed| {
            let finder = landed.finder.as_ref();
            json!({
                "id": landed.solution.id().to_string(),
                "reward": landed.reward.to_string(),
                "account": finder.map(|finder| &finder.account),
                "worker": finder.map(|finder| &finder.name),
            })
        })
        .collect();
    let data = json!({
        "height": round.height,
        "hash": round.hash.to_string(),
        "timestamp": round.timestamp,
        "epoch": round.epoch,
        "address": round.address.to_string(),
        // Microcredits.
        "reward": reward.to_string(),
        "solutions": solutions,
        "dump": file_name(round),
    });
    happening(EventKind::Landed, data)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn health(level: Level, reason: &'static str) -> Health {
        let report = Report { level, reason, text: "do something".into() };
        Health(BTreeMap::from([(Part::Chain, report)]))
    }

    #[test]
    fn a_part_is_told_when_its_trouble_lasts_and_when_it_is_over() {
        let mut event_source = EventSource::default();
        let mut look = |level, reason, at| {
            let sent = event_source.health(&health(level, reason), seconds(at));
            sent.first().map(|one| format!("{} after {}", one.data["level"], one.data["before"]))
        };
        assert_eq!(look(Level::Red, "behind", 0), None, "not yet");
        assert_eq!(look(Level::Green, "synced", 5), None, "it has passed");
        assert_eq!(look(Level::Red, "behind", 6), None);
        assert_eq!(look(Level::Red, "behind", 15), None);
        assert_eq!(look(Level::Red, "behind", 16).as_deref(), Some("\"red\" after \"green\""));
        assert_eq!(look(Level::Red, "behind", 60), None, "sent already");
        assert_eq!(look(Level::Red, "alone", 61), None);
        assert!(look(Level::Red, "alone", 71).is_some(), "another reason");
        assert_eq!(look(Level::Green, "synced", 72), None);
        assert_eq!(look(Level::Green, "synced", 82).as_deref(), Some("\"green\" after \"red\""));
        assert_eq!(look(Level::Green, "another word", 99), None, "well either way");
    }
}
