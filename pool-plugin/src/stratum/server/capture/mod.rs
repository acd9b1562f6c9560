//! Captures: everything sent over a connection, raw, line by line with direction and time, so that the first
//! device of an unknown dialect shows what it speaks. Secrets are [masked](mask); a capture becomes a [golden
//! transcript](transcript).
//!
//! One file per connection. A session passes its lines to a thread that writes them, and never waits for it:
//! what does not fit is lost, and neither a slow nor a full disk delays a miner.

pub(in crate::stratum) mod mask;
pub mod transcript;

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    pin::Pin,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    task::{Context, Poll},
    thread,
    time::Instant,
};

use parking_lot::Mutex;
use pool_core::{
    chain::ChainState,
    reject::Reject,
    types::{Address, unix_ms},
};
use tokio::io::{AsyncRead, ReadBuf};
use tracing::{info, warn};

use crate::stratum::wire::{codec::Framing, dialects::Dialect};

/// The size limit of the capture of one connection, in bytes.
const MAX_CAPTURE: usize = 1 << 20;
/// The size limit of all captures in a folder, in bytes, earlier runs included.
const MAX_FOLDER: u64 = 256 << 20;
/// Lines that wait for the disk.
const QUEUE: usize = 4096;
/// A line that does not end is written in pieces of this many bytes.
const PIECE: usize = 8192;

/// What to capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaptureConfig {
    /// Where the captures are written.
    pub folder: PathBuf,
    /// The one address whose connections are captured; `None`: all are.
    pub only: Option<IpAddr>,
}

/// Writes captures to a folder.
pub struct CaptureRecorder {
    config: CaptureConfig,
    lines: SyncSender<Line>,
}

struct Line {
    file: Arc<Path>,
    text: String,
}

/// The capture of one connection.
pub struct Tap {
    file: Arc<Path>,
    lines: SyncSender<Line>,
    framing: Framing,
    started: Instant,
    state: Mutex<CaptureState>,
}

/// The cause of a line of the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spoken {
    Answer,
    Unasked,
}

#[derive(Default)]
struct CaptureState {
    /// Bytes of the miner whose line has not ended yet.
    pending: Vec<u8>,
    /// The line continues after a piece that was masked.
    masked: bool,
    /// The chain, as last noted.
    chain: String,
    written: usize,
}

impl CaptureRecorder {
    /// Starts the thread that writes.
    pub fn start(config: &CaptureConfig) -> io::Result<Self> {
        let CaptureConfig { folder, only } = config;
        fs::create_dir_all(folder)?;
        let (lines, queue) = sync_channel(QUEUE);
        let room = MAX_FOLDER.saturating_sub(size_of_folder(folder)?);
        thread::Builder::new().name("pool-capture".into()).spawn(move || write_lines(&queue, room))?;
        let of = only.map_or("every address".to_string(), |address| address.to_string());
        info!(folder = %folder.display(), of, "capturing connections");
        Ok(Self { config: config.clone(), lines })
    }

    /// Starts the capture of a connection, if connections of this peer are captured.
    pub fn tap(
        &self,
        dialect: Dialect,
        peer: SocketAddr,
        session: &str,
        address: &Address,
    ) -> Option<Arc<Tap>> {
        if self.config.only.is_some_and(|only| only != peer.ip().to_canonical()) {
            return None;
        }
        let tap = Tap {
            file: self.config.folder.join(format!("{}-{session}.capture", unix_ms())).into(),
            lines: self.lines.clone(),
            framing: dialect.framing(),
            started: Instant::now(),
            state: Mutex::default(),
        };
        tap.write(&mut tap.state.lock(), &format!("@ {dialect}\npeer {peer}\naddress {address}\n"));
        Some(Arc::new(tap))
    }
}

impl Tap {
    /// A line of the pool; nothing, where the dialect sends none.
    pub fn said(&self, spoken: Spoken, bytes: &[u8]) {
        let mark = match spoken {
            Spoken::Answer => "<-",
            Spoken::Unasked => "<~",
        };
        let mut state = self.state.lock();
        match self.framing {
            Framing::Lines => {
                for line in bytes.split_inclusive(|byte| *byte == b'\n') {
                    self.mark(&mut state, mark, &spell(line));
                }
            }
            Framing::Lengths if bytes.is_empty() => {}
            Framing::Lengths => self.mark(&mut state, mark, &spell_hex(bytes)),
        }
    }

    /// The session's id: in a transcript a placeholder stands for it.
    pub fn session(&self, id: &str) {
        self.write(&mut self.state.lock(), &format!("session {id}\n"));
    }

