//! Keys for who is rewarded, and how.

use std::str::FromStr;

use pool_core::{
    accounting::terms::{Scheme, parse_fees},
    login::parse_login,
};

use super::{
    Allowed::{OneOf, Words},
    DefaultValue::{Described, Fixed},
    Flag, Key,
    Reload::{Now, Restart},
    Sample::One,
    Section,
    Show::Whole,
    Wrong, addresses,
    text::list,
};
use crate::release::policy::Policy;

pub(super) static SECTION: Section = Section {
    about: "Who is rewarded",
    keys: &[
        Key {
            name: "address",
            flag: Flag::many("pool-address", "ALEO1…"),
            allowed: Words(addresses::ALLOWED),
            default: Described("the node's account"),
            sample: One("\"aleo1rhgdu77hgyqd3xjj8ucu3jj9r2krwz6mnzyd80gncr5fxcwlh5rsvzp9px\""),
            doc: "The address that receives the rewards of solutions; it needs stake bonded to it. Several, each with \
                  its own stake, as a list (`address = [\"aleo1…\", \"aleo1…\"]`): miners are spread over them by \
                  what they may still land",
            reload: Restart,
            parse: |given, config| addresses::read(given, &mut config.addresses),
            show: Whole(|config| list(&config.addresses)),
        },
        Key {
            name: "scheme",
            flag: Flag::new("pool-scheme", "SCHEME"),
            allowed: Words("prop, pplns:N with N from 1 to 1000000, or solo"),
            default: Fixed,
            sample: One("\"solo\""),
            doc: "How rewards are shared out: `prop` (by the work since our last block), `pplns:N` (by the last work, \
                  N times the network's proof target) or `solo` (to the finder). A change applies from the next \
                  share on",
            reload: Now(|running, new| running.rules.scheme = new.rules.scheme),
            parse: |given, config| given.one(&mut config.rules.scheme, scheme),
            show: Whole(|config| config.rules.scheme.to_string()),
        },
        Key {
            name: "fees",
            flag: Flag::new("pool-fees", "ACCOUNT:POINTS,…"),
            allowed: Words("ACCOUNT:POINTS,… with at most 16 accounts and 10000 basis points together"),
            default: Described("none"),
            sample: One(
                "\"aleo1rhgdu77hgyqd3xjj8ucu3jj9r2krwz6mnzyd80gncr5fxcwlh5rsvzp9px:100, donations:25\"",
            ),
            doc: "Accounts that get a part of every reward, in basis points (hundredths of a percent). A change \
                  applies from the next share on",
            reload: Now(|running, new| running.rules.fees.clone_from(&new.rules.fees)),
            parse: |given, config| given.one(&mut config.rules.fees, |text| parse_fees(text, account_of)),
            show: Whole(|config| {
                list(config.rules.fees.iter().map(|fee| format!("{}:{}", fee.account, fee.basis_points)))
            }),
        },
        Key {
            name: "release",
            flag: Flag::new("pool-release", "auto|immediate|best-of-epoch"),
            allowed: OneOf(policies),
            default: Fixed,
            sample: One("\"immediate\""),
            doc: "Which solutions go to the network when: `immediate`, `best-of-epoch`, or `auto`, which waits for \
                  better ones while more are found than the stake lets land",
            reload: Restart,
            parse: |given, config| {
                given.choice(&mut config.release, policies, |text| {
                    let named = Policy::NAMES.into_iter().find(|(name, _)| *name == text);
                    named.map(|(_, policy)| policy).ok_or_else(|| format!("'{text}' is not a policy"))
                })
            },
            show: Whole(|config| config.release.name().to_owned()),
        },
    ],
};

fn policies() -> Vec<&'static str> {
    Policy::NAMES.map(|(name, _)| name).into()
}

fn scheme(text: &str) -> Result<Scheme, Wrong> {
    let names = [Scheme::Prop, Scheme::Pplns { window: 1 }, Scheme::Solo].map(|scheme| scheme.name());
    let word = text.split(':').next().unwrap_or_default();
    Scheme::from_str(text).map_err(|what| Wrong::suggest(what, word, &names))
}

/// The account that a login of this name would credit.
fn account_of(name: &str) -> Result<String, String> {
    let login = parse_login(name).map_err(|error| error.to_string())?;
    if !login.name.is_empty() {
        return Err(format!("'{name}' names a worker: fees go to accounts"));
    }
    Ok(login.account)
}
