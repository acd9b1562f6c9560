//! What no key can check alone: keys that need each other, and what only the node knows.

use pool_core::types::Address;

use super::{
    Config,
    keys::{self, Wrong},
    settings::Settings,
};

/// `check_address`: whether an address is an account on the running network; the reason if not.
pub(super) fn check(
    settings: &mut Settings<'_>,
    config: &Config,
    check_address: &dyn Fn(&Address) -> Result<(), String>,
) {
    stalls(settings, config);
    capture(settings, config);
    tls(settings);
    addresses(settings, config, check_address);
}

fn stalls(settings: &mut Settings<'_>, config: &Config) {
    let (refuse, close) = (config.patience.refuse.as_secs(), config.patience.close.as_secs());
    if close < refuse {
        let wrong = format!(
            "connections would be closed after {close} s, before shares are refused after {refuse} s"
        );
        settings.problem("stall_close", "with stall_refuse".into(), wrong.into(), "stall_refuse or more");
    }
}

fn capture(settings: &mut Settings<'_>, config: &Config) {
    if config
        .capture
        .as_ref()
        .is_some_and(|capture| capture.only.is_some() && capture.folder.as_os_str().is_empty())
    {
        let wrong = Wrong::from("there is no folder to write to".to_owned());
        settings.problem("capture_address", "set alone".into(), wrong, "together with --capture DIR");
    }
}

fn tls(settings: &mut Settings<'_>) {
    for (missing, there) in [("tls_key", "tls_certificate"), ("tls_certificate", "tls_key")] {
        if settings.is_set(there) && !settings.is_set(missing) {
            let wrong = format!("{there} is set, and it needs {missing}");
            settings.problem(missing, "not set".into(), wrong.into(), "both, or neither");
        }
    }
}

fn addresses(
    settings: &mut Settings<'_>,
    config: &Config,
    check_address: &dyn Fn(&Address) -> Result<(), String>,
) {
    const KEY: &str = "address";
    if settings.is_set(KEY)
        && let Some(key) = keys::all().find(|key| key.name == KEY)
    {
        for wrong in config.addresses.iter().filter_map(|address| check_address(address).err()) {
            settings.problem(KEY, settings.origin(key), wrong.into(), &key.allowed.in_words());
        }
    }
    if config.addresses.is_empty() && settings.problems.iter().all(|problem| problem.key != KEY) {
        let wrong =
            "the node has no account of its own, and rewards to a temporary one would be lost".to_owned();
        let allowed = "--pool-address, or a node with --private-key or --private-key-file";
        settings.problem(KEY, "not set".into(), wrong.into(), allowed);
    }
}
