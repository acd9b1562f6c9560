//! Bans and the allow-list: the operator's, by network, and the pool's own, by address and short. Pure.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    time::Duration,
};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use pool_core::source::Source;

/// The most bans of the pool's own that are remembered.
const CAPACITY: usize = 1 << 16;

/// What the lists say of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// No limit and no penalty applies.
    Allowed,
    /// For this long; `None`: until it is lifted.
    Banned(Option<Duration>),
    Unlisted,
}

/// An entry of the operator's lists, as stored and as shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessRule {
    #[serde(with = "as_text")]
    pub network: IpNet,
    pub kind: RuleKind,
    /// When it ends, in seconds since 1970; `None`: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RuleKind {
    Ban,
    Allow,
}

/// A network in the file, in people's notation.
mod as_text {
    use ipnet::IpNet;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(network: &IpNet, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(network)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<IpNet, D::Error> {
        super::parse_network(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// A ban as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ban {
    /// A network, or the address of one of the pool's own bans.
    pub network: String,
    pub until: Option<u64>,
    pub reason: String,
    pub by: &'static str,
}

#[derive(Clone, Debug, Default)]
pub struct AccessLists {
    listed: BTreeMap<IpNet, AccessRule>,
    /// Bans of the pool's own: when they end, in seconds since 1970.
    penalties: HashMap<Source, u64>,
}

/// A network in people's notation: `10.0.0.0/8`, or a single address.
pub fn parse_network(text: &str) -> Result<IpNet, String> {
    let text = text.trim();
    match text.parse::<IpNet>() {
        Ok(network) => Ok(network.trunc()),
        Err(_) => text.parse::<IpAddr>().map(IpNet::from).map_err(|_| {
            format!(
                "'{text}' is not an address or a network: write it as 10.0.0.1, 10.0.0.0/8 or 2001:db8::/32"
            )
        }),
    }
}

impl AccessLists {
    pub fn new(entries: impl IntoIterator<Item = AccessRule>) -> Self {
        let listed = entries.into_iter().map(|entry| (entry.network, entry)).collect();
        Self { listed, penalties: HashMap::new() }
    }

    /// Replaces the operator's entries. `false`: they are the same.
    pub fn replace(&mut self, entries: impl IntoIterator<Item = AccessRule>) -> bool {
        let before = std::mem::replace(&mut self.listed, Self::new(entries).listed);
        before != self.listed
    }

    /// What the lists say of `ip` at `now`, in seconds since 1970. The allow-list wins, so that a wide ban
    /// can have exceptions.
    pub fn look_up(&self, ip: IpAddr, now: u64) -> Access {
        let ip = ip.to_canonical();
        let mut banned = None;
        for entry in self.listed.values().filter(|entry| entry.network.contains(&ip) && entry.lasts(now)) {
            match entry.kind {
                RuleKind::Allow => return Access::Allowed,
                RuleKind::Ban => banned = Some(entry.until.map(|until| left(until, now))),
            }
        }
        if let Some(left) = banned {
            return Access::Banned(left);
        }
        match self.penalties.get(&Source::of(ip)) {
            Some(until) if *until > now => Access::Banned(Some(left(*until, now))),
            _ => Access::Unlisted,
        }
    }

    /// Adds an operator's entry to its list; replaces the earlier one for the same network.
    pub fn put(&mut self, entry: AccessRule) {
        self.listed.insert(entry.network, entry);
    }

    /// Removes an operator's entry from its list. `false`: there is none.
    pub fn remove(&mut self, network: &IpNet, kind: RuleKind) -> bool {
        match self.listed.get(network) {
            Some(entry) if entry.kind == kind => self.listed.remove(network).is_some(),
            _ => false,
        }
    }

    /// Bans an address for what it did.
    pub fn penalise(&mut self, source: Source, now: u64, time: Duration) {
        if self.penalties.len() >= CAPACITY {
            self.penalties.retain(|_, until| *until > now);
        }
        if self.penalties.len() < CAPACITY || self.penalties.contains_key(&source) {
            self.penalties.insert(source, now.saturating_add(time.as_secs()));
        }
    }

    /// Lifts the pool's own bans inside a network; returns how many there were.
    pub fn pardon(&mut self, network: &IpNet) -> usize {
        let before = self.penalties.len();
        self.penalties.retain(|source, _| !source.is_in(network));
        before - self.penalties.len()
    }

    /// The operator's entries that have not ended.
    pub fn entries(&self, now: u64) -> Vec<AccessRule> {
        self.listed.values().filter(|entry| entry.lasts(now)).cloned().collect()
    }

    /// How many bans have not ended.
    pub fn ban_count(&self, now: u64) -> usize {
        let is_ban = |entry: &&AccessRule| entry.kind == RuleKind::Ban && entry.lasts(now);
        self.listed.values().filter(is_ban).count()
            + self.penalties.values().filter(|until| **until > now).count()
    }

    /// All bans that have not ended.
    pub fn bans(&self, now: u64) -> Vec<Ban> {
        let listed =
            self.entries(now).into_iter().filter(|entry| entry.kind == RuleKind::Ban).map(|entry| Ban {
                network: entry.network.to_string(),
                until: entry.until,
                reason: entry.reason,
                by: "operator",
            });
        let own = self.penalties.iter().filter(|(_, until)| **until > now).map(|(source, until)| Ban {
            network: source.to_string(),
            until: Some(*until),
            reason: "nothing but bad shares or garbage".to_owned(),
            by: "pool",
        });
        listed.chain(own).collect()
    }
}

impl AccessRule {
    fn lasts(&self, now: u64) -> bool {
        self.until.is_none_or(|until| until > now)
    }
}

fn left(until: u64, now: u64) -> Duration {
    Duration::from_secs(until.saturating_sub(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: RuleKind, network: &str, until: Option<u64>) -> AccessRule {
        AccessRule { network: parse_network(network).unwrap(), kind, until, reason: String::new() }
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn networks_are_written_as_people_do() {
        assert_eq!(parse_network("10.1.2.3/8").unwrap().to_string(), "10.0.0.0/8");
        assert_eq!(parse_network(" 10.1.2.3 ").unwrap().to_string(), "10.1.2.3/32");
        assert_eq!(parse_network("::1").unwrap().to_string(), "::1/128");
        assert!(parse_network("example.org").unwrap_err().contains("10.0.0.0/8"));
    }

    #[test]
    fn a_ban_may_have_exceptions_and_an_end() {
        let lists = AccessLists::new([
            entry(RuleKind::Ban, "10.0.0.0/8", None),
            entry(RuleKind::Allow, "10.0.0.7", None),
            entry(RuleKind::Ban, "192.0.2.1", Some(100)),
        ]);
        assert_eq!(lists.look_up(ip("10.9.9.9"), 0), Access::Banned(None));
        assert_eq!(lists.look_up(ip("::ffff:10.9.9.9"), 0), Access::Banned(None));
        assert_eq!(lists.look_up(ip("10.0.0.7"), 0), Access::Allowed);
        assert_eq!(lists.look_up(ip("192.0.2.1"), 90), Access::Banned(Some(Duration::from_secs(10))));
        assert_eq!(lists.look_up(ip("192.0.2.1"), 100), Access::Unlisted);
        assert_eq!(lists.bans(100).len(), 1);
    }

    #[test]
    fn the_pools_own_bans_are_short_shown_and_lifted() {
        let mut lists = AccessLists::default();
        let (bad, minute) = (ip("2001:db8::1"), Duration::from_secs(60));
        lists.penalise(Source::of(bad), 1000, minute);
        assert_eq!(lists.look_up(ip("2001:db8::2"), 1001), Access::Banned(Some(Duration::from_secs(59))));
        assert_eq!(lists.look_up(bad, 1060), Access::Unlisted);
        assert_eq!(lists.bans(1001)[0].network, "2001:db8::/64");
        assert!(lists.entries(1001).is_empty(), "they do not go to disk");
        assert_eq!(lists.pardon(&parse_network("2001:db8::1").unwrap()), 1);
        assert_eq!(lists.look_up(bad, 1001), Access::Unlisted);
    }

    #[test]
    fn unban_leaves_the_allow_list_alone() {
        let mut lists = AccessLists::new([entry(RuleKind::Allow, "10.0.0.7", None)]);
        let network = parse_network("10.0.0.7").unwrap();
        assert!(!lists.remove(&network, RuleKind::Ban));
        assert!(lists.remove(&network, RuleKind::Allow));
        assert_eq!(lists.look_up(ip("10.0.0.7"), 0), Access::Unlisted);
    }
}
