//! A real devnet on loopback, offline: four validators and a pool node, each the real `snarkos` binary in a
//! process of its own, and what tests need to talk to them. The program `devnet-genesis` makes their genesis
//! block.
//!
//! # Layout
//! - [`process`]: child processes that never outlive us.
//! - [`devnet`]: the validators.
//! - [`pool_node`]: a client with the pool in it.
//! - [`miner`]: the reference miner.
//! - [`stratum`]: a bare stratum client, for what a well-behaved miner would not do.
//! - [`plain_node`]: a client without a pool.
//! - [`rest`]: the node's REST server: what the chain says.
//! - [`fixtures`]: what that server was seen to answer, in files.
//! - [`transfers`]: accounts and transfers by upstream's own command.
//! - [`systemd`]: the service manager's side of a node.
//! - [`flood`]: many valid shares at once.
//! - [`proving_keys`]: what upstream's command needs to pay.
//! - [`blocks`]: when a node had which block, from its log.

#![forbid(unsafe_code)]

pub mod blocks;
pub mod devnet;
pub mod fixtures;
pub mod flood;
pub mod miner;
pub mod plain_node;
pub mod pool_node;
pub mod process;
pub mod proving_keys;
pub mod rest;
pub mod stratum;
pub mod systemd;
pub mod transfers;
