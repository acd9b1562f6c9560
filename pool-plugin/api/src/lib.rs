//! The pool over HTTP: what it shows its operator and its miners, live events, and metrics. `docs/api.md` is for
//! those who read it.
//!
//! The API only reads, but for the admin part. It runs on a thread of its own, of low priority, and gets what it
//! shows from [`pool_plugin::operate::view`]: no request takes a lock or a thread that a share waits for.
//!
//! # Layout
//! - [`server`]: the port, its thread, its connections; `connection`: how long one may be silent.
//! - [`router`]: the routes put together, with what they have in common; `document`: the OpenAPI document.
//! - [`state`]: what the routes answer from.
//! - `routes`: what is answered, a file for each kind of thing.
//! - [`problem`]: errors, all in one form (RFC 9457).
//! - `client`, `limits`: who asks, and how often; `token`: who may act.
//! - `conditional`: entity tags and compression; `cors`: whose pages may read.
//! - `dashboard`: the page for people, and its files in `web/`.
//! - [`exposition`]: the metrics of the node and the pool, for Prometheus.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod client;
mod conditional;
mod connection;
mod cors;
mod dashboard;
mod document;
pub mod exposition;
mod limits;
mod listeners;
pub mod problem;
pub mod router;
mod routes;
pub mod server;
pub mod state;
pub mod token;

pub use exposition::Exposition;
pub use server::{Api, Running};
