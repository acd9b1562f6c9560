//! The command line of `simulate`.

use std::{net::SocketAddr, time::Duration};

use clap::Parser;
use rand::{Rng, RngExt};

use crate::behaviour::Mix;

/// Synthetic miners on real sockets. They mine the puzzle of `pool-on-sim`, which costs nothing, so that one
/// process has thousands of miners of any speed. Prints the results of each kind of miner
#[derive(Parser, Clone, Debug)]
#[command(
    name = "simulate",
    after_help = "Examples:\n  \
                  pool-on-sim --listen 127.0.0.1:3333\n  \
                  simulate --pool 127.0.0.1:3333 --miners 1000 --rate 1e3..1e6 --seconds 60\n  \
                  simulate --pool 127.0.0.1:3333 --miners 100 --mix honest=8,bogus=1,slow-reader=1\n\n\
                  Behaviours: honest, bogus, duplicates, stale, garbage, endless-line, slow-reader, silent, storm"
)]
pub struct Args {
    /// The pool's stratum port
    #[arg(long, value_name = "IP:PORT")]
    pub pool: SocketAddr,

    /// How many miners
    #[arg(long, default_value_t = 100)]
    pub miners: usize,

    /// Who does what, and how many of them
    #[arg(long, default_value = "honest", value_name = "BEHAVIOUR=WEIGHT,…")]
    pub mix: Mix,

    /// Attempts a second of each miner, or bounds for a random rate of each; 0 finds nothing
    #[arg(long, default_value = "1000", value_name = "N|LOW..HIGH", value_parser = parse_rates)]
    pub rate: Rates,

    /// What each miner logs in as; {} in it is the miner's number
    #[arg(long, default_value = "sim{}.rig", value_name = "LOGIN")]
    pub login: String,

    /// How long a share is on its way to the pool, in milliseconds
    #[arg(long, default_value_t = 0, value_name = "MS")]
    pub latency: u64,

    /// How long to mine
    #[arg(long, default_value_t = 30)]
    pub seconds: u64,

    /// Addresses of 127.0.0.0/8 the miners connect from, if the pool is on one [default: one for each miner]
    #[arg(long, value_name = "N")]
    pub sources: Option<usize>,

    /// Speak generic JSON, which has a "reconnect later" message, instead of AleoStratum
    #[arg(long)]
    pub generic: bool,

    /// Connections that are made at a time
    #[arg(long, default_value_t = 100, value_name = "N")]
    pub at_a_time: usize,

    /// Take commands from standard input instead of ending after --seconds: wait, still MS, report, quit
    #[arg(long)]
    pub control: bool,
}

impl Args {
    pub fn latency(&self) -> Duration {
        Duration::from_millis(self.latency)
    }

    /// The login of one miner.
    pub fn login(&self, number: usize) -> String {
        self.login.replace("{}", &number.to_string())
    }
}

/// The bounds of the miners' speeds, in attempts a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    low: f64,
    high: f64,
}

impl Rates {
    /// One miner's, spread evenly over the orders of magnitude.
    pub fn draw(&self, random: &mut impl Rng) -> f64 {
        if self.low == self.high {
            return self.low;
        }
        random.random_range(self.low.ln()..self.high.ln()).exp()
    }
}

fn parse_rates(text: &str) -> Result<Rates, String> {
    let (low, high) = text.split_once("..").unwrap_or((text, text));
    let parse = |text: &str| text.parse::<f64>().ok().filter(|rate| (0.0..=1e12).contains(rate));
    match (parse(low), parse(high)) {
        (Some(low), Some(high)) if low == high || (low > 0.0 && low < high) => Ok(Rates { low, high }),
        _ => Err("use attempts a second, from 0 to 1e12, or two bounds above 0, as in 1e3..1e6".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_one_number_or_two_bounds() {
        assert_eq!(parse_rates("0"), Ok(Rates { low: 0.0, high: 0.0 }));
        assert_eq!(parse_rates("1e3..1e6"), Ok(Rates { low: 1e3, high: 1e6 }));
        for wrong in ["", "x", "-1", "NaN", "5..", "5..4", "0..4", "1e13"] {
            assert!(parse_rates(wrong).is_err(), "{wrong}");
        }
        let mut random = rand::rng();
        let drawn: Vec<f64> = (0..1_000).map(|_| Rates { low: 1.0, high: 1e6 }.draw(&mut random)).collect();
        assert!(drawn.iter().all(|rate| (1.0..=1e6).contains(rate)));
        let below = drawn.iter().filter(|rate| **rate < 1e3).count();
        assert!((400..600).contains(&below), "{below}");
    }
}
