//! A new configuration for a running pool: what it applies, what waits for a restart, what is wrong.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use pool_core::{
    accounting::terms::Scheme,
    chain::{Chain, sim::SimChain},
};
use pool_plugin::{
    ledger::ShareLedger,
    operate::{
        admin::{Command, SOCKET, client::ask},
        config::{PoolArgs, Source},
        pool::{Pool, StopHandle},
    },
};
use serde_json::Value;

use crate::pool_support::{Client, EvenSolves, OURS, chain, until};

struct Reloaded {
    folder: tempfile::TempDir,
    address: std::net::SocketAddr,
    stop: StopHandle,
    thread: std::thread::JoinHandle<anyhow::Result<()>>,
}

const START: &str = "listen = \"127.0.0.1:0\"\nfixed_share_target = 10\n";

impl Reloaded {
    fn start(sim: &Arc<SimChain>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pool.toml");
        std::fs::write(&file, START).unwrap();
        let source = Source {
            args: PoolArgs { pool_config: Some(file), ..PoolArgs::default() },
            node_address: Some(OURS),
            default_data: folder.path().join("data"),
            cores: 2,
            check_address: Box::new(|_| Ok(())),
        };
        let config = source.load().unwrap();
        let pool = Pool::open(config, sim.network(), Arc::new(EvenSolves::default())).unwrap();
        let pool = pool.reloading(source, None);
        let (address, stop, sim) = (pool.local_addr(), pool.stop_handle(), sim.clone());
        let thread = std::thread::spawn(move || pool.run(async move { Some(Ok(sim as Arc<dyn Chain>)) }));
        let pool = Self { folder, address, stop, thread };
        until("the socket is there", || pool.data().join(SOCKET).exists());
        pool
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn ask(&self, command: &Command) -> Value {
        ask(&self.data().join(SOCKET), command).unwrap()
    }

    fn reload(&self, file: &str) -> Value {
        std::fs::write(self.folder.path().join("pool.toml"), format!("{START}{file}")).unwrap();
        self.ask(&Command::Reload)
    }

    fn stop(self) -> tempfile::TempDir {
        self.stop.stop();
        self.thread.join().unwrap().unwrap();
        self.folder
    }
}

fn terms(data: &Path) -> Vec<(Scheme, u64)> {
    let ledger = ShareLedger::open_read_only(&data.join("db")).unwrap();
    ledger.terms().unwrap().into_iter().map(|terms| (terms.rules.scheme, terms.since_seq)).collect()
}

#[test]
fn what_can_be_taken_up_is_and_the_rest_is_named() {
    let sim = chain();
    let pool = Reloaded::start(&sim);
    let mut ann = Client::with_work(pool.address, "ann.rig");
    assert_eq!((ann.target, ann.submit(1)), (10, 0));

    let answer = pool.reload("share_interval = 5\nscheme = \"solo\"\nnode = 3\nusers = \"closed\"");
    let changes: Vec<_> = answer["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| {
            format!("{} {} {} {}", change["key"], change["from"], change["to"], change["needs_restart"])
        })
        .collect();
    assert_eq!(
        changes,
        [
            r#""node" "0" "3" true"#,
            r#""scheme" "pplns:4" "solo" false"#,
            r#""share_interval" "10" "5" false"#,
            r#""users" "open" "closed" false"#,
        ]
    );
    assert_eq!(terms(&pool.data()), [(Scheme::Pplns { window: 4 }, 1), (Scheme::Solo, 2)]);
    let mut stranger = Client::connect(pool.address);
    assert!(!stranger.try_to_work("bob.rig", &Value::Null), "only known users are accepted now");
    assert_eq!(ann.submit(3), 0, "a logged-in miner stays");

    let again = pool.reload("share_interval = 5\nscheme = \"solo\"\nnode = 3\nusers = \"closed\"");
    assert_eq!(
        again["changes"].as_array().unwrap().len(),
        1,
        "what waits for a restart is reported again: {again}"
    );
    pool.stop();
}

#[test]
fn sessions_follow_a_new_target_and_the_limit_of_connections() {
    let sim = chain();
    let pool = Reloaded::start(&sim);
    let mut ann = Client::with_work(pool.address, "ann.rig");
    assert_eq!(ann.target, 10);
    let changed = "max_connections = 1\n";
    std::fs::write(
        pool.folder.path().join("pool.toml"),
        format!("listen = \"127.0.0.1:0\"\nfixed_share_target = 7\n{changed}"),
    )
    .unwrap();
    assert_eq!(pool.ask(&Command::Reload)["ok"], true);
    assert_eq!(ann.next_target(), 7, "within seconds, without a reconnect");
    assert_eq!(ann.submit(1), 0);
    assert!(Client::connect(pool.address).first_line().contains("full"), "ann has the only place");
    assert_eq!(pool.reload("max_connections = 2")["ok"], true);
    assert_eq!(Client::with_work(pool.address, "bob.rig").target, 10, "new sessions begin with it");
    pool.stop();
}

#[test]
fn a_file_with_mistakes_changes_nothing_and_all_of_them_are_listed() {
    let sim = chain();
    let pool = Reloaded::start(&sim);
    let answer = pool.reload("users = \"closed\"\nscheme = \"pps\"\nshare_taget = 3\nnode = 16");
    let error = answer["error"].as_str().unwrap();
    assert_eq!(answer["ok"], false);
    for key in ["share_taget", "scheme", "node"] {
        assert!(error.contains(key), "{error}");
    }
    assert!(!error.contains("users ("), "{error}");
    assert_eq!(Client::with_work(pool.address, "ann.rig").submit(1), 0, "the port is open as before");
    assert_eq!(terms(&pool.data()), [(Scheme::Pplns { window: 4 }, 1)]);

    std::fs::remove_file(pool.folder.path().join("pool.toml")).unwrap();
    assert!(pool.ask(&Command::Reload)["error"].as_str().unwrap().contains("cannot be read"));
    pool.stop();
}

#[test]
fn the_access_list_is_read_again() {
    let sim = chain();
    let pool = Reloaded::start(&sim);
    std::fs::write(
        pool.data().join("access.json"),
        "{\"network\":\"127.0.0.1\",\"kind\":\"ban\"}\nrubbish\n",
    )
    .unwrap();
    let answer = pool.reload("");
    assert_eq!((&answer["access_changed"], &answer["broken_lines"][0]["line"]), (&true.into(), &2.into()));
    assert!(Client::connect(pool.address).first_line().contains("banned"));
    pool.stop();
}
