//! n-stratum's Redis keys.
//!
//! A portion is written by one script, which Redis runs alone: it compares the cursor stored with the keys
//! with the one the portion follows, and writes the portion and the new cursor, or nothing. So a lost reply
//! does no harm: the cursor shows what was written. A server that comes back with older data has an older
//! cursor, and is fed from there.

mod portion;

use std::time::Duration;

use redis::{Client, Connection, ErrorKind, RedisError};

use self::portion::{Cursor, Portion};
use crate::{
    activity::{Activity, News},
    books::{Books, Life},
    sink::{Progress, Sink, Step, Trouble},
    url::RedisUrl,
};

/// The prefix of n-stratum. Its braces are a Redis hash tag: all keys are on one node of a cluster.
pub const DEFAULT_PREFIX: &str = "{stratum}:aleo:";

const WRITE: &str = include_str!("write.lua");
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);
const REPLY_PATIENCE: Duration = Duration::from_secs(20);

/// Records in one portion: some milliseconds of the server's time.
const SHARES_AT_ONCE: usize = 1_000;
const BLOCKS_AT_ONCE: usize = 100;

/// The cursor's fields, in the order of [`Cursor`].
const CURSOR_FIELDS: [&str; 6] = ["share", "mark", "block", "block_hash", "news", "life"];

/// Copies shares and landed solutions from the books, logins and refusals from the activity.
pub struct RedisSink {
    url: RedisUrl,
    keys: Keys,
    activity: Activity,
    connection: Option<Connection>,
    /// The cursor on the server.
    cursor: Cursor,
    /// Where the books continue: the same, unless the ledger was restored from a backup since.
    from: Cursor,
    progress: Progress,
    /// News that were taken and may not be written yet, with their number.
    news: Option<(String, News)>,
    run: String,
    next_news: u64,
    /// Whether this run has seen a cursor on the server.
    had_cursor: bool,
}

struct Keys {
    cursor: String,
    /// In the order of the script.
    data: [String; 5],
}

impl Keys {
    fn new(prefix: &str) -> Self {
        let names = [
            "initWorker",
            "workers:reject:current",
            "workers:accept:current",
            "workers:lastShare",
            "successSolution:current",
        ];
        Self { cursor: format!("{prefix}pool:cursor"), data: names.map(|name| format!("{prefix}{name}")) }
    }
}

impl RedisSink {
    pub fn new(url: RedisUrl, prefix: &str, activity: Activity) -> Self {
        Self {
            url,
            keys: Keys::new(prefix),
            activity,
            connection: None,
            cursor: Cursor::default(),
            from: Cursor::default(),
            progress: Progress { share: Some(0), ..Progress::default() },
            news: None,
            run: format!("{:016x}", rand::random::<u64>()),
            next_news: 1,
            had_cursor: false,
        }
    }

    fn open(&self) -> Result<Connection, RedisError> {
        let info = self.url.connection_info()?;
        let connection = Client::open(info)?.get_connection_with_timeout(CONNECT_PATIENCE)?;
        connection.set_read_timeout(Some(REPLY_PATIENCE))?;
        connection.set_write_timeout(Some(REPLY_PATIENCE))?;
        Ok(connection)
    }

    fn connection(&mut self) -> Result<&mut Connection, Trouble> {
        self.connection.as_mut().ok_or_else(|| Trouble::Unreachable("not connected".into()))
    }

    fn read_cursor(&mut self) -> Result<Option<Cursor>, Trouble> {
        let mut command = redis::cmd("HMGET");
        command.arg(&self.keys.cursor).arg(&CURSOR_FIELDS);
        let found: [Option<String>; 6] = command.query(self.connection()?).map_err(trouble)?;
        if found.iter().all(Option::is_none) {
            return Ok(None);
        }
        let [share, mark, block, block_hash, news, life] = found.map(Option::unwrap_or_default);
        Ok(Some(Cursor { share, mark, block, block_hash, news, life }))
    }

    /// Without a cursor the server is new, or lost its data. Keys without a cursor fit neither case.
    fn begin(&mut self, life: Life) -> Result<(), Trouble> {
        let mut command = redis::cmd("EXISTS");
        command.arg(&self.keys.data);
        let keys: u64 = command.query(self.connection()?).map_err(trouble)?;
        if keys > 0 {
            return Err(Trouble::Refused(format!(
                "it has counts but no {}, so their origin is unknown: rename or delete the keys, or set \
                 another prefix",
                self.keys.cursor
            )));
        }
        if self.had_cursor {
            tracing::warn!(
                server = %self.url,
                "redis lost its data: refilling it from the ledger, without earlier refusals"
            );
        }
        self.news_again();
        self.cursor = Cursor::default();
        self.from = Cursor { life: text(life.number), ..Cursor::default() };
        Ok(())
    }

