//! The snapshot as metrics: counters and gauges, published once a second. No share updates them directly.
//!
//! Labels come from closed sets: never an account, a worker, an address or a user agent.

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge};
use pool_core::{
    chain::following::{Access, Following},
    health::Level,
    meters,
};

use super::{BudgetView, HealthView, PoolView, Snapshot};

/// Describes each metric. To be called once a recorder is installed.
pub fn describe() {
    for (name, text) in meters::HISTOGRAMS {
        describe_histogram!(name, text);
    }
    for (name, text) in COUNTERS {
        describe_counter!(name, text);
    }
    for (name, text) in GAUGES {
        describe_gauge!(name, text);
    }
}

const COUNTERS: [(&str, &str); 15] = [
    ("pool_shares_total", "Shares by verdict: accepted, epoch_ended, or why they were refused"),
    ("pool_garbage_total", "Lines that were not requests"),
    ("pool_turned_away_total", "Refused connections"),
    ("pool_sessions_total", "Sessions that ever were in this state, by dialect"),
    ("pool_solutions_total", "Solutions by result, since the database was created"),
    ("pool_bans_total", "Bans, by who made them and by what they apply to"),
    ("pool_restarts_total", "How often a part was restarted"),
    ("pool_verified_total", "Counters evaluated"),
    ("pool_verification_panics_total", "Evaluations that panicked"),
    ("pool_evaluator_checks_total", "Answers of the native evaluator that snarkVM computed again"),
    ("pool_evaluator_mismatches_total", "Those that were wrong"),
    ("pool_evaluator_fallback_epochs_total", "Epochs left to snarkVM as a whole"),
    ("pool_evaluator_distrusted_epochs_total", "Epochs left to snarkVM after a wrong answer"),
    (
        "pool_webhook_messages_total",
        "Messages to webhooks: delivered, failed after all attempts, dropped unsent",
    ),
    ("pool_blocks_total", "Blocks of ours whose dumps are in the sums"),
];

const GAUGES: [(&str, &str); 40] = [
    ("pool_info", "Always 1; the labels say what runs"),
    ("pool_node_info", "Always 1; the label is the release of the node"),
    ("pool_uptime_seconds", "Since the pool's start"),
    ("pool_hashrate", "Attempts a second from accepted shares, by span"),
    ("pool_miners", "Accounts with a connection"),
    ("pool_workers", "Workers with a connection"),
    ("pool_connections", "Open connections"),
    ("pool_sessions", "Sessions in this state, by dialect"),
    ("pool_verification_queue", "Shares waiting for their evaluation"),
    ("pool_verification_queue_capacity", "How many shares may wait"),
    ("pool_brake_doublings", "How often all share targets are doubled because verification was behind"),
    ("pool_round_shares", "Shares since our last block"),
    ("pool_round_work", "Attempts since our last block"),
    ("pool_round_effort", "Work of the open round over what a solution takes on average"),
    ("pool_luck_effort", "Work of the last blocks over what their solutions take on average"),
    ("pool_last_block_timestamp_seconds", "When our last block was made"),
    ("pool_height", "Height of the node's ledger"),
    ("pool_synced", "Whether the node follows the network"),
    ("pool_following", "1 for the node's state: following, catching_up, network_halted, stuck or isolated"),
    ("pool_access", "0 open, 1 no new jobs, 2 shares are refused, 3 connections are closed"),
    ("pool_blocks_behind", "Blocks behind the network, by the peers whose claims count"),
    ("pool_consensus_version", "The consensus version in force"),
    ("pool_known_consensus_version", "The newest consensus version that this release knows a height for"),
    (
        "pool_newer_consensus_version",
        "A consensus version that the network runs and this release does not know; 0: none",
    ),
    (
        "pool_upcoming_consensus_version",
        "One that peers are ready for and this release does not know; 0: none",
    ),
    ("pool_next_activation_height", "Height of the next consensus version that this release knows; 0: none"),
    ("pool_next_activation_timestamp_seconds", "When that height is expected; 0: none"),
    ("pool_peers", "The node's peers"),
    ("pool_synced_validators", "The validators at our height among them"),
    ("pool_proof_target", "The target that a solution has to reach"),
    ("pool_coinbase_target", "The chain's coinbase target"),
    ("pool_solutions_open", "Solutions that are not settled, by state"),
    ("pool_bans", "Bans in force"),
    ("pool_health", "0 green, 1 amber, 2 red, by part"),
    ("pool_stake_microcredits", "Bonded to the pool's addresses"),
    ("pool_stake_requirement_microcredits", "Stake that the chain requires for each solution of an epoch"),
    ("pool_solutions_left", "Solutions that may still land in this epoch; missing without a limit"),
    ("pool_disk_free_bytes", "Free on the disk that holds the pool's data"),
    ("pool_disk_size_bytes", "The size of that disk"),
    ("pool_evaluator_fallback", "Whether the current epoch is left to snarkVM"),
];

