//! Copies of the books on the operator's servers (the crate `pool-sinks`): what they read of the ledger, the
//! dumps and the chain, and their health. `docs/sinks.md` is for operators.
//!
//! # Layout
//! - `books`: the ledger as the sinks read it.
//! - `judge`: from a sink's status to a health report.

mod books;
mod judge;

use std::time::Duration;

use pool_sinks::{
    activity::Activity,
    books::SharedBooks,
    postgres::PostgresSink,
    redis::RedisSink,
    runner::{self, Running},
};
use tokio_util::sync::CancellationToken;

pub use self::{books::LedgerBooks, judge::judge};
use pool_core::health::{HealthBoard, Part};

use crate::operate::config::SinksConfig;

/// The `chain` of a block's record.
const CHAIN: &str = "aleo";

/// Feeds the configured sinks until `stop`, and reports on them each second.
pub async fn run(
    config: SinksConfig,
    books: SharedBooks,
    activity: Activity,
    board: HealthBoard,
    stop: CancellationToken,
) {
    let running = match start(config, &books, activity) {
        Ok(running) => running,
        Err(error) => {
            tracing::error!(%error, "cannot start the threads of the sinks");
            return;
        }
    };
    let mut looks = tokio::time::interval(Duration::from_secs(1));
    while stop.run_until_cancelled(looks.tick()).await.is_some() {
        for (part, sink) in &running {
            board.report(*part, judge(&sink.status(), books.stored().ok().flatten()));
        }
    }
    // Waits for the current portion, though not forever.
    let _ = tokio::task::spawn_blocking(move || drop(running)).await;
}

fn start(
    config: SinksConfig,
    books: &SharedBooks,
    activity: Activity,
) -> std::io::Result<Vec<(Part, Running)>> {
    let mut running = vec![];
    if let Some(redis) = config.redis {
        let sink = RedisSink::new(redis.url, &redis.prefix, activity);
        running.push((Part::Redis, runner::start(sink, books.clone())?));
    }
    if let Some(postgres) = config.postgres {
        let sink = PostgresSink::new(postgres.url, CHAIN, &postgres.location);
        running.push((Part::Postgres, runner::start(sink, books.clone())?));
    }
    Ok(running)
}
