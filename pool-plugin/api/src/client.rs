//! Who sends a request: the address of the connection, or the one a listed proxy names.

use std::net::IpAddr;

use axum::{
    extract::{ConnectInfo, Request},
    http::HeaderMap,
};
use ipnet::IpNet;
use pool_core::source::Source;

use crate::connection::Peer;

const FORWARDED: &str = "x-forwarded-for";

/// Where a request comes from. `proxies`: those whose header is trusted.
pub fn source(request: &Request, proxies: &[IpNet]) -> Source {
    let peer = request.extensions().get::<ConnectInfo<Peer>>();
    // Without one it is a test.
    let peer = peer.map_or(IpAddr::from([127, 0, 0, 1]), |peer| peer.0.0.ip());
    Source::of(client(peer, request.headers(), proxies))
}

/// The last address in the header that is not a listed proxy's: anybody may have written the earlier ones.
fn client(peer: IpAddr, headers: &HeaderMap, proxies: &[IpNet]) -> IpAddr {
    let is_proxy = |ip: &IpAddr| proxies.iter().any(|network| network.contains(&ip.to_canonical()));
    let mut client = peer;
    let named = headers.get_all(FORWARDED).iter().rev().filter_map(|value| value.to_str().ok());
    for ip in named.flat_map(|list| list.rsplit(',')).map(|text| text.trim().parse::<IpAddr>()) {
        match ip {
            Ok(ip) if is_proxy(&client) => client = ip,
            _ => break,
        }
    }
    client
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, forwarded: &[&str], proxies: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        forwarded.iter().for_each(|value| {
            headers.append(FORWARDED, value.parse().unwrap());
        });
        let proxies: Vec<IpNet> = proxies.iter().map(|text| text.parse().unwrap()).collect();
        client(peer.parse().unwrap(), &headers, &proxies).to_string()
    }

    #[test]
    fn only_a_listed_proxy_is_believed_and_only_its_own_word() {
        let proxies = ["10.0.0.0/8"];
        assert_eq!(seen("192.0.2.1", &["198.51.100.1"], &proxies), "192.0.2.1");
        assert_eq!(seen("10.0.0.1", &["198.51.100.1"], &proxies), "198.51.100.1");
        assert_eq!(seen("10.0.0.1", &["1.1.1.1, 198.51.100.1"], &proxies), "198.51.100.1", "forged");
        assert_eq!(seen("10.0.0.1", &["198.51.100.1, 10.0.0.2"], &proxies), "198.51.100.1", "two proxies");
        assert_eq!(seen("10.0.0.1", &["1.1.1.1", "198.51.100.1"], &proxies), "198.51.100.1", "two lines");
        assert_eq!(seen("10.0.0.1", &["rubbish"], &proxies), "10.0.0.1");
        assert_eq!(seen("10.0.0.1", &[], &proxies), "10.0.0.1");
    }
}
