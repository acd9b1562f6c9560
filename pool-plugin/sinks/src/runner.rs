//! A sink's thread: connects, copies portion after portion, and waits when there is nothing to do; after
//! consecutive errors it waits longer each time.

use std::{
    io,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use crate::{
    books::SharedBooks,
    sink::{Progress, Sink, Step, Trouble},
};

/// How often the books are checked when the copy is complete.
const POLL: Duration = Duration::from_secs(1);
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// How long a stop waits for the current portion. Cutting one off does no harm.
const STOP_PATIENCE: Duration = Duration::from_secs(3);

/// The state of a sink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    pub name: &'static str,
    /// The server, without its password.
    pub server: String,
    pub progress: Progress,
    /// Why it has stopped; `None` while it works.
    pub trouble: Option<Trouble>,
    /// Time since the copy was last complete; the age of the sink if it never was.
    pub behind: Duration,
}

/// A running sink. Dropping it stops the thread, after the current portion if that does not take long.
#[derive(Debug)]
pub struct Running {
    shared: Arc<Mutex<Shared>>,
    stop: Option<Sender<()>>,
    /// Closed when the thread has ended.
    ended: Receiver<()>,
    thread: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    name: &'static str,
    server: String,
    progress: Progress,
    trouble: Option<Trouble>,
    complete_at: Instant,
}

/// Starts the sink's thread.
pub fn start(sink: impl Sink, books: SharedBooks) -> io::Result<Running> {
    let shared = Arc::new(Mutex::new(Shared {
        name: sink.name(),
        server: sink.server(),
        progress: Progress::default(),
        trouble: None,
        complete_at: Instant::now(),
    }));
    let (stop, stopped) = channel();
    let (alive, ended) = channel();
    let worker = Worker { sink, books, shared: shared.clone(), stopped, _alive: alive };
    let thread = std::thread::Builder::new()
        .name(format!("sink-{}", shared.lock().name))
        .spawn(move || worker.run())?;
    Ok(Running { shared, stop: Some(stop), ended, thread })
}

impl Running {
    pub fn status(&self) -> Status {
        let shared = self.shared.lock();
        let died = || Trouble::Refused("its thread failed: restart the pool, and report this".into());
        Status {
            name: shared.name,
            server: shared.server.clone(),
            progress: shared.progress,
            trouble: if self.thread.is_finished() { Some(died()) } else { shared.trouble.clone() },
            behind: shared.complete_at.elapsed(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.stop.take());
        // Nothing is ever sent: only the end of the channel is awaited.
        let _ = self.ended.recv_timeout(STOP_PATIENCE);
    }
}

struct Worker<S> {
    sink: S,
    books: SharedBooks,
    shared: Arc<Mutex<Shared>>,
    stopped: Receiver<()>,
    _alive: Sender<()>,
}

impl<S: Sink> Worker<S> {
    fn run(mut self) {
        let mut connected = false;
        let mut pause = FIRST_PAUSE;
        loop {
            let result = if connected {
                self.sink.step(&*self.books)
            } else {
                self.sink.connect(&*self.books).map(|()| Step::Wrote)
            };
            // After any error the position is read again.
            connected = result.is_ok();
            self.publish(&result);
            let rest = match result {
                Ok(Step::Wrote) => {
                    pause = FIRST_PAUSE;
                    Duration::ZERO
                }
                Ok(Step::Waiting | Step::CaughtUp) => POLL,
                Err(_) => {
                    let rest = pause;
                    pause = (2 * pause).min(LONGEST_PAUSE);
                    rest
                }
            };
            if self.stopped.recv_timeout(rest) != Err(RecvTimeoutError::Timeout) {
                return;
            }
        }
    }

    fn publish(&self, result: &Result<Step, Trouble>) {
        let mut shared = self.shared.lock();
        shared.progress = self.sink.progress();
        if *result == Ok(Step::CaughtUp) {
            shared.complete_at = Instant::now();
        }
        let (name, server) = (shared.name, &shared.server);
        match (&shared.trouble, result.as_ref().err()) {
            (None, None) => {}
            (Some(_), None) => tracing::info!(sink = name, server, "the sink works again"),
            (before, Some(trouble)) if before.as_ref() != Some(trouble) => {
                tracing::warn!(sink = name, server, %trouble, "sink write failed; retrying");
            }
            (Some(_) | None, Some(_)) => {}
        }
        shared.trouble = result.as_ref().err().cloned();
    }
}
