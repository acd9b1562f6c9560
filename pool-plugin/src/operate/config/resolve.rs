//! From flags, file and defaults to a configuration, or to the list of all mistakes in them.

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use pool_core::types::Address;

use super::{Config, KeyFlags, PoolArgs, Problem, Problems, checks, keys, settings::Settings};

/// What the configuration depends on besides flags and file.
pub struct Context<'a> {
    /// The file's name and its text, or the reason why it cannot be read.
    pub file: Option<(PathBuf, Result<String, String>)>,
    /// The node's own address, if it has an account that outlives the process.
    pub node_address: Option<Address>,
    /// `pool-<network>` in the node's data folder.
    pub default_data: PathBuf,
    pub cores: usize,
    /// Whether an address is an account on the running network; the reason if not.
    pub check_address: &'a dyn Fn(&Address) -> Result<(), String>,
}

/// Reports all mistakes at once, so that an operator fixes a configuration in one go.
pub fn resolve(args: &PoolArgs, context: Context<'_>) -> Result<Config, Problems> {
    match read(&args.keys, context) {
        (config, problems) if problems.is_empty() => Ok(config),
        (_, problems) => Err(Problems(problems)),
    }
}

/// The mistakes, and the configuration, which is to be used only if there are none.
pub(super) fn read(flags: &KeyFlags, context: Context<'_>) -> (Config, Vec<Problem>) {
    let mut config = Config::defaults(context.node_address, context.default_data, context.cores);
    let mut settings = Settings::new(flags, context.file);
    for key in keys::all() {
        settings.read(key, &mut config);
    }
    checks::check(&mut settings, &config, context.check_address);
    (config, settings.problems)
}
