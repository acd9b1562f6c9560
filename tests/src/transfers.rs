//! Accounts and transfers by upstream's own command.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{
    process::{Process, snarkos_binary, tail},
    proving_keys,
};

/// Two proofs, by an unoptimised binary, on a machine that runs a devnet.
const SIGNING_PATIENCE: Duration = Duration::from_secs(300);

/// A new account.
pub struct Account {
    pub key: String,
    pub address: String,
}

impl Account {
    pub fn new() -> Result<Self> {
        let output = Command::new(snarkos_binary()?).args(["account", "new"]).output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        let word = |start: &str| {
            let word = said.split_whitespace().find(|word| word.starts_with(start));
            word.map(str::to_owned).with_context(|| format!("no new account: {said}"))
        };
        Ok(Self { key: word("APrivateKey1")?, address: word("aleo1")? })
    }
}

/// The paying account.
pub enum Payer<'a> {
    /// One of upstream's development accounts, by number.
    Dev(u16),
    Account(&'a Account),
}

/// Makes transfers without sending them.
pub struct Signer {
    folder: PathBuf,
    /// The node that it asks for the state of the chain.
    origin: String,
}

/// A transfer that was not sent yet.
pub struct Transfer {
    pub id: String,
    /// Microcredits.
    pub fee: u64,
    /// In the form in which it is sent.
    pub json: String,
}

impl Signer {
    /// Puts the proving keys into `folder`, the home folder of upstream's command.
    pub fn new(folder: &Path, origin: &str) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        proving_keys::install(folder)?;
        Ok(Self { folder: folder.into(), origin: origin.into() })
    }

    /// `amount`: microcredits. The payer's balance is not checked, except for the fee.
    pub fn transfer(&self, payer: &Payer, to: &str, amount: u64) -> Result<Transfer> {
        let file = self.folder.join("transfer.json");
        let log = self.folder.join("transfer.log");
        let (flag, key) = match payer {
            Payer::Dev(number) => ("--dev-key", number.to_string()),
            Payer::Account(account) => ("--private-key", account.key.clone()),
        };
        let arguments = [
            "developer",
            "--network",
            "1",
            "execute",
            "credits.aleo",
            "transfer_public",
            to,
            &format!("{amount}u64"),
            flag,
            &key,
            "--endpoint",
            &self.origin,
            "--store",
            &file.display().to_string(),
            "--store-format",
            "string",
        ];
        let mut command = Process::start("execute", &snarkos_binary()?, arguments, &log, &self.folder)?;
        let status = command.wait(SIGNING_PATIENCE)?;
        ensure!(status.success(), "no transfer of {amount} to {to}: {}", tail(&command.output(), 10));
        Transfer::read(std::fs::read_to_string(&file)?)
    }
}

impl Transfer {
    fn read(json: String) -> Result<Self> {
        let transaction: Value = serde_json::from_str(&json).context("what was signed is not JSON")?;
        let id = transaction["id"].as_str().context("what was signed has no id")?.to_owned();
        // The base fee and the priority fee.
        let inputs = transaction["fee"]["transition"]["inputs"].as_array().context("it has no fee")?;
        let amount = |input: &Value| input["value"].as_str()?.strip_suffix("u64")?.parse::<u64>().ok();
        let fee = inputs.iter().take(2).map(amount).sum::<Option<u64>>().context("its fee is no number")?;
        Ok(Self { id, fee, json })
    }
}
