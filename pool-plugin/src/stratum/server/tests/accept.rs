//! Which connections are accepted, and how: TLS next to plain text, PROXY headers, limits of an address.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use serde_json::json;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::harness::{self, JOB, Miner, Pool, config, counter, outcome, wait_until};
use crate::stratum::{
    guard::Gate,
    server::{AcceptRules, StratumConfig, Tls},
    users::UserMode,
    wire::dialects::Dialect,
};

/// A certificate in a folder, as an operator has it.
struct Certificate {
    folder: TempDir,
    pem: String,
}

impl Certificate {
    fn new() -> Self {
        let mut certificate = Self { folder: TempDir::new().unwrap(), pem: String::new() };
        certificate.renew();
        certificate
    }

    fn renew(&mut self) {
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["pool.test".into()]).unwrap();
        self.pem = cert.pem();
        std::fs::write(self.path("cert.pem"), &self.pem).unwrap();
        std::fs::write(self.path("key.pem"), signing_key.serialize_pem()).unwrap();
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn open(&self) -> anyhow::Result<Tls> {
        Tls::open(&self.path("cert.pem"), &self.path("key.pem"))
    }

    /// A client that trusts this certificate, as it is now, and no other.
    async fn connect(&self, address: SocketAddr) -> std::io::Result<TlsStream<TcpStream>> {
        self.connect_over(TcpStream::connect(address).await?).await
    }

    async fn connect_over(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.pem.as_bytes()).unwrap()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("pool.test").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }
}

async fn pool_behind(accept: AcceptRules) -> Pool {
    Pool::behind(accept, config()).await
}

fn accept(gate: Arc<Gate>, tls: Option<Tls>, proxies: &[&str]) -> AcceptRules {
    let proxies = proxies.iter().map(|network| network.parse().unwrap()).collect::<Vec<_>>().into();
    AcceptRules { tls: tls.map(Arc::new), proxies, ..harness::accept(gate, UserMode::Open) }
}

#[tokio::test]
async fn one_port_speaks_tls_and_plain_text() {
    let certificate = Certificate::new();
    let pool = pool_behind(accept(Gate::settled(9), Some(certificate.open().unwrap()), &[])).await;
    let mut plain = pool.miner("alice").await;
    let mut secret = Miner::over(certificate.connect(pool.address).await.unwrap());
    secret.log_in("bob").await;
    assert_eq!(secret.submit(counter(1, 150)).await, Ok(()));
    assert_eq!(plain.submit(counter(2, 150)).await, Ok(()));
}

