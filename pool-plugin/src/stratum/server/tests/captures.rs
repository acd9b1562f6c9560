//! Captures of real sessions, and the transcripts made of them.

use std::path::Path;

use serde_json::json;
use tempfile::TempDir;

use super::{harness::*, transcripts::replay};
use crate::stratum::{
    server::{
        StratumConfig,
        capture::{CaptureConfig, transcript},
    },
    wire::dialects::Dialect,
};

async fn capturing(folder: &Path, only: Option<&str>) -> Pool {
    let capture = CaptureConfig { folder: folder.into(), only: only.map(|text| text.parse().unwrap()) };
    Pool::start_with(StratumConfig { capture: Some(capture), ..config() }, |ledger, _| ledger).await
}

fn captures(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

/// Waits until the captures, which are written in the background, contain `text`.
async fn captured(folder: &Path, text: &str) -> String {
    wait_until(|| captures(folder).concat().contains(text)).await;
    captures(folder).concat()
}

#[tokio::test]
async fn a_session_is_captured_raw_and_replays_as_a_transcript() {
    let folder = TempDir::new().unwrap();
    let pool = capturing(folder.path(), None).await;
    let mut miner = pool.connect().await;
    let subscribe =
        r#"{"id": 1, "method":"mining.subscribe","params":["Strange/0.1",  "EthereumStratum/1.0.0"]}"#;
    miner.send_line(subscribe).await;
    miner.read().await;
    miner.ask(2, "mining.authorize", json!(["alice.rig1", "hunter2"])).await;
    for (id, counter) in [(3, "7000"), (4, "12"), (5, "7000"), (6, "4294967296"), (7, "none")] {
        miner.ask(id, "mining.submit", json!(["", JOB, counter])).await;
    }
    pool.chain.send(state(EPOCH + 1, PROOF_TARGET, true)).unwrap();
    while miner.read().await["method"] != "mining.notify" {}
    miner.ask(8, "mining.submit", json!(["", "00060000", "150"])).await;
    miner.send_bytes(b"\x16\x03\x01\n").await;
    miner.read().await;
    miner.send_bytes(b"half a li").await;
    drop(miner);

    let capture = captured(folder.path(), "half a li").await;
    assert!(capture.starts_with("@ json\npeer 127.0.0.1:"), "{capture}");
    assert!(capture.contains(&format!(" -> {subscribe}\n")), "{capture}");
    assert!(capture.contains(" -> x160301\n"), "{capture}");
    assert!(!capture.contains("hunter2"), "{capture}");
    for line in [
        " <- {\"id\":3,\"result\":true",
        " <~ {\"id\":null,\"method\":\"mining.set_difficulty\"",
        " == 12 low\n",
    ] {
        assert!(capture.contains(line), "{line}: {capture}");
    }
    let transcript = transcript::from_capture(&capture).unwrap();
    assert!(
        transcript.contains("<- {\"id\":1,\"result\":[\"SESSION\",\"PREFIX\",\"ADDRESS\"]"),
        "{transcript}"
    );
    replay("the capture", &transcript).await;
}

#[tokio::test]
async fn frames_are_captured_too() {
    let folder = TempDir::new().unwrap();
    let capture = CaptureConfig { folder: folder.path().into(), only: None };
    let pool =
        Pool::speaking_with(Dialect::ZkWork, StratumConfig { capture: Some(capture), ..config() }).await;
    let mut miner = pool.connect().await;
    miner.send_bytes(&[1, 0, 0, 0, 131]).await;
    assert_eq!(miner.read_frame().await, Some(vec![1, 0, 0, 0, 3]));
    let capture = captured(folder.path(), "<- x").await;
    assert!(capture.contains(" -> x0100000083\n") && capture.contains(" <- x0100000003\n"), "{capture}");
}

#[tokio::test]
async fn only_the_address_that_is_asked_for_is_captured() {
    let folder = TempDir::new().unwrap();
    let pool = capturing(folder.path(), Some("10.0.0.7")).await;
    pool.miner("alice").await;
    assert!(captures(folder.path()).is_empty());
    let pool = capturing(folder.path(), Some("127.0.0.1")).await;
    pool.miner("alice").await;
    captured(folder.path(), "mining.notify").await;
}

#[tokio::test]
async fn a_capture_is_bounded_and_the_session_goes_on() {
    let folder = TempDir::new().unwrap();
    let pool = capturing(folder.path(), None).await;
    let mut miner = pool.miner("alice").await;
    let long = "m".repeat(3900);
    for _ in 0..400 {
        miner.ask(3, &long, json!([])).await;
    }
    assert_eq!(miner.submit(150).await, Ok(()));
    let capture = captured(folder.path(), "the capture is full").await;
    assert!(capture.len() < (1 << 20) + 100, "{}", capture.len());
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_to_costs_no_miner_anything() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("no folder");
    std::fs::write(&file, "").unwrap();
    let pool = capturing(&file, None).await;
    assert_eq!(pool.miner("alice").await.submit(150).await, Ok(()));
}
