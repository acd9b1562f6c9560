//! A real HAProxy in front of the pool: PROXY headers of both versions, its health checks, TLS through it and TLS
//! that ends in it.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use pool_plugin::operate::{
    admin::{self, SOCKET, client::ask},
    config::{AcceptConfig, Config},
};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use serde_json::{Value, json};

use crate::{
    pool_support::{EvenSolves, chain, config, start_with, until},
    servers::free_port,
};

/// HAProxy, from Debian's package; killed when dropped.
struct HaProxy {
    child: Child,
    version_1: SocketAddr,
    version_2: SocketAddr,
    /// Speaks TLS itself, and says so to the pool.
    ends_tls: SocketAddr,
}

impl HaProxy {
    fn start(folder: &Path, pool: SocketAddr) -> Self {
        let [version_1, version_2, ends_tls] =
            [(); 3].map(|()| SocketAddr::from((Ipv4Addr::LOCALHOST, free_port())));
        let certificate = folder.join("both.pem");
        let both = [fs::read(folder.join("cert.pem")).unwrap(), fs::read(folder.join("key.pem")).unwrap()];
        fs::write(&certificate, both.concat()).unwrap();
        let certificate = certificate.display();
        let settings = format!(
            "defaults\n mode tcp\n timeout connect 5s\n timeout client 60s\n timeout server 60s\n\
             listen one\n bind {version_1}\n server pool {pool} send-proxy check inter 100ms\n\
             listen two\n bind {version_2}\n server pool {pool} send-proxy-v2 check inter 100ms\n\
             listen tls\n bind {ends_tls} ssl crt {certificate}\n server pool {pool} send-proxy-v2-ssl\n"
        );
        fs::write(folder.join("haproxy.cfg"), settings).unwrap();
        // Ends with the test, even if that is killed.
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "haproxy", "-db", "-f"])
            .arg(folder.join("haproxy.cfg"))
            .stdout(Stdio::null())
            .spawn()
            .expect("cannot start setpriv: scripts/lib.sh installs what the tests need");
        let mut this = Self { child, version_1, version_2, ends_tls };
        until("haproxy listens", || {
            let ended = this.child.try_wait().unwrap();
            assert!(ended.is_none(), "haproxy has ended: is the package installed? (scripts/lib.sh)");
            [version_1, version_2, ends_tls].iter().all(|port| TcpStream::connect(port).is_ok())
        });
        this
    }
}

impl Drop for HaProxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// From 127.0.0.`last`: an address that is not the proxy's.
fn connect(last: u8, to: SocketAddr) -> TcpStream {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((Ipv4Addr::new(127, 0, 0, last), 0)).into()).unwrap();
    socket.connect(&to.into()).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    socket.into()
}

/// Speaks TLS, and trusts only the certificate in the folder.
fn secure(folder: &Path, stream: TcpStream) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(folder.join("cert.pem")).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("pool.test").unwrap();
    StreamOwned::new(ClientConnection::new(Arc::new(config), name).unwrap(), stream)
}

/// A miner's end of a connection; `None` once it is closed.
struct Miner<S: Read + Write>(BufReader<S>);

impl<S: Read + Write> Miner<S> {
    fn say(&mut self, id: u64, method: &str, params: &Value) {
        let line = format!("{}\n", json!({"id": id, "method": method, "params": params}));
        // The pool may have closed already; its earlier lines are still to be read.
        let _ = self.0.get_mut().write_all(line.as_bytes()).and_then(|()| self.0.get_mut().flush());
    }

    fn line(&mut self) -> Option<Value> {
        let mut line = String::new();
        let read = self.0.read_line(&mut line).ok().filter(|count| *count > 0);
        read.map(|_| serde_json::from_str(&line).unwrap())
    }

    /// Logs in, and finds a share.
    fn mine(stream: S, login: &str, counter: u64) -> Self {
        let mut miner = Self(BufReader::new(stream));
        miner.say(1, "mining.subscribe", &json!(["t/1", "AleoStratum/3.0.0", null]));
        miner.say(2, "mining.authorize", &json!([login, "x"]));
        let job = loop {
            let line = miner.line().expect("the pool closed the connection");
            if line["method"] == "mining.notify" {
                break line["params"][0].clone();
            }
        };
        miner.say(3, "mining.submit", &json!([login, job, counter.to_string()]));
        loop {
            let line = miner.line().expect("the pool closed the connection");
            if line["id"] == 3 {
                assert_eq!(line["result"], true, "{line}");
                return miner;
            }
        }
    }
}

/// The address of each account's session, as the pool sees it.
fn seen(data: &Path) -> Vec<(String, String)> {
    let answer = ask(&data.join(SOCKET), &admin::Command::Sessions).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let sessions = answer["sessions"].as_array().unwrap();
    let mut seen: Vec<_> = sessions
        .iter()
        .filter(|session| session["account"] != "")
        .map(|session| {
            let peer: SocketAddr = text(&session["peer"]).parse().unwrap();
            (text(&session["account"]), peer.ip().to_string())
        })
        .collect();
    seen.sort();
    seen
}

#[test]
fn miners_behind_a_real_haproxy_are_told_apart_by_their_own_addresses() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["pool.test".into()]).unwrap();
    fs::write(folder.join("cert.pem"), cert.pem()).unwrap();
    fs::write(folder.join("key.pem"), signing_key.serialize_pem()).unwrap();

    let data = folder.join("data");
    let accept = AcceptConfig {
        // Only the proxy: the miners' addresses are of this machine, too, and not trusted.
        proxies: vec!["127.0.0.1/32".parse().unwrap()],
        tls: Some((folder.join("cert.pem"), folder.join("key.pem"))),
        ..AcceptConfig::default()
    };
    let pool = start_with(&chain(), Config { accept, ..config(&data) }, EvenSolves::default());
    let proxy = HaProxy::start(folder, pool.address);

    let _one = Miner::mine(connect(11, proxy.version_1), "one", 2);
    let _two = Miner::mine(connect(12, proxy.version_2), "two", 4);
    let _through = Miner::mine(secure(folder, connect(13, proxy.version_2)), "through", 6);
    let _ended = Miner::mine(secure(folder, connect(14, proxy.ends_tls)), "ended", 8);
    let _direct = Miner::mine(connect(15, pool.address), "direct", 10);
    let expected = [
        ("direct", "127.0.0.15"),
        ("ended", "127.0.0.14"),
        ("one", "127.0.0.11"),
        ("through", "127.0.0.13"),
        ("two", "127.0.0.12"),
    ];
    assert_eq!(seen(&data), expected.map(|(account, ip)| (account.to_owned(), ip.to_owned())));

    // A ban applies to the miner, not to the proxy and its other clients.
    let ban = admin::Command::Ban { network: "127.0.0.12".into(), minutes: None, reason: String::new() };
    assert_eq!(ask(&data.join(SOCKET), &ban).unwrap()["sessions"], 1);
    let mut banned = Miner(BufReader::new(connect(12, proxy.version_2)));
    let farewell = banned.line().unwrap();
    assert!(farewell["error"]["message"].as_str().unwrap().contains("banned"), "{farewell}");
    assert_eq!(banned.line(), None);
    let _other = Miner::mine(connect(16, proxy.version_2), "other", 12);

    // A false header is not trusted: its sender is not a listed proxy.
    let mut liar = Miner(BufReader::new(connect(17, pool.address)));
    liar.0.get_mut().write_all(b"PROXY TCP4 127.0.0.18 127.0.0.1 5000 3333\r\n").unwrap();
    assert!(liar.line().unwrap()["error"].is_object());
    drop(proxy);
    pool.stop();
}
