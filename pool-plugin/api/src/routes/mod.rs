//! What is answered, a file for each kind of thing.

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

/// What reads the disk, off the thread that serves.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Answer<T> {
    tokio::task::spawn_blocking(work).await.map_err(|_| {
        Problem::new(
            axum::http::StatusCode::INTERNAL_SERVER_ERROR,
            "the answer could not be made: see the log",
        )
    })
}
