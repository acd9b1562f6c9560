//! Real servers from Debian's packages: private, on loopback, in their own folder, and gone with the test.

#![allow(dead_code, reason = "each program uses some of it")]

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    thread::sleep,
    time::Duration,
};

use tempfile::TempDir;

/// A Redis server without persistence; killed when dropped.
pub struct RedisServer {
    folder: TempDir,
    port: u16,
    child: Option<Child>,
    persistent: bool,
}

/// A PostgreSQL server with the database `books`; killed when dropped.
pub struct PostgresServer {
    folder: TempDir,
    port: u16,
    child: Option<Child>,
}

impl RedisServer {
    pub fn start() -> Self {
        Self::start_with(false)
    }

    /// A server that has every write on the disk before it answers.
    pub fn start_persistent() -> Self {
        Self::start_with(true)
    }

    fn start_with(persistent: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut server = Self { folder, port: free_port(), child: None, persistent };
        server.restart();
        server
    }

    pub fn url(&self) -> String {
        url_on("redis", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn client(&self) -> redis::Connection {
        redis::Client::open(self.url()).unwrap().get_connection().unwrap()
    }

    /// Like a power cut.
    pub fn kill(&mut self) {
        end(&mut self.child, "KILL");
    }

    pub fn restart(&mut self) {
        self.kill();
        let persistence = if self.persistent { "yes" } else { "no" };
        let mut command = dies_with_us();
        command
            .args(["redis-server", "--bind", "127.0.0.1", "--save", "", "--appendfsync", "always"])
            .args(["--appendonly", persistence, "--port", &self.port.to_string()])
            .arg("--dir")
            .arg(self.folder.path());
        self.child = Some(spawn(command, &self.folder.path().join("log"), "redis-server"));
        until("redis answers", || redis::Client::open(self.url()).unwrap().get_connection().is_ok());
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

impl PostgresServer {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        if is_root() {
            // PostgreSQL refuses to run as root.
            let (user, group) = ids_of("postgres");
            chown(folder.path(), Some(user), Some(group)).unwrap();
        }
        let mut server = Self { folder, port: free_port(), child: None };
        let mut command = as_postgres();
        command
            .arg(program("initdb"))
            .args(["--auth=trust", "-U", "pool", "--no-sync", "-D"])
            .arg(server.data());
        let made = command.stdout(Stdio::null()).status().unwrap();
        assert!(made.success(), "initdb failed");
        server.restart();
        server.administer("CREATE DATABASE books");
        server
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub fn url(&self) -> String {
        format!("postgresql://pool@127.0.0.1:{}/books", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn client(&self) -> postgres::Client {
        postgres::Client::connect(&self.url(), postgres::NoTls).unwrap()
    }

    fn administer(&self, sql: &str) {
        let url = format!("postgresql://pool@127.0.0.1:{}/postgres", self.port);
        postgres::Client::connect(&url, postgres::NoTls).unwrap().batch_execute(sql).unwrap();
    }

    /// An empty database in place of the old one.
    pub fn empty(&self) {
        self.administer("DROP DATABASE books WITH (FORCE)");
        self.administer("CREATE DATABASE books");
    }

    /// Without a shutdown: anything not in its log is gone.
    pub fn kill(&mut self) {
        end(&mut self.child, "QUIT");
    }

    pub fn restart(&mut self) {
        self.kill();
        let mut command = as_postgres();
        command.arg(program("postgres")).arg("-D").arg(self.data()).arg("-k").arg(self.folder.path()).args([
            "-h",
            "127.0.0.1",
            "-p",
            &self.port.to_string(),
            "-c",
            "fsync=off",
        ]);
        // A file of the test's own user.
        let log = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        self.child = Some(spawn(command, &log, "postgres"));
        let url = format!("postgresql://pool@127.0.0.1:{}/postgres", self.port);
        until("postgres answers", || postgres::Client::connect(&url, postgres::NoTls).is_ok());
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Waits for something that a server or a sink does by itself.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..3_600 {
        if holds() {
            return;
        }
        sleep(Duration::from_millis(50));
    }
    panic!("never: {what}");
}

fn url_on(scheme: &str, port: u16) -> String {
    format!("{scheme}://127.0.0.1:{port}")
}

/// A port for a server that is about to start. Below those that the system hands out: one of these could go to a
/// parallel test before the server has it, or while it is away.
pub fn free_port() -> u16 {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    loop {
        // Another process of tests begins elsewhere.
        let number = std::process::id().wrapping_mul(89).wrapping_add(ASKED.fetch_add(1, Relaxed));
        let port = 10_000 + (number % 20_000) as u16;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// The server ends with the thread that started it, even if the test is killed.
fn dies_with_us() -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]);
    command
}

fn as_postgres() -> Command {
    let mut command = dies_with_us();
    if is_root() {
        command.args(["--reuid", "postgres", "--regid", "postgres", "--clear-groups"]);
    }
    // A folder that user may read.
    command.current_dir("/");
    command
}

fn spawn(mut command: Command, log: &Path, package: &str) -> Child {
    let log = fs::File::create(log).unwrap();
    command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
    command.spawn().unwrap_or_else(|error| panic!("{package} does not start ({error}): run scripts/test"))
}

/// Signals the process this test started, and waits for its end.
fn end(child: &mut Option<Child>, signal: &str) {
    if let Some(mut child) = child.take() {
        let sent = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().unwrap();
        assert!(sent.success(), "the server had ended by itself");
        child.wait().unwrap();
    }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").map(|process| std::os::unix::fs::MetadataExt::uid(&process)).unwrap() == 0
}

fn ids_of(user: &str) -> (u32, u32) {
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let line = users.lines().find(|line| line.starts_with(&format!("{user}:")));
    let fields: Vec<&str> =
        line.unwrap_or_else(|| panic!("no user {user}: run scripts/test")).split(':').collect();
    (fields[2].parse().unwrap(), fields[3].parse().unwrap())
}

/// Debian keeps PostgreSQL's programs outside of the path, by version.
fn program(name: &str) -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").map(|all| all.map(|one| one.unwrap().path()));
    let found = versions.into_iter().flatten().map(|version| version.join("bin").join(name));
    let runs = |path: &PathBuf| fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o111 != 0);
    found.filter(runs).max().unwrap_or_else(|| panic!("{name} is not installed: run scripts/test"))
}
