//! katpool's PostgreSQL tables and n-stratum's `blocks_records`.
//!
//! Two feeds, each with a row in `pool_sink` that holds its position: landed solutions go to
//! `blocks_records`, the rewards of share dumps to `miners_balance` and `wallet_total`. A portion and its
//! feed's row are written in one transaction, which first locks the row and checks that it has not changed.

mod feed;
mod records;
mod text;

use std::time::Duration;

use postgres::{Client, NoTls};

use self::{
    feed::{Feed, Mark},
    records::{BLOCK_COLUMNS, balance_row, block_row, total_row},
    text::Text,
};
use crate::{
    books::{Block, Books, Dump},
    sink::{Progress, Sink, Step, Trouble},
    url::PostgresUrl,
};

const SCHEMA: &str = include_str!("schema.sql");
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);
const REPLY_PATIENCE: Duration = Duration::from_secs(20);
const BLOCKS_AT_ONCE: usize = 100;
/// A dump may have a hundred thousand accounts.
const DUMPS_AT_ONCE: usize = 1;

/// Copies landed solutions and the dumps' rewards from the books.
pub struct PostgresSink {
    url: PostgresUrl,
    /// The `chain` of a block's record.
    chain: String,
    /// The `location` of a block's record.
    location: String,
    session: Option<Session>,
    progress: Progress,
}

struct Session {
    client: Client,
    insert_block: String,
    has_block: String,
    blocks: Mark,
    balances: Mark,
}

impl PostgresSink {
    pub fn new(url: PostgresUrl, chain: &str, location: &str) -> Self {
        Self {
            url,
            chain: chain.into(),
            location: location.into(),
            session: None,
            progress: Progress::default(),
        }
    }

    fn open(&self) -> Result<Client, postgres::Error> {
        let mut config = self.url.config()?;
        config
            .application_name("aleo-pool")
            .connect_timeout(CONNECT_PATIENCE)
            .tcp_user_timeout(REPLY_PATIENCE)
            .options(&format!("-c statement_timeout={}", REPLY_PATIENCE.as_millis()));
        config.connect(NoTls)
    }
}

impl Sink for PostgresSink {
    fn name(&self) -> &'static str {
        "postgres"
    }

    fn server(&self) -> String {
        self.url.to_string()
    }

    fn connect(&mut self, books: &dyn Books) -> Result<(), Trouble> {
        self.session = None;
        let mut client = self.open().map_err(trouble)?;
        let mut transaction = client.transaction().map_err(trouble)?;
        feed::prepare(&mut transaction, SCHEMA)?;
        let blocks = feed::begin(&mut transaction, Feed::Blocks, books)?;
        let balances = feed::begin(&mut transaction, Feed::Balances, books)?;
        let (id, counter) = feed::solution_columns(&mut transaction)?;
        transaction.commit().map_err(trouble)?;
        self.progress.block = blocks.height.min(balances.height);
        self.session = Some(Session {
            client,
            insert_block: insert_block(id, counter),
            has_block: format!("SELECT 1 FROM blocks_records WHERE height = $1 AND hash = $2 AND {id} = $3"),
            blocks,
            balances,
        });
        Ok(())
    }

    fn step(&mut self, books: &dyn Books) -> Result<Step, Trouble> {
        let (chain, location) = (&self.chain, &self.location);
        let session = self.session.as_mut().ok_or_else(|| Trouble::Unreachable("not connected".into()))?;
        let blocks = books.blocks(session.blocks.height, BLOCKS_AT_ONCE)?;
        session.write_blocks(&blocks, chain, location)?;
        let dumps = books.dumps(session.balances.height, DUMPS_AT_ONCE)?;
        session.write_balances(&dumps)?;
        self.progress.block = session.blocks.height.min(session.balances.height);
        if blocks.is_empty() && dumps.is_empty() {
            session.look()?;
            // A block of ours whose dump is not written yet waits.
            let waiting = session.balances.height < session.blocks.height;
            return Ok(if waiting { Step::Waiting } else { Step::CaughtUp });
        }
        Ok(Step::Wrote)
    }

    fn progress(&self) -> Progress {
        self.progress
    }
}