/// Publishes a snapshot.
pub(super) fn publish(snapshot: &Snapshot, health: &HealthView) {
    let pool = &snapshot.pool;
    publish_shares(pool);
    publish_sessions(pool);
    publish_work(pool);
    publish_chain(pool);
    publish_solutions(pool);
    publish_evaluator(pool);
    publish_budgets(&snapshot.budgets);
    for part in &health.parts {
        gauge!("pool_health", "part" => part.part.clone()).set(level(part.level));
    }
    for (part, count) in &pool.restarts {
        counter!("pool_restarts_total", "part" => part.clone()).absolute(*count);
    }
    publish_webhooks(pool);
    gauge!("pool_info", "version" => pool.version.clone(), "network" => pool.network.clone()).set(1.0);
    if !pool.chain.release.is_empty() {
        gauge!("pool_node_info", "release" => pool.chain.release.clone()).set(1.0);
    }
    counter!("pool_blocks_total").absolute(pool.blocks);
    gauge!("pool_disk_free_bytes").set(pool.disk.free_bytes as f64);
    gauge!("pool_disk_size_bytes").set(pool.disk.size_bytes as f64);
    gauge!("pool_uptime_seconds").set(pool.uptime_seconds as f64);
}

fn publish_shares(pool: &PoolView) {
    let shares = &pool.shares;
    let refused = shares.refused.iter().map(|(reason, count)| (reason.clone(), *count));
    let others = [("accepted".to_owned(), shares.accepted), ("epoch_ended".to_owned(), shares.epoch_ended)];
    for (verdict, count) in refused.chain(others) {
        counter!("pool_shares_total", "verdict" => verdict).absolute(count);
    }
    counter!("pool_garbage_total").absolute(shares.garbage);
    counter!("pool_turned_away_total").absolute(shares.turned_away);
    let bans = &pool.bans;
    for (by, of, count) in [
        ("pool", "address", bans.addresses),
        ("pool", "worker", bans.workers),
        ("operator", "network", bans.by_operator),
    ] {
        counter!("pool_bans_total", "by" => by, "of" => of).absolute(count);
    }
    gauge!("pool_bans").set(bans.now as f64);
}

fn publish_sessions(pool: &PoolView) {
    for sessions in &pool.sessions {
        let labels = [("dialect", sessions.dialect.clone()), ("state", sessions.state.clone())];
        gauge!("pool_sessions", &labels).set(sessions.now as f64);
        counter!("pool_sessions_total", &labels).absolute(sessions.total);
    }
    gauge!("pool_miners").set(pool.miners as f64);
    gauge!("pool_workers").set(pool.workers as f64);
    gauge!("pool_connections").set(pool.connections as f64);
}

fn publish_work(pool: &PoolView) {
    let rates = &pool.rates;
    for (span, rate) in
        [("1m", rates.minute), ("10m", rates.ten_minutes), ("1h", rates.hour), ("1d", rates.day)]
    {
        gauge!("pool_hashrate", "span" => span).set(rate);
    }
    let verification = &pool.verification;
    counter!("pool_verified_total").absolute(verification.verified);
    counter!("pool_verification_panics_total").absolute(verification.panicked);
    gauge!("pool_verification_queue").set(verification.queued as f64);
    gauge!("pool_verification_queue_capacity").set(verification.capacity as f64);
    gauge!("pool_brake_doublings").set(verification.brake_doublings);
    gauge!("pool_round_shares").set(pool.round.shares as f64);
    gauge!("pool_round_work").set(pool.round.work.0 as f64);
    if let Some(effort) = pool.round.effort {
        gauge!("pool_round_effort").set(effort);
    }
    if let Some(effort) = pool.luck.effort {
        gauge!("pool_luck_effort").set(effort);
    }
    if let Some(time) = pool.round.since {
        gauge!("pool_last_block_timestamp_seconds").set(time as f64);
    }
}