    /// The chain that the session sees: a recorded session cannot be replayed without it.
    pub fn chain(&self, chain: &ChainState) {
        let Some(puzzle) = chain.puzzle else { return };
        let sync = if chain.sync.synced() { "synced" } else { "behind" };
        let next = puzzle.next_epoch_hash.map(|hash| format!(" {hash}")).unwrap_or_default();
        let text = format!("{} {} {sync} {}{next}", puzzle.epoch, puzzle.proof_target, puzzle.epoch_hash);
        let mut state = self.state.lock();
        if state.chain != text {
            self.mark(&mut state, "!!", &text);
            state.chain = text;
        }
    }

    /// The verdict on a counter. A duplicate, or one that could not be verified, says nothing new about the
    /// puzzle.
    pub fn judged(&self, counter: u64, verdict: &Result<u64, Reject>) {
        let verdict = match verdict {
            Ok(_) => "accepted",
            Err(Reject::LowDifficulty { .. }) => "low",
            Err(Reject::NoAnswer) => "unanswered",
            Err(_) => return,
        };
        self.mark(&mut self.state.lock(), "==", &format!("{counter} {verdict}"));
    }

    fn heard(&self, bytes: &[u8]) {
        let mut state = self.state.lock();
        if self.framing == Framing::Lengths {
            self.mark(&mut state, "->", &spell_hex(bytes));
            return;
        }
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            state.pending.extend_from_slice(piece);
            if piece.ends_with(b"\n") || state.pending.len() >= PIECE {
                self.end_line(&mut state);
            }
        }
    }

    fn end(&self) {
        let mut state = self.state.lock();
        if !state.pending.is_empty() {
            self.end_line(&mut state);
        }
    }

    fn end_line(&self, state: &mut CaptureState) {
        let line = std::mem::take(&mut state.pending);
        let ended = line.ends_with(b"\n");
        let text = if state.masked { mask::WHOLE.to_string() } else { mask::mask(&spell(&line)) };
        state.masked = !ended && text == mask::WHOLE;
        self.mark(state, "->", &text);
    }

    fn mark(&self, state: &mut CaptureState, mark: &str, text: &str) {
        let ms = self.started.elapsed().as_millis();
        self.write(state, &format!("{ms} {mark} {text}\n"));
    }

    fn write(&self, state: &mut CaptureState, text: &str) {
        if state.written >= MAX_CAPTURE {
            return;
        }
        state.written += text.len();
        let text = if state.written < MAX_CAPTURE { text } else { "the capture is full\n" };
        // A line without room is lost: the miner does not wait for a capture.
        let _ = self.lines.try_send(Line { file: self.file.clone(), text: text.to_owned() });
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.end();
    }
}

/// A reader whose bytes are captured.
pub struct Tapped<R> {
    inner: R,
    tap: Option<Arc<Tap>>,
}

impl<R> Tapped<R> {
    pub fn new(inner: R, tap: Option<Arc<Tap>>) -> Self {
        Self { inner, tap }
    }

    pub fn into_inner(self) -> R {
        self.inner
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Tapped<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(context, buf);
        if let (Some(tap), Poll::Ready(Ok(()))) = (&self.tap, &polled) {
            let heard = buf.filled().get(before..).unwrap_or_default();
            match heard {
                // The miner has closed its side: its partial line is all there will be.
                [] => tap.end(),
                heard => tap.heard(heard),
            }
        }
        polled
    }
}

/// A line as text; anything but plain text as hexadecimal digits after an `x`.
fn spell(line: &[u8]) -> String {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match std::str::from_utf8(line) {
        Ok(text) if !text.chars().any(char::is_control) && !text.starts_with('x') => text.to_owned(),
        _ => spell_hex(line),
    }
}

fn spell_hex(bytes: &[u8]) -> String {
    format!("x{}", hex::encode(bytes))
}

fn size_of_folder(folder: &Path) -> io::Result<u64> {
    let mut size = 0;
    for entry in fs::read_dir(folder)? {
        size += entry?.metadata()?.len();
    }
    Ok(size)
}

fn write_lines(queue: &Receiver<Line>, mut room: u64) {
    while let Ok(Line { file, text }) = queue.recv() {
        if (text.len() as u64) > room {
            warn!(
                "the folder of captures is full: capturing stopped until it is emptied and the pool restarted"
            );
            return;
        }
        // Opened for each line: ten thousand connections must not take ten thousand descriptors.
        let written = OpenOptions::new().create(true).append(true).open(&file);
        if let Err(reason) = written.and_then(|mut file| file.write_all(text.as_bytes())) {
            warn!(file = %file.display(), %reason, "cannot write a capture: capturing stopped");
            return;
        }
        room -= text.len() as u64;
    }
}
