//! The behaviours of miners, and their shares of a crowd.

use std::str::FromStr;

use clap::ValueEnum;
use pool_core::all_of;

/// A miner's behaviour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Behaviour {
    /// Finds shares at its rate and sends them.
    Honest,
    /// Sends counters that reach nothing, as fast as the pool accepts them.
    Bogus,
    /// Sends each of its shares five times, in different notations.
    Duplicates,
    /// Sends its shares under the job before the one it has.
    Stale,
    /// Sends lines that are not requests.
    Garbage,
    /// Sends a line without an end.
    EndlessLine,
    /// Keeps sending requests, and never reads an answer.
    SlowReader,
    /// Connects and says nothing.
    Silent,
    /// Logs in, disconnects, and reconnects at once.
    Storm,
}

impl Behaviour {
    pub const ALL: [Self; 9] = all_of!(
        Behaviour: Honest, Bogus, Duplicates, Stale, Garbage, EndlessLine, SlowReader, Silent, Storm
    );

    /// Whether such a miner waits for a job.
    pub fn logs_in(self) -> bool {
        matches!(self, Self::Honest | Self::Bogus | Self::Duplicates | Self::Stale | Self::Storm)
    }

    /// Its name in a mix and in a report.
    pub fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_string()).unwrap_or_default()
    }
}

/// Behaviours and their weights, as in `honest=9,bogus=1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mix(Vec<(Behaviour, usize)>);

impl Default for Mix {
    fn default() -> Self {
        Self(vec![(Behaviour::Honest, 1)])
    }
}

impl Mix {
    /// The behaviour of miner `number`: the weights are kept in every run of as many miners as they sum to.
    pub fn of(&self, number: usize) -> Behaviour {
        let total: usize = self.0.iter().map(|(_, weight)| weight).sum();
        let mut rest = number % total.max(1);
        for (behaviour, weight) in &self.0 {
            match rest.checked_sub(*weight) {
                Some(next) => rest = next,
                None => return *behaviour,
            }
        }
        Behaviour::Honest
    }
}

impl FromStr for Mix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Result<Vec<_>, String> = text.split(',').map(parse_part).collect();
        Ok(Self(parts?))
    }
}

fn parse_part(part: &str) -> Result<(Behaviour, usize), String> {
    let (name, weight) = part.split_once('=').unwrap_or((part, "1"));
    let behaviour = Behaviour::from_str(name, false).map_err(|_| {
        let names: Vec<String> = Behaviour::ALL.iter().map(|one| one.name()).collect();
        format!("'{name}' is no behaviour; use {}", names.join(", "))
    })?;
    match weight.parse() {
        Ok(weight @ 1..=1_000_000) => Ok((behaviour, weight)),
        _ => Err(format!("'{weight}' is no weight; use a whole number from 1 on, as in {name}=3")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mix_is_kept() {
        let mix: Mix = "honest=3,slow-reader,bogus=2".parse().unwrap();
        let crowd: Vec<Behaviour> = (0..12).map(|number| mix.of(number)).collect();
        use Behaviour::{Bogus, Honest, SlowReader};
        let once = [Honest, Honest, Honest, SlowReader, Bogus, Bogus];
        assert_eq!(crowd, [once, once].concat());
    }

    #[test]
    fn a_wrong_mix_says_what_would_be_right() {
        assert!("honset".parse::<Mix>().unwrap_err().contains("honest, bogus, duplicates"));
        for wrong in ["honest=0", "honest=x", "honest=", "honest=-1"] {
            assert!(wrong.parse::<Mix>().unwrap_err().contains("honest=3"), "{wrong}");
        }
    }
}