impl Session {
    fn write_blocks(&mut self, blocks: &[Block], chain: &str, location: &str) -> Result<(), Trouble> {
        let Some(last) = blocks.last() else { return Ok(()) };
        let mark = Mark { height: last.height, hash: last.hash.clone() };
        let mut transaction = self.client.transaction().map_err(trouble)?;
        feed::lock(&mut transaction, Feed::Blocks, &self.blocks)?;
        for block in blocks {
            for landed in &block.solutions {
                let identity = [Text::of(block.height), Text::of(&block.hash), Text::of(&landed.id)];
                let found =
                    transaction.query(&self.has_block, &feed::parameters(&identity)).map_err(trouble)?;
                if found.is_empty() {
                    let row = block_row(block, landed, chain, location);
                    transaction.execute(&self.insert_block, &feed::parameters(&row)).map_err(trouble)?;
                }
            }
        }
        feed::advance(&mut transaction, Feed::Blocks, &mark)?;
        transaction.commit().map_err(trouble)?;
        self.blocks = mark;
        Ok(())
    }

    fn write_balances(&mut self, dumps: &[Dump]) -> Result<(), Trouble> {
        let Some(last) = dumps.last() else { return Ok(()) };
        let mark = Mark { height: last.height, hash: last.hash.clone() };
        let mut transaction = self.client.transaction().map_err(trouble)?;
        feed::lock(&mut transaction, Feed::Balances, &self.balances)?;
        let balance = transaction
            .prepare(
                "INSERT INTO miners_balance AS old (id, miner_id, wallet, balance) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (id) DO UPDATE SET balance = COALESCE(old.balance, 0) + EXCLUDED.balance",
            )
            .map_err(trouble)?;
        let total = transaction
            .prepare(
                "INSERT INTO wallet_total AS old (address, total) VALUES ($1, $2) \
                 ON CONFLICT (address) DO UPDATE SET total = COALESCE(old.total, 0) + EXCLUDED.total",
            )
            .map_err(trouble)?;
        for reward in dumps.iter().flat_map(|dump| &dump.rewards) {
            transaction.execute(&balance, &feed::parameters(&balance_row(reward))).map_err(trouble)?;
            transaction.execute(&total, &feed::parameters(&total_row(reward))).map_err(trouble)?;
        }
        feed::advance(&mut transaction, Feed::Balances, &mark)?;
        transaction.commit().map_err(trouble)?;
        self.balances = mark;
        Ok(())
    }

    /// With nothing to write, checks that the server is there and the marks are unchanged.
    fn look(&mut self) -> Result<(), Trouble> {
        let mut transaction = self.client.transaction().map_err(trouble)?;
        feed::lock(&mut transaction, Feed::Blocks, &self.blocks)?;
        feed::lock(&mut transaction, Feed::Balances, &self.balances)?;
        transaction.rollback().map_err(trouble)
    }
}

fn insert_block(id: &str, counter: &str) -> String {
    let columns = BLOCK_COLUMNS.join(", ");
    let values: Vec<String> = (1..=BLOCK_COLUMNS.len() + 2).map(|number| format!("${number}")).collect();
    format!(
        "INSERT INTO blocks_records ({columns}, {id}, {counter}, created_at, updated_at) VALUES ({}, NOW(), NOW())",
        values.join(", ")
    )
}

/// One line, without the SQL state.
fn trouble(error: postgres::Error) -> Trouble {
    let Some(said) = error.as_db_error() else { return Trouble::Unreachable(one_line(&error)) };
    let text = match said.hint() {
        Some(hint) => format!("{} ({hint})", said.message()),
        None => said.message().to_owned(),
    };
    // Classes of SQL states that pass: connection, too many connections or memory, the server stops or
    // starts, lock conflicts.
    let passes = ["08", "53", "57", "40", "55"].iter().any(|class| said.code().code().starts_with(class));
    if passes { Trouble::Unreachable(text) } else { Trouble::Refused(text) }
}

/// The library's text and its cause.
fn one_line(error: &postgres::Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
