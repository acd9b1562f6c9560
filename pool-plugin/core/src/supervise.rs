//! Supervision of the pool's parts: a panic in one restarts that part, and neither the others nor the node
//! notice.

use std::{collections::BTreeMap, future::Future, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

/// The pause before a part is restarted; doubled for each consecutive failure.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How often each part was restarted. Clones share the counts.
#[derive(Clone, Debug, Default)]
pub struct Restarts(Arc<Mutex<BTreeMap<&'static str, u64>>>);

impl Restarts {
    fn count(&self, part: &'static str) {
        *self.0.lock().entry(part).or_default() += 1;
    }

    /// By part; one that never failed has 0.
    pub fn by_part(&self) -> BTreeMap<&'static str, u64> {
        self.0.lock().clone()
    }
}

/// Runs `part` until it ends after `stop` was cancelled; restarts it whenever it ends earlier.
pub async fn supervise<P, F>(name: &'static str, stop: CancellationToken, restarts: Restarts, part: P)
where
    P: Fn() -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let mut pause = FIRST_PAUSE;
    restarts.0.lock().entry(name).or_default();
    loop {
        let started = tokio::time::Instant::now();
        let outcome = tokio::spawn(part()).await;
        if stop.is_cancelled() {
            return;
        }
        restarts.count(name);
        match outcome {
            Ok(()) => warn!(part = name, "a part of the pool ended; restarting it"),
            Err(err) => error!(part = name, %err, "a part of the pool failed; restarting it"),
        }
        if started.elapsed() > LONGEST_PAUSE {
            pause = FIRST_PAUSE;
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_part_that_panics_is_started_again_until_the_pool_stops() {
        let (stop, restarts) = (CancellationToken::new(), Restarts::default());
        let part_stop = stop.clone();
        let runs = Arc::new(AtomicU64::new(0));
        let part = move || {
            let (runs, stop) = (runs.clone(), part_stop.clone());
            async move {
                match runs.fetch_add(1, Relaxed) {
                    0 => panic!("on purpose"),
                    1 => (),
                    _ => stop.cancel(),
                }
            }
        };
        supervise("test", stop, restarts.clone(), part).await;
        assert_eq!(restarts.by_part(), BTreeMap::from([("test", 2)]), "one panic and one early end");
    }
}
