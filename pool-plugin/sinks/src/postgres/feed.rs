//! The position of a feed: a row of `pool_sink`, next to the tables it fills.

use postgres::{Transaction, types::ToSql};

use super::{text::Text, trouble};
use crate::{books::Books, sink::Trouble};

/// The two feeds, copied independently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Feed {
    /// Landed solutions.
    Blocks,
    /// The rewards of share dumps.
    Balances,
}

/// The last block of ours that a feed has written; height 0 before the first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) height: u32,
    pub(super) hash: String,
}

impl Feed {
    const fn name(self) -> &'static str {
        match self {
            Self::Blocks => "blocks",
            Self::Balances => "balances",
        }
    }

    /// The tables it fills.
    const fn tables(self) -> &'static [&'static str] {
        match self {
            Self::Blocks => &["blocks_records"],
            Self::Balances => &["miners_balance", "wallet_total"],
        }
    }
}

pub(super) fn parameters(values: &[Text]) -> Vec<&(dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

/// Creates what is missing. A feed whose tables were dropped starts over.
pub(super) fn prepare(transaction: &mut Transaction<'_>, schema: &str) -> Result<(), Trouble> {
    // Two pools that start at once must not both create the tables.
    transaction.batch_execute("SELECT pg_advisory_xact_lock(7307497)").map_err(trouble)?;
    let mut forget = vec![];
    if exists(transaction, "pool_sink")? {
        for feed in [Feed::Blocks, Feed::Balances] {
            if tables_lost(transaction, feed)? {
                forget.push(feed);
            }
        }
    }
    transaction.batch_execute(schema).map_err(trouble)?;
    for feed in forget {
        transaction.execute("DELETE FROM pool_sink WHERE feed = $1", &[&feed.name()]).map_err(trouble)?;
    }
    Ok(())
}

/// Whether tables are gone that the feed had written to.
fn tables_lost(transaction: &mut Transaction<'_>, feed: Feed) -> Result<bool, Trouble> {
    if read_mark(transaction, feed)?.is_none_or(|mark| mark.height == 0) {
        return Ok(false);
    }
    let mut left = vec![];
    for table in feed.tables() {
        if exists(transaction, table)? {
            left.push(*table);
        }
    }
    if left.len() == feed.tables().len() {
        return Ok(false);
    }
    // Balances that are made again would lack what was paid out.
    if feed == Feed::Balances && has_rows(transaction, "payments")? {
        left.push("payments");
    }
    if let Some(table) = left.first() {
        let all = feed.tables().join(" and ");
        return Err(Trouble::Refused(format!(
            "{all} were dropped but {table} was not: restore a backup, or drop that too to refill both"
        )));
    }
    tracing::warn!(feed = feed.name(), "postgres lost its tables: refilling them from the ledger");
    Ok(true)
}

/// Where the feed continues.
pub(super) fn begin(
    transaction: &mut Transaction<'_>,
    feed: Feed,
    books: &dyn Books,
) -> Result<Mark, Trouble> {
    let Some(mark) = read_mark(transaction, feed)? else {
        if feed == Feed::Balances {
            refuse_foreign_balances(transaction)?;
        }
        let begin = "INSERT INTO pool_sink (feed, height, hash) VALUES ($1, 0, '')";
        transaction.execute(begin, &[&feed.name()]).map_err(trouble)?;
        return Ok(Mark::default());
    };
    if mark.height > 0 && books.block_hash(mark.height)?.as_ref() != Some(&mark.hash) {
        return Err(Trouble::Refused(format!(
            "it has block {} of another ledger, or a backup was restored: use a new database, or drop {} and \
             the row '{}' of pool_sink to refill them",
            mark.height,
            feed.tables().join(", "),
            feed.name()
        )));
    }
    Ok(mark)
}

/// If added to rows that others wrote, our part could not be separated.
fn refuse_foreign_balances(transaction: &mut Transaction<'_>) -> Result<(), Trouble> {
    for table in Feed::Balances.tables() {
        if has_rows(transaction, table)? {
            return Err(Trouble::Refused(format!(
                "{table} has rows but pool_sink has no row 'balances', so their origin is unknown: use \
                 another database, or empty the table"
            )));
        }
    }
    Ok(())
}

/// Locks the feed's row until the transaction ends, if it still says `expected`.
pub(super) fn lock(transaction: &mut Transaction<'_>, feed: Feed, expected: &Mark) -> Result<(), Trouble> {
    if read_mark(transaction, feed)?.as_ref() == Some(expected) {
        return Ok(());
    }
    Err(Trouble::Unreachable(format!(
        "the row '{}' of pool_sink changed unexpectedly: the server lost data, or another pool writes to it",
        feed.name()
    )))
}

pub(super) fn advance(transaction: &mut Transaction<'_>, feed: Feed, mark: &Mark) -> Result<(), Trouble> {
    let advance = "UPDATE pool_sink SET height = $2, hash = $3 WHERE feed = $1";
    transaction.execute(advance, &[&feed.name(), &i64::from(mark.height), &mark.hash]).map_err(trouble)?;
    Ok(())
}

/// The columns for a solution's id and counter: those of the old puzzle in a table that has them.
pub(super) fn solution_columns(
    transaction: &mut Transaction<'_>,
) -> Result<(&'static str, &'static str), Trouble> {
    let old = "SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass('blocks_records') \
               AND attname = 'commitment' AND NOT attisdropped";
    let rows = transaction.query(old, &[]).map_err(trouble)?;
    Ok(if rows.is_empty() { ("solution_id", "counter") } else { ("commitment", "proof") })
}

fn read_mark(transaction: &mut Transaction<'_>, feed: Feed) -> Result<Option<Mark>, Trouble> {
    let read = "SELECT height, hash FROM pool_sink WHERE feed = $1 FOR UPDATE";
    let Some(row) = transaction.query_opt(read, &[&feed.name()]).map_err(trouble)? else { return Ok(None) };
    let (height, hash): (i64, String) = (row.get(0), row.get(1));
    Ok(Some(Mark { height: u32::try_from(height).unwrap_or(u32::MAX), hash }))
}

fn exists(transaction: &mut Transaction<'_>, table: &str) -> Result<bool, Trouble> {
    let row = transaction.query_one("SELECT to_regclass($1) IS NOT NULL", &[&table]).map_err(trouble)?;
    Ok(row.get(0))
}

fn has_rows(transaction: &mut Transaction<'_>, table: &str) -> Result<bool, Trouble> {
    if !exists(transaction, table)? {
        return Ok(false);
    }
    let rows = transaction.query(&format!("SELECT 1 FROM {table} LIMIT 1"), &[]).map_err(trouble)?;
    Ok(!rows.is_empty())
}
