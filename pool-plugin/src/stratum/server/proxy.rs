//! The PROXY protocol, versions 1 and 2: how a proxy in front of the pool names its client. Only proxies that
//! the operator listed are trusted, and from them the header is required.

use std::{
    io::{self, ErrorKind},
    net::{IpAddr, SocketAddr},
};

use ipnet::IpNet;
use ppp::{HeaderResult, v1, v2};
use tokio::io::{AsyncRead, AsyncReadExt};

/// The longest header of version 1, and of version 2 with generous room for extensions.
const LONGEST: (usize, usize) = (107, 2048);

/// Whether a header from this address is trusted.
pub fn is_trusted(proxies: &[IpNet], ip: IpAddr) -> bool {
    let ip = ip.to_canonical();
    proxies.iter().any(|network| network.contains(&ip))
}

/// Reads the header, and not a byte more. Returns the client's address; `None` if the proxy names none, as
/// for its own health checks.
pub async fn read_header(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<SocketAddr>> {
    let mut header = vec![0; 16];
    stream.read_exact(&mut header[..1]).await?;
    if header[0] == b'P' {
        header.truncate(1);
        while header.last() != Some(&b'\n') {
            if header.len() >= LONGEST.0 {
                return Err(bad("longer than any of version 1"));
            }
            header.push(stream.read_u8().await?);
        }
    } else {
        stream.read_exact(&mut header[1..]).await?;
        let length = usize::from(u16::from_be_bytes([header[14], header[15]]));
        if !header.starts_with(v2::PROTOCOL_PREFIX) || length > LONGEST.1 {
            return Err(bad("neither of version 1 nor 2"));
        }
        header.resize(16 + length, 0);
        stream.read_exact(&mut header[16..]).await?;
    }
    client(&header)
}

fn client(header: &[u8]) -> io::Result<Option<SocketAddr>> {
    match HeaderResult::parse(header) {
        HeaderResult::V1(Ok(parsed)) => Ok(match parsed.addresses {
            v1::Addresses::Tcp4(ip) => Some((ip.source_address, ip.source_port).into()),
            v1::Addresses::Tcp6(ip) => Some((ip.source_address, ip.source_port).into()),
            v1::Addresses::Unknown => None,
        }),
        HeaderResult::V2(Ok(parsed)) if parsed.command == v2::Command::Proxy => Ok(match parsed.addresses {
            v2::Addresses::IPv4(ip) => Some((ip.source_address, ip.source_port).into()),
            v2::Addresses::IPv6(ip) => Some((ip.source_address, ip.source_port).into()),
            _ => None,
        }),
        HeaderResult::V2(Ok(_)) => Ok(None),
        HeaderResult::V1(Err(error)) => Err(bad(&error.to_string())),
        HeaderResult::V2(Err(error)) => Err(bad(&error.to_string())),
    }
}

fn bad(why: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("the PROXY header is {}", why.to_lowercase()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    async fn read(bytes: &[u8]) -> (io::Result<Option<SocketAddr>>, usize) {
        let mut rest = bytes;
        let client = read_header(&mut rest).await;
        (client, rest.len())
    }

    fn version_2(command: u8, family: u8, addresses: &[u8]) -> Vec<u8> {
        let mut header = v2::PROTOCOL_PREFIX.to_vec();
        header.extend([0x20 | command, family]);
        header.extend(u16::try_from(addresses.len()).unwrap().to_be_bytes());
        header.extend(addresses);
        header
    }

    #[tokio::test]
    async fn version_1_names_the_client_and_leaves_the_rest_unread() {
        let (client, left) = read(b"PROXY TCP4 203.0.113.9 192.0.2.1 50000 3333\r\n{\"id\":1}").await;
        assert_eq!(client.unwrap(), Some("203.0.113.9:50000".parse().unwrap()));
        assert_eq!(left, 8);
        let (client, _) = read(b"PROXY TCP6 2001:db8::9 2001:db8::1 50000 3333\r\n").await;
        assert_eq!(client.unwrap(), Some("[2001:db8::9]:50000".parse().unwrap()));
        assert_eq!(read(b"PROXY UNKNOWN\r\n").await.0.unwrap(), None);
    }

    #[tokio::test]
    async fn version_2_names_the_client_too() {
        let ipv4 = [203, 0, 113, 9, 192, 0, 2, 1, 0xc3, 0x50, 0x0d, 0x05];
        let header = version_2(1, 0x11, &ipv4);
        assert_eq!(read(&header).await.0.unwrap(), Some("203.0.113.9:50000".parse().unwrap()));
        let mut with_extension = ipv4.to_vec();
        with_extension.extend([4, 0, 1, 42]);
        let mut header = version_2(1, 0x11, &with_extension);
        header.extend(b"rest");
        let (client, left) = read(&header).await;
        assert_eq!(client.unwrap(), Some("203.0.113.9:50000".parse().unwrap()));
        assert_eq!(left, 4);
        assert_eq!(read(&version_2(0, 0, &[])).await.0.unwrap(), None, "a health check");
    }

    #[tokio::test]
    async fn what_is_no_header_is_refused() {
        let endless = [b"PROXY ".as_slice(), &[b'x'; 300]].concat();
        let huge = [v2::PROTOCOL_PREFIX, &[0x21, 0x11, 0xff, 0xff]].concat();
        let cases: [&[u8]; 6] = [
            b"{\"id\":1,\"method\":\"mining.subscribe\"}\n",
            b"PROXY TCP4 999.0.113.9 192.0.2.1 50000 3333\r\n",
            b"PROXY TCP4\r\n",
            b"P",
            &endless,
            &huge,
        ];
        for bytes in cases {
            assert!(read(bytes).await.0.is_err(), "{:?}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn only_listed_proxies_are_trusted() {
        let proxies = ["10.0.0.0/8".parse().unwrap()];
        assert!(is_trusted(&proxies, "10.9.8.7".parse().unwrap()));
        assert!(is_trusted(&proxies, "::ffff:10.9.8.7".parse().unwrap()));
        assert!(!is_trusted(&proxies, "11.0.0.1".parse().unwrap()));
        assert!(!is_trusted(&[], "127.0.0.1".parse().unwrap()));
    }

    proptest! {
        #[test]
        fn no_bytes_harm_the_reader(bytes: Vec<u8>, signed: bool) {
            let start = if signed { v2::PROTOCOL_PREFIX } else { b"PROXY " };
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let _ = runtime.block_on(read(&[start, &bytes].concat()));
            let _ = runtime.block_on(read(&bytes));
        }
    }
}
