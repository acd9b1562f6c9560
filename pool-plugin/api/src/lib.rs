//! The pool over HTTP: figures for its operator and its miners, live events, and metrics. `docs/api.md` is
//! for users of the API.
//!
//! Apart from the admin part the API only reads. It runs on its own thread, of low priority, and gets what it
//! shows from [`pool_plugin::operate::view`]: no request takes a lock or a thread that a share waits for.
//!
//! # Layout
//! - [`server`]: the port, its thread, its connections; `connection`: how long one may be silent.
//! - [`router`]: the routes put together, with what they have in common; `document`: the OpenAPI document.
//! - [`state`]: what the routes answer from.
//! - `routes`: the answers, one file per kind.
//! - [`problem`]: errors, all in one form (RFC 9457).
//! - `client`, `limits`: who sends a request, and how often; `token`: who is the admin.
//! - `conditional`: entity tags and compression; `cors`: which pages may read.
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
