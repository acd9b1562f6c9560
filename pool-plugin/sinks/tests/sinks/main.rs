//! The sinks against real servers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../servers/mod.rs"]
mod servers;
mod support;

mod payments;
mod postgres;
mod redis;
