//! An Aleo mining pool that runs inside a snarkOS node.
//!
//! # Layout
//! - [`types`]: hashes, addresses, solutions as plain values.
//! - [`accounting`]: from shares to money: schemes, windows, parts that add up.
//! - [`audit`]: watches the sums of the books, and who finds too little.
//! - [`addresses`]: the pool's addresses, and for which of them each miner works.
//! - [`admin`]: the admin of a running pool.
//! - [`chain`]: the one door to the node, and a simulated chain for tests.
//! - [`console`]: the running pool in a terminal.
//! - [`config`]: flags, file and defaults, checked whole.
//! - [`cross_check`]: a fast evaluator, checked by a slow one.
//! - [`dump`]: a JSON file per block of ours, from which payouts are made.
//! - [`evaluator`]: the puzzle behind a trait.
//! - [`fair_queue`]: turns by session, not by arrival.
//! - [`guard`]: who may come in, who has to go.
//! - [`hashrate`]: hash rates, from the shares' targets.
//! - [`health`]: how each part fares, and what to do about it.
//! - [`history`]: the last day, minute by minute.
//! - [`intake`]: what every submitted counter goes through, whatever the dialect.
//! - [`json_lines`]: files of one JSON object a line, which people edit too.
//! - [`ledger`]: the shares, in RocksDB: durable before they are acknowledged.
//! - [`login`]: who is credited.
//! - [`meters`]: what is timed on the way of a share and a job.
//! - [`miner`]: the reference CPU miner.
//! - [`near_misses`]: counters that become solutions when the proof target falls.
//! - [`occasionally`]: a log line that does not become a flood.
//! - [`pool`]: the parts put together: start, supervision, shutdown.
//! - [`prepare`]: gets the puzzle ready before its first share.
//! - [`recover`]: finds and near misses of before a crash, read back from the shares.
//! - [`reject`]: why a miner's message is refused: codes and texts.
//! - [`release`]: from a found solution to the network.
//! - [`requirement`]: the stake the chain asks for.
//! - [`rest`]: blocks as a node's REST port shows them.
//! - [`reward`]: the chain's reward rule.
//! - [`rounds`]: from a block to what our solutions in it earn.
//! - [`sinks`]: copies of the books in Redis and PostgreSQL.
//! - [`source`]: which connections count together.
//! - [`stratum`]: the port the miners connect to.
//! - [`supervise`]: parts that are started again when they fail.
//! - [`systemd`]: what the service manager is told.
//! - [`reload`]: another configuration without a restart.
//! - [`vardiff`]: the share target a miner is to have.
//! - [`users`]: who may log in.
//! - [`verify`]: the threads that compute targets, and their fair queue.
//! - [`view`]: the running pool as plain data.
//! - [`webhooks`]: tells other programs when something happens.
//! - [`workers`]: what is known of each worker over all its connections.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod accounting;
pub mod addresses;
pub mod admin;
pub mod audit;
pub mod backup;
pub mod chain;
pub mod config;
pub mod console;
pub mod cross_check;
pub mod dump;
pub mod evaluator;
pub mod fair_queue;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
pub mod guard;
pub mod hashrate;
pub mod health;
pub mod history;
pub mod intake;
pub mod json_lines;
pub mod ledger;
pub mod login;
pub mod meters;
pub mod miner;
pub mod near_misses;
pub mod occasionally;
pub mod pool;
pub mod prepare;
pub mod recover;
pub mod reject;
pub mod release;
pub mod reload;
pub mod requirement;
pub mod rest;
pub mod resume;
pub mod reward;
pub mod rounds;
pub mod sinks;
pub mod source;
pub mod stratum;
pub mod supervise;
pub mod systemd;
pub mod types;
pub mod users;
pub mod vardiff;
pub mod verify;
pub mod view;
pub mod webhooks;
pub mod workers;