fn publish_chain(pool: &PoolView) {
    let chain = &pool.chain;
    gauge!("pool_synced").set(f64::from(u8::from(chain.synced)));
    for state in Following::ALL {
        let is = f64::from(u8::from(chain.following == state.name()));
        gauge!("pool_following", "state" => state.name()).set(is);
    }
    gauge!("pool_access").set(access(&chain.access));
    gauge!("pool_consensus_version").set(chain.consensus_version);
    gauge!("pool_known_consensus_version").set(chain.known_version);
    gauge!("pool_newer_consensus_version").set(chain.newer_version.map_or(0, |newer| newer.version));
    gauge!("pool_upcoming_consensus_version").set(chain.announced_version.unwrap_or(0));
    // Set even without a next version: otherwise the last one's value would look like one that is due.
    let next = chain.next_activation.as_ref();
    gauge!("pool_next_activation_height").set(next.map_or(0, |next| next.height));
    gauge!("pool_next_activation_timestamp_seconds").set(next.map_or(0.0, |next| next.expected as f64));
    gauge!("pool_peers").set(chain.peers as f64);
    gauge!("pool_synced_validators").set(chain.synced_validators as f64);
    if let Some(behind) = chain.behind {
        gauge!("pool_blocks_behind").set(behind);
    }
    if let Some(height) = chain.height {
        gauge!("pool_height").set(height);
    }
    if let Some(target) = chain.proof_target {
        gauge!("pool_proof_target").set(target.0 as f64);
    }
    if let Some(target) = chain.coinbase_target {
        gauge!("pool_coinbase_target").set(target.0 as f64);
    }
}

/// The place of an access in the order from everything to nothing.
fn access(name: &str) -> f64 {
    Access::ALL.into_iter().position(|access| access.name() == name).map_or(f64::NAN, |place| place as f64)
}

fn publish_solutions(pool: &PoolView) {
    let solutions = &pool.solutions;
    for (state, count) in [
        ("found", solutions.found),
        ("landed", solutions.landed),
        ("aborted", solutions.aborted),
        ("expired", solutions.expired),
    ] {
        counter!("pool_solutions_total", "state" => state).absolute(count);
    }
    for (state, count) in [("found", solutions.waiting), ("released", solutions.released)] {
        gauge!("pool_solutions_open", "state" => state).set(count as f64);
    }
}

fn publish_evaluator(pool: &PoolView) {
    let evaluator = &pool.evaluator;
    counter!("pool_evaluator_checks_total").absolute(evaluator.checked);
    counter!("pool_evaluator_mismatches_total").absolute(evaluator.wrong);
    counter!("pool_evaluator_fallback_epochs_total").absolute(evaluator.fallback_epochs);
    counter!("pool_evaluator_distrusted_epochs_total").absolute(evaluator.distrusted_epochs);
    gauge!("pool_evaluator_fallback").set(f64::from(u8::from(evaluator.fallback_now)));
}

fn publish_webhooks(pool: &PoolView) {
    let webhooks = &pool.webhooks;
    for (outcome, count) in
        [("delivered", webhooks.delivered), ("failed", webhooks.failed), ("dropped", webhooks.dropped)]
    {
        counter!("pool_webhook_messages_total", "outcome" => outcome).absolute(count);
    }
}

/// Over all addresses of the pool: addresses are not labels.
fn publish_budgets(budgets: &[BudgetView]) {
    if budgets.is_empty() {
        return;
    }
    let stake: u128 = budgets.iter().map(|budget| budget.stake.0).sum();
    gauge!("pool_stake_microcredits").set(stake as f64);
    if let Some(requirement) = budgets.iter().find_map(|budget| budget.requirement) {
        gauge!("pool_stake_requirement_microcredits").set(requirement.0 as f64);
    }
    if let Some(left) = budgets.iter().map(|budget| budget.left).sum::<Option<u64>>() {
        gauge!("pool_solutions_left").set(left as f64);
    }
}

fn level(level: Level) -> f64 {
    match level {
        Level::Green => 0.0,
        Level::Amber => 1.0,
        Level::Red => 2.0,
    }
}

#[cfg(test)]
mod tests;
