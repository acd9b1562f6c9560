//! The commands of a bench to a running `simulate`: one per line on standard input.
//!
//! - `wait`: answers `working N` once every miner has a job.
//! - `still MS`: answers `still`, does nothing at all for that long, then answers `arrivals` and, for each miner
//!   that got a new epoch's job since, when the kernel had it, in nanoseconds since 1970.
//! - `arrivals`: answers the same at once, for the last new epoch.
//! - `report`: a line for each behaviour, then `end`.
//! - `starts`: answers `starts` and when miners came to have work since the last time, in milliseconds since 1970.
//! - `waits`: answers `waits` and for how many seconds the pool asked miners to stay away, since the last time.
//! - `acknowledged`: answers `acknowledged` and the counters of shares that were, since the last time.
//! - `quit`: ends; so does the end of the input.

use std::{
    io::{BufRead, stdin},
    thread,
    time::Duration,
};

use anyhow::{Result, bail};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep},
};

use crate::tally::Tally;

/// How long late jobs may take to be read.
const PATIENCE: Duration = Duration::from_secs(10);

/// Carries out commands until `quit`.
pub async fn run_commands(tally: &Tally, miners: usize) -> Result<()> {
    let mut commands = commands();
    while let Some(command) = commands.recv().await {
        let (name, argument) = command.split_once(' ').unwrap_or((&command, ""));
        match name {
            "wait" => {
                while tally.working() < miners {
                    sleep(Duration::from_millis(20)).await;
                }
                println!("working {}", tally.working());
            }
            "still" => {
                stand_still(tally, Duration::from_millis(argument.parse()?)).await;
            }
            "arrivals" => println!("arrivals {}", words(&tally.arrivals())),
            "report" => {
                tally.report().iter().for_each(|line| println!("{line}"));
                println!("end");
            }
            "starts" => println!("starts {}", words(&tally.take_starts())),
            "waits" => println!("waits {}", words(&tally.take_waits())),
            "acknowledged" => println!("acknowledged {}", words(&tally.take_acknowledged())),
            "quit" => return Ok(()),
            _ => bail!(
                "'{command}' is not a command: use wait, still MS, arrivals, report, starts, waits, acknowledged or quit"
            ),
        }
    }
    Ok(())
}

async fn stand_still(tally: &Tally, time: Duration) {
    tally.clear_arrivals();
    println!("still");
    // The whole thread, with all miners on it: that is intended.
    thread::sleep(time);
    let until = Instant::now() + PATIENCE;
    let mut arrivals = vec![];
    while arrivals.len() < tally.working() && Instant::now() < until {
        sleep(Duration::from_millis(20)).await;
        arrivals = tally.arrivals();
    }
    println!("arrivals {}", words(&arrivals));
}

fn words(numbers: &[u64]) -> String {
    let words: Vec<String> = numbers.iter().map(u64::to_string).collect();
    words.join(" ")
}

/// Lines of standard input; read by a separate thread, which ends with the process.
fn commands() -> mpsc::UnboundedReceiver<String> {
    let (sender, receiver) = mpsc::unbounded_channel();
    thread::spawn(move || {
        for line in stdin().lock().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}