    /// Has the latest login of every account written once more.
    fn news_again(&mut self) {
        let logins = self.activity.all_logins();
        let refused = self.news.take().map(|(_, news)| news.refused).unwrap_or_default();
        if !logins.is_empty() || !refused.is_empty() {
            self.news = Some((self.number_news(), News { logins, refused }));
        }
    }

    fn number_news(&mut self) -> String {
        let number = format!("{}:{}", self.run, self.next_news);
        self.next_news += 1;
        number
    }

    /// Where the books continue after the cursor, if it belongs to this ledger. A cursor of the previous life
    /// stops where that life did: later shares with the same numbers are different ones.
    fn from(&self, cursor: &Cursor, life: Life, books: &dyn Books) -> Result<Cursor, Trouble> {
        let (of, copied) = (number(&cursor.life), number(&cursor.share));
        let (Some(of), Some(copied)) = (of, copied) else { return Ok(cursor.clone()) };
        if of == life.number {
            return Ok(cursor.clone());
        }
        if of + 1 != life.number {
            return Err(Trouble::Refused(format!(
                "it was filled in life {of} of the ledger, which is in life {} (one per restored backup): \
                 set another prefix, or delete {} and the keys with its prefix to refill them",
                life.number, self.keys.cursor
            )));
        }
        let mut from = Cursor { life: text(life.number), ..cursor.clone() };
        if copied > life.goes_on_after {
            tracing::warn!(
                server = %self.url, copied, goes_on_after = life.goes_on_after,
                "the ledger was restored from a backup: redis keeps its data and gets the new shares"
            );
            let last = books.shares(life.goes_on_after, 1)?.into_iter().next();
            let mark = last.filter(|share| share.seq == life.goes_on_after).map(|share| share.mark);
            (from.share, from.mark) = (life.goes_on_after.to_string(), mark.unwrap_or_default());
        }
        Ok(from)
    }

    /// Whether the cursor belongs to this ledger.
    fn check(&self, cursor: &Cursor, life: Life, books: &dyn Books) -> Result<Progress, Trouble> {
        let not_ours = |what: String| {
            Trouble::Refused(format!(
                "{what}: it was filled from another ledger, or a backup was restored; set another prefix, or \
                 delete {} and the keys with its prefix to refill them",
                self.keys.cursor
            ))
        };
        let share = number(&cursor.share).ok_or_else(|| not_ours("its cursor is damaged".into()))?;
        let stored = books.stored()?;
        let (first, last) = stored.unwrap_or((1, 0));
        if share > last {
            return Err(not_ours(format!("it has share {share}, the ledger ends at {last}")));
        }
        if share >= first {
            let ours = books.shares(share, 1)?;
            if ours.first().is_none_or(|ours| ours.seq != share || ours.mark != cursor.mark) {
                return Err(not_ours(format!("its share {share} is not the ledger's")));
            }
        }
        let block = number(&cursor.block).and_then(|height| u32::try_from(height).ok());
        let block = block.ok_or_else(|| not_ours("its cursor is damaged".into()))?;
        // A restored ledger goes through the blocks once more.
        let is_to_come = life.number > 0 && books.blocks(block.saturating_sub(1), 1)?.is_empty();
        if block > 0 && !is_to_come && books.block_hash(block)?.as_ref() != Some(&cursor.block_hash) {
            return Err(not_ours(format!("its block {block} is not the ledger's")));
        }
        Ok(Progress { share: Some(share), block, missed: self.progress.missed })
    }

    /// What comes after the cursor.
    fn gather(&mut self, books: &dyn Books) -> Result<Portion, Trouble> {
        let mut portion = Portion::after(&self.cursor, &self.from);
        if self.news.is_none() {
            let news = self.activity.take();
            if !news.is_empty() {
                self.news = Some((self.number_news(), news));
            }
        }
        if let Some((number, news)) = &self.news {
            portion.add_news(number.clone(), news);
        }
        let next = self.progress.share.unwrap_or(0) + 1;
        portion.add_shares(&books.shares(next, SHARES_AT_ONCE)?, &self.activity);
        portion.add_blocks(&books.blocks(self.progress.block, BLOCKS_AT_ONCE)?);
        Ok(portion)
    }

