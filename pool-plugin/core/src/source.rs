//! Which connections count together.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
};

use ipnet::IpNet;

/// The origin of connections, as far as limits go: an IPv4 address, or the /64 of an IPv6 address, since the
/// owner of one IPv6 address can use any other in its /64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Source {
    address: IpAddr,
    /// A proxy has this address and does not name its client.
    unnamed: bool,
}

impl Source {
    /// An IPv4 address written as an IPv6 one counts as the IPv4 address it is.
    pub fn of(ip: IpAddr) -> Self {
        let address = match ip.to_canonical() {
            IpAddr::V6(address) if !address.is_loopback() => {
                let network = u128::from(address) & !u128::from(u64::MAX);
                Ipv6Addr::from(network).into()
            }
            other => other,
        };
        Self { address, unnamed: false }
    }

    /// The client that the proxy at `proxy` names. Connections without a named client count together, apart
    /// from everything else at its address: they are its own health checks, or anyone's. Only a proxy on this
    /// machine can name this machine; elsewhere a loopback address is that of another machine.
    pub fn behind(proxy: IpAddr, client: Option<IpAddr>) -> Self {
        let (proxy, client) = (Self::of(proxy), client.map(Self::of));
        match client {
            Some(client) if proxy.is_this_machine() || !client.is_this_machine() => client,
            _ => Self { unnamed: true, ..proxy },
        }
    }

    /// This machine itself: tools, bridges, an unlisted proxy that does not name its clients.
    pub fn is_this_machine(&self) -> bool {
        self.address.is_loopback() && !self.unnamed
    }

    /// Whether a proxy does not name the client.
    pub fn is_unnamed(&self) -> bool {
        self.unnamed
    }

    /// Whether it has addresses in a network.
    pub fn is_in(&self, network: &IpNet) -> bool {
        match (self.address, network) {
            // A network may be narrower than the /64 that is one source.
            (IpAddr::V6(_), IpNet::V6(narrow)) if narrow.prefix_len() > 64 => {
                Self::of(narrow.addr().into()).address == self.address
            }
            (address, network) => network.contains(&address),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.unnamed {
            f.write_str("unnamed behind ")?;
        }
        match self.address {
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
    fn this_machine_is_known_in_both_families() {
        assert!(source("127.0.0.1").is_this_machine());
        assert!(source("::1").is_this_machine());
        assert!(source("::ffff:127.0.0.1").is_this_machine());
        assert!(!source("10.0.0.1").is_this_machine());
    }

    #[test]
    fn who_is_behind_a_proxy_is_whom_it_names() {
        let behind = |proxy: &str, client: Option<&str>| {
            Source::behind(proxy.parse().unwrap(), client.map(|client| client.parse().unwrap()))
        };
        assert_eq!(behind("127.0.0.1", Some("203.0.113.9")), source("203.0.113.9"));
        assert_eq!(behind("10.0.0.1", Some("203.0.113.9")), source("203.0.113.9"));
        assert!(behind("127.0.0.1", Some("127.0.0.2")).is_this_machine());
        for (proxy, client) in
            [("127.0.0.1", None), ("10.0.0.1", None), ("10.0.0.1", Some("::ffff:127.0.0.1"))]
        {
            let unnamed = behind(proxy, client);
            assert!(unnamed.is_unnamed() && !unnamed.is_this_machine());
            assert_ne!(unnamed, source(proxy), "they count separately from the proxy's machine");
            assert!(unnamed.is_in(&proxy.parse::<IpAddr>().unwrap().into()));
        }
        assert_eq!(behind("10.0.0.1", None).to_string(), "unnamed behind 10.0.0.1");
    }
}
