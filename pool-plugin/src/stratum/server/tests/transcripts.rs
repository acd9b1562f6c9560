//! Replays the recorded sessions: what the pool sends changes only on purpose.
//!
//! Every `.txt` next to the dialects is a session. Its lines:
//!
//!     @   the dialect of the port          !!  an event of the chain: epoch, proof target, synced or behind,
//!                                              perhaps the epoch's hash, perhaps the next epoch's
//!     ->  a line of the miner              <-  a line of the pool, to the letter
//!     ==  the verdict on a counter         <~  an unasked line of the pool in a captured session
//!
//! Anything else is a remark. SESSION stands for the session's id, PREFIX for its counter prefix, with which
//! the id begins, ADDRESS for the pool's address; `x` and hexadecimal digits for anything but text. The share
//! target is 100, and the puzzle is arithmetic: counter n reaches the target n, unless agreed otherwise.
//!
//! For a session marked `captured`, made of a capture by `snarkos pool transcript`, the answers are compared,
//! in any order and without the wording of refusals.

use std::{collections::VecDeque, path::PathBuf};

use pool_core::{
    chain::ChainState,
    types::{Address, EpochHash},
};
use serde_json::Value;

use super::harness::*;
use crate::stratum::wire::{codec::Framing, dialects::Dialect};

#[tokio::test]
async fn every_recorded_session_is_spoken_to_the_letter() {
    let mut replayed = 0;
    for path in transcripts() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        replay(&name, &std::fs::read_to_string(path).unwrap()).await;
        replayed += 1;
    }
    assert!(replayed >= 6);
}

fn transcripts() -> Vec<PathBuf> {
    let folder = package_file("src/stratum/wire/dialects");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|extension| extension == "txt")).collect()
}

/// Replays a transcript; fails where the pool says something else.
pub(super) async fn replay(name: &str, transcript: &str) {
    let head = transcript.lines().find_map(|line| line.strip_prefix("@ ")).expect("no dialect");
    let (dialect, captured) = match head.split_once(' ') {
        Some((dialect, "captured")) => (dialect, true),
        _ => (head, false),
    };
    let dialect: Dialect = dialect.parse().unwrap();
    let pool = Pool::speaking(dialect).await;
    let miner = pool.connect().await;
    let mut replay = Replay { framing: dialect.framing(), miner, session: None, unread: VecDeque::new() };
    let (mut lines, mut epoch) = (0, None);
    for (number, line) in transcript.lines().enumerate() {
        let Some((mark, text)) = line.split_once(' ') else { continue };
        let place = format!("{name}:{}", number + 1);
        match mark {
            "->" => replay.send(text).await,
            "<-" if captured => replay.expect_answer(text, &place).await,
            "<-" => replay.expect(text, &place).await,
            "!!" => {
                let state = read_state(text);
                let before = epoch.replace(state.puzzle.unwrap().mined_epoch().number);
                pool.chain.send(state).unwrap();
                // A share may follow at once, for the job of this epoch.
                if captured && before.is_some() && before != epoch {
                    replay.expect_job().await;
                }
            }
            "==" => agree(&pool, text),
            _ => continue,
        }
        lines += 1;
    }
    assert!(lines > 5, "{name}");
}

fn read_state(text: &str) -> ChainState {
    let mut words = text.split(' ');
    let mut next = || words.next().unwrap();
    let mut state = state(next().parse().unwrap(), next().parse().unwrap(), next() == "synced");
    let mut hashes = words.map(|hash| {
        let mut bytes = [0; 32];
        hex::decode_to_slice(hash, &mut bytes).unwrap();
        EpochHash(bytes)
    });
    let puzzle = state.puzzle.as_mut().unwrap();
    puzzle.epoch_hash = hashes.next().unwrap_or(puzzle.epoch_hash);
    puzzle.next_epoch_hash = hashes.next();
    state
}

fn agree(pool: &Pool, text: &str) {
    let (counter, verdict) = text.split_once(' ').unwrap();
    let reached = match verdict {
        "accepted" => u64::from(u32::MAX),
        "low" => 1,
        _ => 0,
    };
    pool.puzzle.agree(counter.parse().unwrap(), reached);
}

