//! The messages, and their bytes.

use serde::Serialize;
use serde_json::Value;

use pool_core::{
    all_of,
    types::{Network, unix_ms},
};

/// The events a webhook can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EventKind {
    /// The health of a part has changed.
    Health,
    /// A solution was found.
    Found,
    /// A block has solutions of ours.
    Landed,
    /// A solution is in no block and will be in none.
    Lost,
}

impl EventKind {
    pub const ALL: [Self; 4] = all_of!(EventKind: Health, Found, Landed, Lost);

    /// The name in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Health => "health",
            Self::Found => "found",
            Self::Landed => "landed",
            Self::Lost => "lost",
        }
    }
}

/// An event.
#[derive(Clone, Debug, PartialEq)]
pub struct Happening {
    pub kind: EventKind,
    pub data: Value,
}

/// A message, the same for every webhook that gets it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Event {
    /// The same at every attempt, so that a receiver recognises a repetition.
    pub id: String,
    /// When it was noticed, in milliseconds since 1970.
    pub time_ms: u64,
    #[serde(rename = "event")]
    pub kind: EventKind,
    pub network: &'static str,
    /// The pool's.
    pub addresses: Vec<String>,
    pub data: Value,
}

/// The sender.
#[derive(Clone, Debug)]
pub struct Sender {
    pub network: Network,
    /// The pool's.
    pub addresses: Vec<String>,
}

impl Sender {
    pub fn event(&self, happening: Happening) -> Event {
        let Happening { kind, data } = happening;
        let id = format!("evt_{:032x}", rand::random::<u128>());
        let (network, addresses) = (self.network.name(), self.addresses.clone());
        Event { id, time_ms: unix_ms(), kind, network, addresses, data }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_has_every_event() {
        let text = include_str!("../../../../docs/operators.md");
        let rows = text.lines().skip_while(|line| !line.starts_with("| event |")).skip(2);
        let names: Vec<&str> = rows.map_while(|line| line.strip_prefix("| `")?.split('`').next()).collect();
        assert_eq!(names, EventKind::ALL.map(EventKind::name));
        for kind in EventKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
    }
}
