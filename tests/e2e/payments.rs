//! The payments themselves, on the chain: signed by upstream's command, interrupted on the way, made once.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use pool_tests::{
    pool_node::{PoolNode, STAKED_ADDRESS},
    process::snarkos_binary,
    proving_keys,
    transfers::Account,
};

/// The key of [`STAKED_ADDRESS`]: upstream's first development account.
const STAKED_KEY: &str = "APrivateKey1zkp8CZNn3yeCseEtxuVPbDCwSyhGW6yZKUYKfgXmcpoGPWH";

const PATIENCE: Duration = Duration::from_secs(300);

/// Sends the transaction to the node, and fails as if the answer were lost.
const LOSE_THE_ANSWER: &str = "import sys, urllib.request as web; \
    web.urlopen(web.Request(sys.argv[1], sys.stdin.buffer.read(), {'Content-Type': 'application/json'})); sys.exit(1)";

/// The payout books of a pool whose dumps are imported, and the script that pays by them.
pub struct Payout {
    folder: PathBuf,
    node: String,
    dumps: PathBuf,
    payees: Vec<Payee>,
}

struct Payee {
    account: String,
    address: String,
}

impl Payout {
    /// Each account is paid to a new address.
    pub fn new(folder: &Path, pool: &PoolNode, accounts: &[&str]) -> Result<Self> {
        let payee =
            |account: &&str| Ok(Payee { account: (*account).to_owned(), address: Account::new()?.address });
        let payout = Self {
            folder: folder.to_owned(),
            node: pool.rest.origin().to_owned(),
            dumps: pool.data.join("shares"),
            payees: accounts.iter().map(payee).collect::<Result<_>>()?,
        };
        let entry = |payee: &Payee| format!("\"{}\": \"{}\"", payee.account, payee.address);
        let entries: Vec<String> = payout.payees.iter().map(entry).collect();
        std::fs::write(payout.addresses(), format!("{{{}}}", entries.join(", ")))?;
        std::fs::write(payout.key_file(), STAKED_KEY)?;
        payout.run(&["init"])?;
        Ok(payout)
    }

    /// Runs a step that must succeed; returns its output.
    pub fn run(&self, step: &[&str]) -> Result<String> {
        let output = self.output(step)?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complaint = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "payout.py {step:?}: {said}{complaint}");
        Ok(said)
    }

    /// Pays what is owed, with the connection to the chain broken first before it and then after it.
    pub fn pay_all(&self, pool: &mut PoolNode) -> Result<()> {
        proving_keys::install(&self.folder)?;
        let before = pool.rest.balance(STAKED_ADDRESS)?;
        self.run(&["plan", "--send"])?;

        let unsent = self.output(&["pay", "--send", "--send-command", "false"])?;
        let complaint = String::from_utf8_lossy(&unsent.stderr);
        ensure!(
            unsent.status.code() == Some(1),
            "a failing connection to the node went unnoticed: {complaint}"
        );
        let signed = self.books("SELECT COUNT(*) FROM payments WHERE state = 'signed'")?;
        ensure!(signed == self.payees.len() as u64, "{signed} payments are signed: {complaint}");
        let script = self.folder.join("lose-the-answer.py");
        std::fs::write(&script, LOSE_THE_ANSWER)?;
        let lossy = format!("python3 {} {}/testnet/transaction/broadcast", script.display(), self.node);
        let unanswered = self.output(&["pay", "--send", "--send-command", &lossy])?;
        ensure!(unanswered.status.code() == Some(1), "lost answers went unnoticed");

        let deadline = Instant::now() + PATIENCE;
        while self.books("SELECT COUNT(*) FROM payments WHERE state = 'confirmed'")? != signed {
            pool.process.check_alive()?;
            let said = self.run(&["pay", "--send"])?;
            ensure!(Instant::now() < deadline, "the payments are not confirmed: {said}");
            sleep(Duration::from_secs(1));
        }
        self.check_the_chain(pool, before)
    }

    fn check_the_chain(&self, pool: &PoolNode, before: u64) -> Result<()> {
        for Payee { account, address } in &self.payees {
            let planned =
                self.books(&format!("SELECT SUM(amount) FROM payments WHERE account = '{account}'"))?;
            let received = pool.rest.balance(address)?;
            ensure!(received == planned && received > 0, "{account} has {received}, {planned} were planned");
        }
        let paid = self.books("SELECT SUM(amount) FROM payments")?;
        let fees = self.books("SELECT SUM(fee) FROM payments")?;
        let after = pool.rest.balance(STAKED_ADDRESS)?;
        ensure!(before - after == paid + fees, "{before} became {after}: {paid} were paid, {fees} in fees");
        Ok(())
    }

    fn output(&self, step: &[&str]) -> Result<Output> {
        let output = Command::new("python3")
            .arg(format!("{}/../scripts/payout.py", std::env::var("CARGO_MANIFEST_DIR")?))
            .args(step)
            .args(["--network", "testnet", "--threshold", "1", "--fee", "100000"])
            .args(["--address", STAKED_ADDRESS, "--node", &self.node])
            .arg("--books")
            .arg(self.folder.join("books.sqlite"))
            .arg("--dumps")
            .arg(&self.dumps)
            .arg("--addresses")
            .arg(self.addresses())
            .arg("--key-file")
            .arg(self.key_file())
            .arg("--snarkos")
            .arg(snarkos_binary()?)
            // Where the proving keys are.
            .env("HOME", &self.folder)
            .output()?;
        Ok(output)
    }

    /// A number in the books.
    fn books(&self, query: &str) -> Result<u64> {
        let output = Command::new("python3")
            .args([
                "-c",
                "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute(sys.argv[2]).fetchone()[0])",
            ])
            .arg(self.folder.join("books.sqlite"))
            .arg(query)
            .output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        said.trim()
            .parse()
            .with_context(|| format!("{query}: {said}{}", String::from_utf8_lossy(&output.stderr)))
    }

    fn addresses(&self) -> PathBuf {
        self.folder.join("addresses.json")
    }

    fn key_file(&self) -> PathBuf {
        self.folder.join("pool.key")
    }
}