#[tokio::test]
async fn a_renewed_certificate_is_used_without_a_restart_and_a_broken_one_is_not() {
    let mut certificate = Certificate::new();
    let tls = Arc::new(certificate.open().unwrap());
    let guarded = AcceptRules { tls: Some(tls.clone()), ..harness::accept(Gate::settled(9), UserMode::Open) };
    let pool = pool_behind(guarded).await;
    let mut early = Miner::over(certificate.connect(pool.address).await.unwrap());
    assert!(!tls.reload().unwrap(), "nothing has changed");

    certificate.renew();
    assert!(certificate.connect(pool.address).await.is_err(), "the old one is still served");
    assert!(tls.reload().unwrap());
    let mut late = Miner::over(certificate.connect(pool.address).await.unwrap());

    std::fs::write(certificate.path("key.pem"), "half a file").unwrap();
    assert!(tls.reload().is_err());
    assert!(certificate.connect(pool.address).await.is_ok());
    early.log_in("alice").await;
    late.log_in("bob").await;
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_is_named() {
    let certificate = Certificate::new();
    let message =
        |certificate: &Path, key: &Path| format!("{:#}", Tls::open(certificate, key).err().unwrap());
    let (cert, key) = (certificate.path("cert.pem"), certificate.path("key.pem"));
    assert!(message(&certificate.path("none.pem"), &key).contains("none.pem"));
    assert!(message(&cert, &cert).contains("private key"));
    let other = Certificate::new();
    assert!(message(&cert, &other.path("key.pem")).contains("do not match"));
}

/// F33: an attacker on the network path can take over what is sent in the clear, so there is TLS; with TLS, a
/// share injected into the stream ends the connection and is credited to nobody.
#[tokio::test]
async fn f33_a_share_put_into_a_tls_connection_is_credited_to_nobody() {
    let certificate = Certificate::new();
    let pool = pool_behind(accept(Gate::settled(9), Some(certificate.open().unwrap()), &[])).await;
    let mut secret = certificate.connect(pool.address).await.unwrap();
    let submit = format!("{}\n", json!({"id": 9, "method": "mining.submit", "params": ["", JOB, "150"]}));
    secret.get_mut().0.write_all(submit.as_bytes()).await.unwrap();
    let mut rest = Vec::new();
    let _ = secret.get_mut().0.read_to_end(&mut rest).await;
    assert!(!String::from_utf8_lossy(&rest).contains("result"), "nothing is answered in the clear");
    wait_until(|| pool.stats.snapshot().connections == 0).await;
    assert!(pool.shares().is_empty());
}

async fn speak(pool: &Pool, header: &[u8]) -> Miner {
    let mut miner = pool.connect().await;
    miner.send_bytes(header).await;
    miner
}

fn version_2(last: u8) -> Vec<u8> {
    let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
    header.extend([203, 0, 113, last, 192, 0, 2, 1, 0xc3, 0x50, 0x0d, 0x05]);
    header
}

#[tokio::test]
async fn behind_a_listed_proxy_each_client_has_its_own_limit() {
    let pool = pool_behind(accept(Gate::settled(2), None, &["127.0.0.0/8"])).await;
    let version_1 = |last: u8| format!("PROXY TCP4 203.0.113.{last} 192.0.2.1 50000 3333\r\n").into_bytes();
    let mut held = Vec::new();
    for header in [version_1(1), version_2(1), version_1(2), version_2(2)] {
        let mut miner = speak(&pool, &header).await;
        miner.log_in("alice").await;
        held.push(miner);
    }
    for header in [version_1(1), version_2(2)] {
        let refusal = speak(&pool, &header).await.read().await;
        assert!(refusal["error"]["message"].as_str().unwrap().contains("2 connections from your address"));
    }
    // A farm earns its places.
    assert_eq!(held[0].submit(counter(1, 150)).await, Ok(()));
    speak(&pool, &version_1(1)).await.log_in("alice").await;
    assert_eq!(pool.stats.snapshot().turned_away, 2);
}

#[tokio::test]
async fn a_listed_proxy_may_look_whether_the_pool_lives_and_may_bring_tls() {
    let certificate = Certificate::new();
    let guarded = accept(Gate::settled(2), Some(certificate.open().unwrap()), &["127.0.0.1/32"]);
    let pool = pool_behind(guarded).await;
    speak(&pool, UNNAMED[1]).await.log_in("alice").await;

    let mut stream = TcpStream::connect(pool.address).await.unwrap();
    stream.write_all(&version_2(7)).await.unwrap();
    let mut secret = Miner::over(certificate.connect_over(stream).await.unwrap());
    secret.log_in("bob").await;
}

/// What a listed proxy sends when it names no client, in both versions.
const UNNAMED: [&[u8]; 2] = [b"PROXY UNKNOWN\r\n", b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"];

/// F30: only this machine is without limits, and a proxy on it that names no client is not this machine.
#[tokio::test]
async fn f30_a_proxy_on_this_machine_that_names_nobody_is_served_within_limits() {
    let pool = pool_behind(accept(Gate::settled(2), None, &["127.0.0.1/32"])).await;
    let mut held = Vec::new();
    for header in UNNAMED {
        let mut miner = speak(&pool, header).await;
        miner.log_in("alice").await;
        held.push(miner);
    }
    for header in UNNAMED {
        let refusal = speak(&pool, header).await.read().await;
        assert!(refusal["error"]["message"].as_str().unwrap().contains("2 connections from your address"));
    }
    for _ in 0..3 {
        let mut near = speak(&pool, b"PROXY TCP4 127.0.0.1 127.0.0.1 50000 3333\r\n").await;
        near.log_in("bob").await;
        held.push(near);
    }
}

/// F30: a PROXY header proves nothing unless the operator listed its sender.
#[tokio::test]
async fn f30_a_proxy_header_from_a_stranger_is_not_believed_and_one_from_a_proxy_is_demanded() {
    let gate = Gate::settled(2);
    gate.ban("203.0.113.0/24".parse().unwrap(), None, "").unwrap();
    let pool = pool_behind(accept(gate, None, &["10.0.0.0/8"])).await;
    // If trusted, it would be banned; instead it is a line that is not a request.
    let mut unauthenticated = speak(&pool, b"PROXY TCP4 203.0.113.1 192.0.2.1 50000 3333\r\n").await;
    assert_eq!(outcome(&unauthenticated.read().await), Err(20));
    unauthenticated.log_in("alice").await;

    let pool = pool_behind(accept(Gate::settled(2), None, &["127.0.0.1/32"])).await;
    let mut nameless = speak(&pool, b"{\"id\":1,\"method\":\"mining.subscribe\",\"params\":[]}\n").await;
    assert_eq!(nameless.read_line().await, None, "closed, not answered");
}

#[tokio::test]
async fn who_is_banned_is_told_so() {
    let gate = Gate::settled(2);
    gate.ban("203.0.113.0/24".parse().unwrap(), Some(Duration::from_secs(90)), "").unwrap();
    let pool = pool_behind(accept(gate.clone(), None, &["127.0.0.1/32"])).await;
    let refusal = speak(&pool, &version_2(5)).await.read().await;
    assert!(refusal["error"]["message"].as_str().unwrap().contains("banned for 2 minutes"));
    gate.unban(&"203.0.113.0/24".parse().unwrap()).unwrap();
    speak(&pool, &version_2(5)).await.log_in("alice").await;
}

#[tokio::test]
async fn silence_before_tls_or_plain_text_is_cut_short() {
    let certificate = Certificate::new();
    let hasty = StratumConfig { handshake_timeout: Duration::from_millis(50), ..config() };
    let guarded = accept(Gate::settled(9), Some(certificate.open().unwrap()), &[]);
    let pool = Pool::behind(guarded, hasty).await;
    let mut silent = pool.connect().await;
    assert!(silent.read().await["error"]["message"].as_str().unwrap().contains("mining.subscribe"));
    assert_eq!(silent.read_line().await, None);
    let mut half = pool.connect().await;
    half.send_bytes(&[0x16, 3, 1]).await;
    assert_eq!(half.read_line().await, None);
}

#[tokio::test]
async fn frames_come_over_tls_and_plain_and_a_length_is_not_taken_for_tls() {
    let certificate = Certificate::new();
    let guarded = accept(Gate::settled(9), Some(certificate.open().unwrap()), &[]);
    let pool = Pool::speaking_behind(Dialect::ZkWork, guarded).await;
    // 22 bytes: the length begins with the byte that TLS begins with.
    let login = [&[22, 0, 0, 0, 128, 0, 1, 0, 3, 6, 10][..], b"number0001alice"].concat();
    let encrypted = certificate.connect(pool.address).await.unwrap();
    for mut miner in [Miner::over(encrypted), pool.connect().await] {
        miner.send_bytes(&login[..1]).await;
        miner.send_bytes(&login[1..]).await;
        assert_eq!(miner.read_frame().await.unwrap()[4..6], [0, 1], "accepted");
        assert_eq!(miner.read_frame().await.unwrap()[4], 1, "a job");
    }
}