    fn write(&mut self, portion: &Portion) -> Result<(), Trouble> {
        let json = portion.to_json().map_err(|error| Trouble::Refused(error.to_string()))?;
        let mut command = redis::cmd("EVAL");
        command
            .arg(WRITE)
            .arg(1 + self.keys.data.len())
            .arg(&self.keys.cursor)
            .arg(&self.keys.data)
            .arg(json);
        let (outcome, detail): (String, String) = command.query(self.connection()?).map_err(trouble)?;
        match outcome.as_str() {
            "ok" => Ok(()),
            "moved" => Err(moved(&detail)),
            "too large" => Err(Trouble::Refused(format!(
                "{detail} would exceed 64 bits: rename or delete it, as readers of the counts should do now \
                 and then"
            ))),
            wrong => Err(Trouble::Refused(format!("{detail} is {wrong}: rename or delete it"))),
        }
    }

    /// Counts shares that were retired before they could be copied.
    fn note_gap(&mut self, books: &dyn Books) -> Result<(), Trouble> {
        let copied = self.progress.share.unwrap_or(0);
        let Some((first, _)) = books.stored()? else { return Ok(()) };
        let missed = first.saturating_sub(copied + 1);
        if missed > 0 {
            self.progress.missed = missed;
            tracing::error!(
                server = %self.url, missed,
                "shares were retired before redis had them: its counts lack them"
            );
        }
        Ok(())
    }
}

impl Sink for RedisSink {
    fn name(&self) -> &'static str {
        "redis"
    }

    fn server(&self) -> String {
        self.url.to_string()
    }

    fn connect(&mut self, books: &dyn Books) -> Result<(), Trouble> {
        self.connection = None;
        self.connection = Some(self.open().map_err(trouble)?);
        let (cursor, life) = (self.read_cursor()?, books.life()?);
        match cursor {
            None => {
                self.begin(life)?;
                self.progress = Progress { share: Some(0), block: 0, missed: self.progress.missed };
            }
            Some(cursor) => {
                let from = self.from(&cursor, life, books)?;
                self.progress = self.check(&from, life, books)?;
                self.had_cursor = true;
                if self.news.as_ref().is_some_and(|(number, _)| *number == cursor.news) {
                    // Written, and only the reply was lost.
                    self.news = None;
                }
                (self.cursor, self.from) = (cursor, from);
            }
        }
        self.note_gap(books)
    }

    fn step(&mut self, books: &dyn Books) -> Result<Step, Trouble> {
        let portion = self.gather(books)?;
        if portion.is_empty() {
            // Otherwise nothing would show that the server is gone or lost its data.
            if self.read_cursor()?.unwrap_or_default() != self.cursor {
                return Err(moved("all of it"));
            }
            return Ok(Step::CaughtUp);
        }
        self.write(&portion)?;
        self.news = None;
        self.had_cursor = true;
        self.cursor = portion.reached;
        self.from = self.cursor.clone();
        self.progress.share = number(&self.cursor.share);
        self.progress.block =
            number(&self.cursor.block).map_or(0, |height| u32::try_from(height).unwrap_or(0));
        Ok(Step::Wrote)
    }

    fn progress(&self) -> Progress {
        self.progress
    }
}

fn moved(field: &str) -> Trouble {
    Trouble::Unreachable(format!(
        "its cursor ({field}) changed unexpectedly: the server lost data, or another pool writes to it"
    ))
}

/// A number of the cursor; empty is 0.
fn number(text: &str) -> Option<u64> {
    if text.is_empty() { Some(0) } else { text.parse().ok() }
}

fn text(number: u64) -> String {
    if number == 0 { String::new() } else { number.to_string() }
}

/// Server errors that pass by themselves: it loads its data, or it is a replica about to be promoted.
fn passes(error: &RedisError) -> bool {
    matches!(error.code(), Some("LOADING" | "READONLY" | "MASTERDOWN" | "TRYAGAIN" | "BUSY" | "CLUSTERDOWN"))
}

fn trouble(error: RedisError) -> Trouble {
    let text = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    let said_by_server = error.code().is_some() || error.kind() == ErrorKind::AuthenticationFailed;
    if said_by_server && !passes(&error) { Trouble::Refused(text) } else { Trouble::Unreachable(text) }
}
