//! The answers, one file per kind.

pub mod admin;
pub mod blocks;
pub mod config;
pub mod events;
pub mod health;
pub mod history;
pub mod metrics;
pub mod miners;
mod paging;
pub mod pool;
pub mod solutions;

use crate::problem::Problem;

/// An answer or a problem.
pub type Answer<T> = Result<T, Problem>;

/// Runs disk reads off the serving thread.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Answer<T> {
    tokio::task::spawn_blocking(work).await.map_err(|_| {
        Problem::new(axum::http::StatusCode::INTERNAL_SERVER_ERROR, "could not build the answer: see the log")
    })
}
