//! The pool on one screen.

use pool_core::{health::Level, types::unix_seconds};

use super::format::{NONE, counted, grouped, percent, plain, rate, round_credits, short, span};
use crate::operate::{
    admin::query::Status,
    view::{ActivationView, BudgetView, ChainView, PoolView},
};

pub(super) fn status(status: &Status) -> String {
    let Status { pool, budgets, health } = status;
    let PoolView { rates, shares, round, verification, solutions, .. } = pool;
    let refused: u64 = shares.refused.values().sum();
    let mut lines = vec![
        format!(
            "pool      {} on {}, up {}{}",
            level(pool.level),
            pool.network,
            span(pool.uptime_seconds),
            draining(pool)
        ),
        format!(
            "sync      {}",
            sync(
                &pool.chain,
                health.parts.iter().find(|part| part.part == "chain").map(|part| part.text.as_str())
            )
        ),
        format!("node      {}", node(&pool.chain)),
        format!(
            "rate      {} over a minute, {} over 10, {} over an hour, {} over a day",
            rate(rates.minute),
            rate(rates.ten_minutes),
            rate(rates.hour),
            rate(rates.day)
        ),
        format!(
            "miners    {} with {} on {}",
            counted(pool.miners, "account"),
            counted(pool.workers, "worker"),
            counted(pool.connections, "connection")
        ),
        format!(
            "shares    {} accepted, {} refused{}, {} too late for their epoch; {} waiting to be verified",
            grouped(shares.accepted),
            grouped(refused),
            reasons(pool),
            grouped(shares.epoch_ended),
            grouped(verification.queued)
        ),
        format!(
            "round     {}, {}, effort {} (of the last {}: {})",
            match round.since_height {
                Some(height) => format!("since block {height}"),
                None => "the first one".to_owned(),
            },
            counted(round.shares, "share"),
            percent(round.effort),
            counted(pool.luck.blocks, "block"),
            percent(pool.luck.effort)
        ),
        format!(
            "solutions {} found, {} landed, {} on their way, {} waiting, {} aborted, {} expired",
            solutions.found,
            solutions.landed,
            solutions.released,
            solutions.waiting,
            solutions.aborted,
            solutions.expired
        ),
    ];
    lines.extend(budgets.iter().map(budget));
    // The worst first; green parts need no text.
    let mut parts: Vec<_> = health.parts.iter().collect();
    parts.sort_by_key(|part| std::cmp::Reverse(part.level));
    let (green, ailing): (Vec<_>, Vec<_>) = parts.into_iter().partition(|part| part.level == Level::Green);
    for (index, part) in ailing.iter().enumerate() {
        let name = if index == 0 { "health" } else { "" };
        lines.push(format!("{name:<9} {}: {}: {}", level(part.level), part.part, plain(&part.text)));
    }
    if !green.is_empty() {
        let names: Vec<_> = green.iter().map(|part| part.part.as_str()).collect();
        let name = if ailing.is_empty() { "health" } else { "" };
        lines.push(format!("{name:<9} green: {}", names.join(", ")));
    }
    lines.join("\n")
}

fn draining(pool: &PoolView) -> &'static str {
    if pool.draining { "; draining, ports closed" } else { "" }
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Green => "green",
        Level::Amber => "AMBER",
        Level::Red => "RED",
    }
}

/// The release, and the consensus version in force and to come.
fn node(chain: &ChainView) -> String {
    let ChainView { release, consensus_version, known_version, next_activation, newer_version, .. } = chain;
    if release.is_empty() {
        return NONE.to_owned();
    }
    let next = match (newer_version, next_activation) {
        (Some(newer), _) => format!("the network runs V{}, which this release does not know", newer.version),
        (None, Some(ActivationView { version, height, expected })) => {
            format!("V{version} at block {}, expected in {}", grouped(*height), span(until(*expected)))
        }
        (None, None) => format!("knows up to V{known_version}, none is scheduled"),
    };
    format!("snarkOS {release}; consensus V{consensus_version} in force; {next}")
}

/// Seconds until a moment.
fn until(unix: i64) -> u64 {
    u64::try_from(unix).unwrap_or(0).saturating_sub(unix_seconds())
}

/// `report`: the report of the part `chain`; it says how fast the node catches up.
fn sync(chain: &ChainView, report: Option<&str>) -> String {
    let Some(height) = chain.height else { return "the node is starting".to_owned() };
    if !chain.synced {
        return report.map_or_else(|| format!("at height {height}, not synced"), plain);
    }
    let left = chain.blocks_left.map_or_else(|| NONE.to_owned(), |left| counted(left, "block"));
    let epoch = chain.epoch.map_or_else(|| NONE.to_owned(), |epoch| epoch.to_string());
    let next = chain.job_epoch.filter(|next| chain.epoch != Some(*next));
    let jobs = next.map_or_else(String::new, |next| format!(", jobs are for epoch {next}"));
    format!(
        "synced at height {height}; {left} left of epoch {epoch}{jobs}; {}, {} in step",
        counted(chain.peers, "peer"),
        counted(chain.synced_validators, "validator")
    )
}

fn reasons(pool: &PoolView) -> String {
    let some: Vec<String> = pool
        .shares
        .refused
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(reason, count)| format!("{} {reason}", grouped(*count)))
        .collect();
    if some.is_empty() { String::new() } else { format!(" ({})", some.join(", ")) }
}

fn budget(budget: &BudgetView) -> String {
    let BudgetView { address, stake, limit, landed, left, blocks_left, .. } = budget;
    let of = limit.map_or_else(|| "any number".to_owned(), |limit| limit.to_string());
    let left = left.map_or_else(|| "any number".to_owned(), |left| left.to_string());
    format!(
        "budget    {}: {landed} of {of} solutions landed, {left} left in {}; {} credits bonded",
        short(address),
        counted(*blocks_left, "block"),
        round_credits(*stake)
    )
}
