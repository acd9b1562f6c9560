//! The readers of a pool's API: programs that poll it, and listeners to live events.
//!
//! In reality they are other machines. So their threads have a low priority: the measurement shows their cost
//! for the pool, not for themselves.

use std::{
    io::{self, Write},
    net::{Shutdown, TcpStream},
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, ensure};
use thread_priority::{ThreadPriority, ThreadPriorityValue, set_current_thread_priority};

/// From 0 to 99: a niceness of 10.
const PRIORITY: u8 = 22;

/// Asks for one page after the other, over one connection.
pub struct Reader {
    stop: Sender<()>,
    thread: JoinHandle<Result<Vec<f64>>>,
}

impl Reader {
    /// Reads `pages` of the API at `api` (an address and a port) in turn, one each `every`.
    pub fn start(api: &str, pages: &[&str], every: Duration) -> Self {
        let urls: Vec<String> = pages.iter().map(|page| format!("http://{api}{page}")).collect();
        let (stop, stopped) = channel();
        let thread = thread::spawn(move || read(&urls, every, &stopped));
        Self { stop, thread }
    }

    /// How long each answer took until its last byte, in milliseconds. An answer other than 200 is an error.
    pub fn stop(self) -> Result<Vec<f64>> {
        drop(self.stop);
        self.thread.join().map_err(|_| anyhow!("a reader panicked"))?
    }
}

fn read(urls: &[String], every: Duration, stopped: &Receiver<()>) -> Result<Vec<f64>> {
    yield_to_the_pool();
    let agent = ureq::Agent::new_with_defaults();
    let mut times = vec![];
    // Not all at once.
    let mut pause = every.mul_f64(rand::random());
    for url in urls.iter().cycle() {
        if stopped.recv_timeout(pause) != Err(RecvTimeoutError::Timeout) {
            break;
        }
        let begun = Instant::now();
        // The same requests as browsers and Prometheus; the answers are counted and not unpacked.
        let answer = agent.get(url).header("accept-encoding", "gzip").call();
        let mut answer = answer.with_context(|| format!("{url} does not answer"))?;
        answer.body_mut().read_to_vec().with_context(|| format!("{url} breaks off"))?;
        let took = begun.elapsed();
        times.push(took.as_secs_f64() * 1e3);
        pause = every.saturating_sub(took);
    }
    Ok(times)
}

/// Listens to live events.
pub struct Listener {
    stream: TcpStream,
    thread: JoinHandle<io::Result<u64>>,
}

impl Listener {
    pub fn start(api: &str) -> Result<Self> {
        let mut stream = TcpStream::connect(api).context("the API does not answer")?;
        write!(stream, "GET /api/v1/events HTTP/1.1\r\nhost: {api}\r\n\r\n")?;
        let mut events = stream.try_clone()?;
        let thread = thread::spawn(move || {
            yield_to_the_pool();
            io::copy(&mut events, &mut io::sink())
        });
        Ok(Self { stream, thread })
    }

    /// How many bytes came.
    pub fn stop(self) -> Result<u64> {
        self.stream.shutdown(Shutdown::Both)?;
        let heard = self.thread.join().map_err(|_| anyhow!("a listener panicked"))??;
        ensure!(heard > 0, "a listener heard nothing");
        Ok(heard)
    }
}

fn yield_to_the_pool() {
    let priority = ThreadPriorityValue::try_from(PRIORITY).map(ThreadPriority::Crossplatform);
    if !priority.is_ok_and(|priority| set_current_thread_priority(priority).is_ok()) {
        eprintln!("the readers run at normal priority: they cost the pool more than they should");
    }
}
