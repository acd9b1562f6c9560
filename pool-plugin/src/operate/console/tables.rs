//! The tables.

use comfy_table::{CellAlignment, Table, presets};

use super::format::{NONE, ago, credits, grouped, percent, plain, rate, short};
use crate::operate::{
    admin::query::{Account, Blocks, Miners, Solutions},
    view::{Finder, StateView, WorkerShares},
};

/// A table with these columns; those marked `>` hold numbers.
fn table(columns: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header(columns.iter().map(|name| name.trim_start_matches('>')));
    for (index, name) in columns.iter().enumerate() {
        if let Some(column) = table.column_mut(index) {
            column.set_padding((0, 2));
            if name.starts_with('>') {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
    }
    table
}

/// Without trailing spaces.
fn text(table: &Table) -> String {
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// `now`: Unix seconds.
pub(super) fn miners(miners: &Miners, now: u64) -> String {
    if miners.is_empty() {
        return "no miner seen recently".to_owned();
    }
    let mut table = table(&[
        "account",
        "worker",
        ">online",
        ">10 min",
        ">1 h",
        ">1 d",
        ">target",
        ">accepted",
        ">refused",
        ">last share",
    ]);
    for miner in miners {
        table.add_row([
            short(&miner.account),
            plain(&miner.worker),
            miner.online.to_string(),
            rate(miner.rates.ten_minutes),
            rate(miner.rates.hour),
            rate(miner.rates.day),
            miner.target.map_or_else(|| NONE.to_owned(), |target| grouped(target.0)),
            grouped(miner.shares.accepted),
            refused(&miner.shares),
            ago(miner.last_share, now),
        ]);
    }
    text(&table)
}

/// How many, and the most frequent reason.
fn refused(shares: &WorkerShares) -> String {
    let sum: u64 = shares.refused.values().sum();
    match shares.refused.iter().max_by_key(|(_, count)| **count) {
        Some((reason, _)) => format!("{} ({reason})", grouped(sum)),
        None => "0".to_owned(),
    }
}

pub(super) fn blocks(blocks: &Blocks, now: u64) -> String {
    if blocks.is_empty() {
        return "this pool has no block yet".to_owned();
    }
    let mut table =
        table(&[">height", "when", ">epoch", ">solutions", ">credits", ">effort", "finders", "dump"]);
    for block in blocks {
        let mut finders: Vec<String> =
            block.solutions.iter().map(|solution| finder(solution.finder.as_ref())).collect();
        finders.dedup();
        table.add_row([
            block.height.to_string(),
            ago(u64::try_from(block.time).ok(), now),
            block.epoch.to_string(),
            block.solutions.len().to_string(),
            credits(block.reward),
            percent(block.round.effort),
            finders.join(", "),
            block.dump.as_ref().map_or_else(|| "not written yet".to_owned(), |dump| plain(&dump.file)),
        ]);
    }
    text(&table)
}

fn finder(finder: Option<&Finder>) -> String {
    match finder {
        Some(Finder { account, worker }) if worker.is_empty() => short(account),
        Some(Finder { account, worker }) => format!("{}.{}", short(account), plain(worker)),
        None => "unknown".to_owned(),
    }
}

pub(super) fn solutions(solutions: &Solutions, now: u64) -> String {
    if solutions.is_empty() {
        return "no solution yet".to_owned();
    }
    let mut table = table(&[
        "solution", "state", "found", ">epoch", ">target", "finder", ">height", ">credits", "reason",
    ]);
    for solution in solutions {
        let found = Some(solution.found_ms / 1000).filter(|found| *found > 0);
        table.add_row([
            short(&solution.id),
            state(solution.state).to_owned(),
            ago(found, now),
            solution.epoch.to_string(),
            grouped(solution.target.0),
            finder(solution.finder.as_ref()),
            solution.height.map_or_else(|| NONE.to_owned(), |height| height.to_string()),
            solution.reward.map_or_else(|| NONE.to_owned(), credits),
            plain(&solution.reason),
        ]);
    }
    text(&table)
}

fn state(state: StateView) -> &'static str {
    match state {
        StateView::Found => "found",
        StateView::Released => "released",
        StateView::Landed => "landed",
        StateView::Aborted => "aborted",
        StateView::Expired => "expired",
    }
}

pub(super) fn account(answer: &Account, now: u64) -> String {
    let Account { account, workers, rewards } = answer;
    let rates = &account.rates;
    let paid = account.paid.map_or_else(|| "not reported to the pool".to_owned(), credits);
    let mut lines = vec![
        format!("account   {}", plain(&account.account)),
        format!(
            "rate      {} over 10 minutes, {} over an hour, {} over a day",
            rate(rates.ten_minutes),
            rate(rates.hour),
            rate(rates.day)
        ),
        format!("workers   {} online, {} seen recently", account.online, account.workers),
        format!(
            "shares    {} since the database was created, worth {} attempts; the last one {}",
            grouped(account.total_shares),
            grouped(account.credited.0),
            ago(account.last_share, now)
        ),
        format!("rewards   {} credits, paid {paid}", credits(account.rewards)),
        String::new(),
        miners(workers, now),
    ];
    if !rewards.is_empty() {
        let mut table = table(&[">height", "when", ">credits", "dump"]);
        for reward in rewards {
            table.add_row([
                reward.height.to_string(),
                ago(u64::try_from(reward.time).ok(), now),
                credits(reward.reward),
                plain(&reward.dump.file),
            ]);
        }
        lines.extend([String::new(), text(&table)]);
    }
    lines.join("\n")
}
