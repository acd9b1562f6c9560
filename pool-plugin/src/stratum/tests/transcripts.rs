//! Replays the recorded sessions: what the pool says on the wire changes only on purpose.
//!
//! Every `.txt` beside the dialects is a session. Its lines:
//!
//!     @   the dialect of the port      !!  what happens on the chain: epoch, proof target, synced or behind
//!     ->  what the miner sends         <-  what the pool sends, to the letter
//!
//! Anything else is a remark. SESSION stands for the session's id, ADDRESS for the pool's address. The share
//! target is 100, and the puzzle is arithmetic: counter n reaches the target n.

use std::path::{Path, PathBuf};

use super::harness::*;
use crate::{stratum::dialects::Dialect, types::Address};

#[tokio::test]
async fn every_recorded_session_is_spoken_to_the_letter() {
    let mut replayed = 0;
    for path in transcripts() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        replay(&name, &std::fs::read_to_string(path).unwrap()).await;
        replayed += 1;
    }
    assert!(replayed >= 3);
}

fn transcripts() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/stratum/dialects");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|extension| extension == "txt")).collect()
}

async fn replay(name: &str, transcript: &str) {
    let dialect: Dialect =
        transcript.lines().find_map(|line| line.strip_prefix("@ ")).unwrap().parse().unwrap();
    let pool = Pool::speaking(dialect).await;
    let mut miner = pool.connect().await;
    let address = Address::default().to_string();
    let mut session = None;
    let mut lines = 0;
    for (number, line) in transcript.lines().enumerate() {
        let Some((mark, text)) = line.split_once(' ') else { continue };
        match mark {
            "->" => {
                let session = session.as_deref().unwrap_or("SESSION");
                miner.send_line(&text.replace("SESSION", session)).await;
            }
            "<-" => {
                let said = miner.read_line().await.unwrap_or_default();
                if session.is_none() && text.contains("SESSION") {
                    session = session_in(&said);
                }
                let hidden =
                    session.as_ref().map_or(said.clone(), |session| said.replace(session, "SESSION"));
                assert_eq!(hidden.replace(&address, "ADDRESS"), text, "{name}:{}", number + 1);
            }
            "!!" => pool.chain.send(read_state(text)).unwrap(),
            _ => continue,
        }
        lines += 1;
    }
    assert!(lines > 5, "{name}");
}

fn read_state(text: &str) -> crate::chain::ChainState {
    let words: Vec<&str> = text.split(' ').collect();
    let [epoch, proof_target, sync] = words.try_into().unwrap();
    state(epoch.parse().unwrap(), proof_target.parse().unwrap(), sync == "synced")
}

/// The session's id: 16 hexadecimal digits, the first text of the answer to a subscription.
fn session_in(line: &str) -> Option<String> {
    let (_, after) = line.split_once("\"result\":[\"")?;
    let (session, _) = after.split_once('"')?;
    assert!(session.len() == 16 && session.bytes().all(|byte| byte.is_ascii_hexdigit()));
    Some(session.to_string())
}
