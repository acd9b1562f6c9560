//! The pool on a real devnet, from outside: real processes, real sockets, real blocks.
//!
//! # Layout
//! - [`world`]: the devnet that the scenarios share.
//! - [`startup`]: what the binary refuses, and how it says so.
//! - [`mining`]: from a miner's counter to a block, a dump and a balance.
//! - [`crash`]: `kill -9` under load.
//! - [`hostile`]: strangers on the port.
//! - [`operator`]: what an operator does with a pool.
//! - [`following`]: a network that upgrades without the pool's node.
//! - [`validator`]: the pool inside a validator.
//! - [`payday`]: from three miners' work to their money, in five books.
//! - [`payments`]: the money on the chain, once.
//! - [`node_rest`]: the node's REST server still answers as recorded.
//! - [`recorded`]: which answers count as different.
//! - [`fates`]: transactions that are accepted, rejected and aborted.
//! - [`long`]: a real epoch flip, and the release binary on mainnet's genesis block (`scripts/test --long`).

mod crash;
mod fates;
mod following;
mod hostile;
mod long;
mod mining;
mod node_rest;
mod operator;
mod payday;
mod payments;
mod recorded;
mod startup;
mod validator;
mod world;

use std::sync::{Arc, Mutex};

use anyhow::Result;
use libtest_mimic::{Arguments, Failed, Trial};
use world::World;

type Scenario = (&'static str, fn(&mut World) -> Result<()>);

/// In the order they run in: the devnet grows older from one to the next.
const SCENARIOS: [Scenario; 26] = [
    ("startup::every_mistake_of_a_config_is_listed", startup::every_mistake_of_a_config_is_listed),
    ("startup::a_port_in_use_is_named", startup::a_port_in_use_is_named),
    ("startup::an_unwritable_folder_is_named", startup::an_unwritable_folder_is_named),
    ("startup::a_corrupt_database_is_refused", startup::a_corrupt_database_is_refused),
    ("startup::a_prover_cannot_carry_a_pool", startup::a_prover_cannot_carry_a_pool),
    (
        "startup::a_client_without_account_needs_an_address",
        startup::a_client_without_account_needs_an_address,
    ),
    ("startup::update_is_refused", startup::update_is_refused),
    ("startup::help_teaches_the_pool", startup::help_teaches_the_pool),
    (
        "operator::the_example_configuration_passes_the_check",
        operator::the_example_configuration_passes_the_check,
    ),
    (
        "recorded::another_value_is_the_same_answer_and_another_shape_is_named",
        recorded::another_value_is_the_same_answer_and_another_shape_is_named,
    ),
    (
        "mining::a_solution_lands_and_the_dump_matches_the_chain",
        mining::a_solution_lands_and_the_dump_matches_the_chain,
    ),
    ("mining::every_reward_reaches_the_balance", mining::every_reward_reaches_the_balance),
    ("mining::strangers_can_verify_the_dumps", mining::strangers_can_verify_the_dumps),
    ("hostile::garbage_harms_nobody", hostile::garbage_harms_nobody),
    (
        "crash::kill_nine_loses_nothing_and_counts_nothing_twice",
        crash::kill_nine_loses_nothing_and_counts_nothing_twice,
    ),
    ("crash::a_landing_during_the_outage_is_dumped", crash::a_landing_during_the_outage_is_dumped),
    (
        "following::a_stranger_that_claims_more_blocks_takes_no_work_away",
        following::a_stranger_that_claims_more_blocks_takes_no_work_away,
    ),
    (
        "validator::a_pool_inside_a_validator_lands_solutions",
        validator::a_pool_inside_a_validator_lands_solutions,
    ),
    ("operator::a_hangup_reloads_and_the_node_goes_on", operator::a_hangup_reloads_and_the_node_goes_on),
    ("operator::the_log_tells_more_when_asked_to", operator::the_log_tells_more_when_asked_to),
    ("mining::sigterm_ends_the_node_in_peace", mining::sigterm_ends_the_node_in_peace),
    (
        "following::a_version_that_the_release_lacks_is_named_and_earns_nobody_dead_work",
        following::a_version_that_the_release_lacks_is_named_and_earns_nobody_dead_work,
    ),
    ("node_rest::every_route_answers_as_recorded", node_rest::every_route_answers_as_recorded),
    ("payday::five_books_agree_to_the_microcredit", payday::five_books_agree_to_the_microcredit),
    ("long::an_epoch_flip_changes_the_job", long::an_epoch_flip_changes_the_job),
    ("long::the_release_binary_starts_on_mainnet", long::the_release_binary_starts_on_mainnet),
];

fn main() -> Result<()> {
    let mut arguments = Arguments::from_args();
    // One devnet, one scenario at a time, and on this thread: the children end with the thread that started
    // them.
    arguments.test_threads = Some(1);
    let long = std::env::var_os("POOL_TESTS_LONG").is_some();
    let world = Arc::new(Mutex::new(World::new()?));
    let trials = SCENARIOS.map(|(name, scenario)| {
        let world = world.clone();
        let trial = Trial::test(name, move || {
            let mut world = world.lock().map_err(|_| Failed::from("an earlier scenario panicked"))?;
            scenario(&mut world).map_err(|error| Failed::from(format!("{error:#}")))
        });
        trial.with_ignored_flag(name.starts_with("long::") && !long)
    });
    let conclusion = libtest_mimic::run(&arguments, trials.into());
    // Stops the devnet; `exit` would not.
    drop(world);
    conclusion.exit()
}
