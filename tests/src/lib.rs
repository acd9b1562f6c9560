//! A real devnet on loopback, offline: four validators and a pool node, each the real `snarkos` binary in a
//! process of its own, and what tests need to talk to them. Their genesis block is a file, which the program
//! `devnet-genesis` makes.
//!
//! # Layout
//! - [`process`]: child processes that never outlive us.
//! - [`devnet`]: the validators.
//! - [`heights`]: when a devnet begins the consensus versions.
//! - [`pool_node`]: a client with the pool in it.
//! - [`miner`]: the reference miner.
//! - [`stratum`]: a bare stratum client, for messages that a well-behaved miner would not send.
//! - [`crowd`]: many miners that only wait for work.
//! - [`plain_node`]: a client without a pool.
//! - [`rest`]: the node's REST server: what the chain says.
//! - [`fixtures`]: recorded answers of that server, in files.
//! - [`transfers`]: accounts and transfers by upstream's own command.
//! - [`systemd`]: the service manager's side of a node.
//! - [`flood`]: many valid shares at once.
//! - [`proving_keys`]: what upstream's command needs to pay.
//! - [`api`]: the pool's API.
//! - [`log_time`]: when a line of a node's log was written.
//! - [`blocks`]: when a node had which block, from its log.
//! - [`turn`]: how a change of epoch reached the miners.
//! - [`landings`]: the path of each solution from its find into a block.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod api;
pub mod blocks;
pub mod crowd;
pub mod devnet;
pub mod fixtures;
pub mod flood;
pub mod heights;
pub mod landings;
pub mod log_time;
pub mod miner;
pub mod plain_node;
pub mod pool_node;
pub mod process;
pub mod proving_keys;
pub mod rest;
pub mod stratum;
pub mod systemd;
pub mod transfers;
pub mod turn;
