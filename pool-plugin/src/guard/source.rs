//! Which connections count together.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
};

use ipnet::IpNet;

/// Where connections come from, as far as limits go: an IPv4 address, or the /64 of an IPv6 address, since
/// whoever has one IPv6 address has as many as it likes beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Source(IpAddr);

impl Source {
    /// An IPv4 address written as an IPv6 one counts as the IPv4 address it is.
    pub fn of(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            IpAddr::V6(address) if !address.is_loopback() => {
                let network = u128::from(address) & !u128::from(u64::MAX);
                Self(Ipv6Addr::from(network).into())
            }
            other => Self(other),
        }
    }

    /// This machine itself: tools, bridges, a proxy that hides its clients.
    pub fn is_loopback(&self) -> bool {
        self.0.is_loopback()
    }

    /// Whether it has addresses of a network.
    pub fn is_in(&self, network: &IpNet) -> bool {
        match (self.0, network) {
            // A network may be narrower than the /64 that is one source.
            (IpAddr::V6(_), IpNet::V6(narrow)) if narrow.prefix_len() > 64 => {
                Self::of(narrow.addr().into()) == *self
            }
            (address, network) => network.contains(&address),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V6(address) if !address.is_loopback() => write!(f, "{address}/64"),
            other => write!(f, "{other}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(ip: &str) -> Source {
        Source::of(ip.parse().unwrap())
    }

    #[test]
    fn ipv4_counts_by_address_and_ipv6_by_its_64() {
        assert_ne!(source("10.0.0.1"), source("10.0.0.2"));
        assert_eq!(source("2001:db8:1:2::1"), source("2001:db8:1:2:ffff::9"));
        assert_ne!(source("2001:db8:1:2::1"), source("2001:db8:1:3::1"));
        assert_eq!(source("::ffff:10.0.0.1"), source("10.0.0.1"));
        assert_eq!(source("2001:db8::7").to_string(), "2001:db8::/64");
    }

    #[test]
    fn loopback_is_known_in_both_families() {
        assert!(source("127.0.0.1").is_loopback());
        assert!(source("::1").is_loopback());
        assert!(source("::ffff:127.0.0.1").is_loopback());
        assert!(!source("10.0.0.1").is_loopback());
    }
}
