//! Replays the recorded sessions: what the pool says on the wire changes only on purpose.

use std::path::Path;

use super::harness::*;
use crate::types::Address;

#[tokio::test]
async fn the_recorded_session_is_spoken_to_the_letter() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/stratum/dialects/aleostratum-3.txt");
    let transcript = std::fs::read_to_string(path).unwrap();
    let pool = Pool::start().await;
    let mut miner = pool.connect().await;
    let address = Address::default().to_string();
    let mut lines = 0;
    for (number, line) in transcript.lines().enumerate() {
        let Some((mark, text)) = line.split_once(' ') else { continue };
        match mark {
            "->" => miner.send_line(text).await,
            "<-" => {
                let said = miner.read_line().await.unwrap_or_default();
                let expected = text.replace("ADDRESS", &address);
                assert_eq!(hide_session(&said), expected, "line {}", number + 1);
            }
            "!!" => {
                let words: Vec<&str> = text.split(' ').collect();
                let [epoch, proof_target, sync] = words.try_into().unwrap();
                let synced = sync == "synced";
                pool.chain
                    .send(state(epoch.parse().unwrap(), proof_target.parse().unwrap(), synced))
                    .unwrap();
            }
            _ => continue,
        }
        lines += 1;
    }
    assert!(lines > 40);
}

fn hide_session(line: &str) -> String {
    match line.split_once("\"result\":[\"") {
        Some((before, after)) => {
            let (session, rest) = after.split_once('"').unwrap();
            assert!(session.len() == 16 && session.bytes().all(|byte| byte.is_ascii_hexdigit()));
            format!("{before}\"result\":[\"SESSION\"{rest}")
        }
        None => line.to_string(),
    }
}
