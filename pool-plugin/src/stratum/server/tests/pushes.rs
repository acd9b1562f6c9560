//! Work that the pusher sends: no miner is skipped, even if it connects or lags while the pusher is running.

use std::time::Duration;

use tokio::{
    io::AsyncWriteExt,
    net::TcpSocket,
    task::JoinSet,
    time::{sleep, timeout},
};

use super::harness::*;

/// Reads until the job of epoch `last`; returns the epochs of all jobs that came.
async fn epochs_until(miner: &mut Miner, last: u32) -> Vec<u32> {
    let mut epochs = Vec::new();
    while epochs.last() != Some(&last) {
        let line = miner.read().await;
        if line["method"] == "mining.notify" {
            let named = |epoch: &u32| line["params"][1] == epoch_hash(*epoch).to_string();
            epochs.push((0..=last).find(named).expect("a job of no epoch"));
        }
    }
    epochs
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_logs_in_while_epochs_turn_gets_the_last_job() {
    const LAST: u32 = EPOCH + 200;
    let pool = Pool::start().await;
    let mut miners = JoinSet::new();
    for number in 0..100u64 {
        let address = pool.address;
        miners.spawn(async move {
            sleep(Duration::from_millis(number)).await;
            let mut miner = Miner::connect(address).await;
            miner.subscribe().await;
            miner.send(2, "mining.authorize", serde_json::json!([format!("alice.rig{number}"), "x"])).await;
            epochs_until(&mut miner, LAST).await
        });
    }
    for epoch in EPOCH + 1..=LAST {
        pool.chain.send(state(epoch, PROOF_TARGET, true)).unwrap();
        sleep(Duration::from_micros(500)).await;
    }
    for epochs in miners.join_all().await {
        assert!(epochs.is_sorted_by(|one, next| one < next), "each once, in order: {epochs:?}");
    }
}

#[tokio::test]
async fn who_reads_late_gets_every_job_in_order() {
    let pool = Pool::start().await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut late = Miner::over(socket.connect(pool.address).await.unwrap());
    late.log_in("alice").await;
    let mut prompt = pool.miner("bob").await;
    // The answers are as long as the requests, and none is read, until neither side can write.
    let line = format!("{{\"id\":\"{}\",\"method\":\"x\"}}\n", "i".repeat(4000));
    while timeout(Duration::from_millis(300), late.writer().write_all(line.as_bytes())).await.is_ok() {}
    for epoch in EPOCH + 1..=EPOCH + 5 {
        pool.chain.send(state(epoch, PROOF_TARGET, true)).unwrap();
        assert_eq!(epochs_until(&mut prompt, epoch).await, [epoch]);
    }
    let all: Vec<u32> = (EPOCH..=EPOCH + 5).collect();
    assert_eq!(epochs_until(&mut late, EPOCH + 5).await, all);
}