struct Replay {
    framing: Framing,
    miner: Miner,
    session: Option<String>,
    /// Answers that came before the test asked for them.
    unread: VecDeque<String>,
}

impl Replay {
    async fn send(&mut self, text: &str) {
        let session = self.session.as_deref();
        let text = text.replace("SESSION", session.unwrap_or("SESSION"));
        let text = text.replace("PREFIX", session.map_or("PREFIX", |id| &id[..6]));
        let mut bytes = match text.strip_prefix('x') {
            Some(digits) => hex::decode(digits).unwrap(),
            None => text.into_bytes(),
        };
        if self.framing == Framing::Lines {
            bytes.push(b'\n');
        }
        self.miner.send_bytes(&bytes).await;
    }

    async fn read(&mut self) -> String {
        match self.framing {
            Framing::Lines => self.miner.read_line().await.unwrap_or_default(),
            Framing::Lengths => match self.miner.read_frame().await {
                Some(frame) => format!("x{}", hex::encode(frame)),
                None => String::new(),
            },
        }
    }

    async fn expect(&mut self, text: &str, place: &str) {
        let said = self.read().await;
        assert_eq!(self.hide(&said, text), text, "{place}");
    }

    async fn expect_answer(&mut self, text: &str, place: &str) {
        if let Some(found) = self.unread.iter().position(|said| essence(said) == essence(text)) {
            self.unread.remove(found);
            return;
        }
        loop {
            let said = self.read().await;
            assert!(!said.is_empty(), "{place}: the pool has closed, but it should have said {text}");
            let said = self.hide(&said, text);
            if essence(&said) == essence(text) {
                return;
            }
            if !is_notice(&said) {
                self.unread.push_back(said);
            }
            assert!(self.unread.len() < 100, "{place}: the pool never said {text}, but {:?}", self.unread);
        }
    }

    async fn expect_job(&mut self) {
        loop {
            let said = self.read().await;
            assert!(!said.is_empty(), "the pool has closed before the next job");
            match is_notice(&said) {
                true if is_job(&said) => return,
                true => {}
                false => self.unread.push_back(said),
            }
        }
    }

    /// The pool's line with its names replaced by placeholders, the session's where `expected` has it.
    fn hide(&mut self, said: &str, expected: &str) -> String {
        if let (None, Some((before, after))) = (&self.session, expected.split_once("SESSION")) {
            let before = before.replace("ADDRESS", &Address::default().to_string());
            let rest = said.strip_prefix(&before).unwrap_or_default();
            // Up to the next quotation mark, or the end of a frame.
            let session = rest.split('"').next().unwrap_or_default();
            let fits = rest.len() > session.len() || after.is_empty();
            self.session = Some(session.to_string())
                .filter(|id| fits && id.bytes().all(|byte| byte.is_ascii_hexdigit()) && id.len() >= 8);
        }
        let session = self.session.as_deref().unwrap_or("no session yet");
        let prefix = format!("\"{}\"", &session[..6]);
        said.replace(session, "SESSION")
            .replace(&prefix, "\"PREFIX\"")
            .replace(&Address::default().to_string(), "ADDRESS")
    }
}

/// A message without what differs between runs: the wording of a refusal, the payload of a frame.
fn essence(said: &str) -> Value {
    let Ok(mut value) = serde_json::from_str::<Value>(said) else {
        return Value::from(said.get(..11).unwrap_or(said));
    };
    match value.get_mut("error") {
        Some(Value::Object(error)) => drop(error.remove("message")),
        Some(Value::Array(error)) => error.truncate(1),
        _ => {}
    }
    value
}

/// Whether the pool sends this unasked.
fn is_notice(said: &str) -> bool {
    said.contains("\"method\":") || is_job(said)
}

fn is_job(said: &str) -> bool {
    said.contains("\"mining.notify\"") || said.get(9..11) == Some("01") && said.starts_with('x')
}
