//! Who is at the other end: the address that limits and records count, and whether it came by https.
//!
//! Only a proxy that the configuration names may speak for somebody else (`X-Forwarded-For`, `Forwarded`,
//! `X-Forwarded-Proto`); from anybody else these headers are what an attacker chose, and are ignored.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, header};
use ipnet::IpNet;

use crate::web::seats::Seat;
use crate::web::state::{Web, WebOptions};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The connection of a request; its seat is free again when the last request of it is over.
#[derive(Debug, Clone)]
pub struct Connection {
    pub peer: SocketAddr,
    /// The server's own address at this end, whatever it listens on.
    pub local: SocketAddr,
    pub is_tls: bool,
    #[expect(dead_code, reason = "held, not read: dropping it frees the seat")]
    pub(super) seat: Arc<Seat>,
}

/// Who asks, as far as the network tells. A handler takes it as an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client {
    /// The address that limits and records count.
    pub address: IpAddr,
    /// Whether the browser speaks https, to us or to the proxy before us.
    pub is_https: bool,
}

impl Client {
    /// The client of a request that came over `connection`.
    pub fn of(connection: &Connection, headers: &HeaderMap, options: &WebOptions) -> Self {
        let peer = connection.peer.ip().to_canonical();
        let is_https = connection.is_tls || options.is_https();
        if !is_trusted(peer, &options.trusted_proxies) {
            return Self { address: peer, is_https };
        }
        let forwarded = last_forwarded(headers);
        let told = [x_forwarded_for(headers), forwarded.addresses].map(|told| client_of(peer, told, options));
        let address = match told {
            [None, None] => peer,
            [Some(address), None] | [None, Some(address)] => address,
            [Some(one), Some(other)] if one == other => one,
            // A proxy sets one of the two and passes the other on as the client wrote it. Which one, we cannot know.
            [Some(_), Some(_)] => peer,
        };
        let proto = headers.get_all(FORWARDED_PROTO).iter().next_back().and_then(|proto| proto.to_str().ok());
        let proto = proto.and_then(|proto| proto.rsplit(',').next()).map(str::trim);
        let by_https = proto.is_some_and(|proto| proto.eq_ignore_ascii_case("https")) || forwarded.by_https;
        Self { address, is_https: is_https || by_https }
    }

    /// Whoever asks from within the process.
    fn within() -> Self {
        Self { address: IpAddr::V4(Ipv4Addr::LOCALHOST), is_https: false }
    }
}

impl FromRequestParts<Web> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _web: &Web) -> Result<Self, Infallible> {
        // Every request from outside passes `dress`, which puts it there.
        Ok(parts.extensions.get::<Self>().copied().unwrap_or_else(Self::within))
    }
}

pub fn is_trusted(address: IpAddr, proxies: &[IpNet]) -> bool {
    proxies.iter().any(|network| network.contains(&address))
}

/// The right-most address that is no trusted proxy: what stands left of it, that one may have made up. `None` if
/// nothing was told.
fn client_of(peer: IpAddr, told: Vec<Option<IpAddr>>, options: &WebOptions) -> Option<IpAddr> {
    if told.is_empty() {
        return None;
    }
    let mut nearest = peer;
    for address in told.into_iter().rev() {
        // What is no address was not written by a proxy of ours; the last that was known counts.
        let Some(address) = address else { break };
        nearest = address;
        if !is_trusted(address, &options.trusted_proxies) {
            break;
        }
    }
    Some(nearest)
}

/// All of them in their order; `None` for what is no address.
fn x_forwarded_for(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    elements(headers, &FORWARDED_FOR).iter().map(|element| address(element)).collect()
}

struct LastForwarded {
    addresses: Vec<Option<IpAddr>>,
    by_https: bool,
}

/// RFC 7239: `for=192.0.2.60;proto=https, for="[2001:db8::1]:4711"`.
fn last_forwarded(headers: &HeaderMap) -> LastForwarded {
    let elements = elements(headers, &header::FORWARDED);
    let field = |element: &str, wanted: &str| {
        element.split(';').find_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            name.trim().eq_ignore_ascii_case(wanted).then(|| value.trim().trim_matches('"').to_owned())
        })
    };
    let by_https =
        elements.last().and_then(|last| field(last, "proto")).is_some_and(|proto| proto.eq_ignore_ascii_case("https"));
    let addresses = elements.iter().map(|element| address(&field(element, "for")?)).collect();
    LastForwarded { addresses, by_https }
}

fn elements(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    let lines = headers.get_all(name).iter().map(|line| String::from_utf8_lossy(line.as_bytes()).into_owned());
    lines.flat_map(|line| line.split(',').map(|element| element.trim().to_owned()).collect::<Vec<_>>()).collect()
}

/// With or without a port, IPv6 with or without brackets.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().or_else(|_| text.parse::<SocketAddr>().map(|socket| socket.ip())).ok()?;
    Some(IpAddr::to_canonical(&address))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn client(peer: &str, proxies: &[&str], headers: &[(&'static str, &str)]) -> Client {
        let trusted_proxies = proxies.iter().map(|network| network.parse().expect("a network")).collect();
        let options = WebOptions { trusted_proxies, ..WebOptions::default() };
        let peer = SocketAddr::new(peer.parse().expect("an address"), 4711);
        let connection = Connection { peer, local: peer, is_tls: false, seat: Arc::new(Seat::of_nobody()) };
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).expect("a header"));
        }
        Client::of(&connection, &map, &options)
    }

    fn address_of(peer: &str, proxies: &[&str], headers: &[(&'static str, &str)]) -> String {
        client(peer, proxies, headers).address.to_string()
    }

    #[test]
    fn what_a_stranger_says_about_himself_is_ignored() {
        let lies = [
            ("x-forwarded-for", "198.51.100.7"),
            ("forwarded", "for=198.51.100.7;proto=https"),
            ("x-forwarded-proto", "https"),
        ];
        assert_eq!(address_of("192.0.2.1", &[], &lies), "192.0.2.1");
        assert_eq!(address_of("192.0.2.1", &["10.0.0.0/8"], &lies), "192.0.2.1");
        assert!(!client("192.0.2.1", &["10.0.0.0/8"], &lies).is_https);
    }

    #[test]
    fn a_trusted_proxy_says_who_asks_and_what_the_client_made_up_before_it_is_ignored() {
        let proxies = ["10.0.0.0/8", "2001:db8:1::/48"];
        for (told, expected) in [
            ("198.51.100.7", "198.51.100.7"),
            ("1.1.1.1, 198.51.100.7", "198.51.100.7"),
            ("1.1.1.1, 198.51.100.7, 10.0.0.9", "198.51.100.7"),
            ("10.0.0.8, 10.0.0.9", "10.0.0.8"),
            ("1.1.1.1, nonsense", "10.0.0.1"),
            ("1.1.1.1, nonsense, 10.0.0.9", "10.0.0.9"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("198.51.100.7:4711", "198.51.100.7"),
            ("::ffff:198.51.100.7", "198.51.100.7"),
            ("", "10.0.0.1"),
        ] {
            assert_eq!(address_of("10.0.0.1", &proxies, &[("x-forwarded-for", told)]), expected, "{told}");
        }
        let twice = [("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "198.51.100.7")];
        assert_eq!(address_of("::ffff:10.0.0.1", &proxies, &twice), "198.51.100.7");
    }

    #[test]
    fn forwarded_is_read_as_its_standard_says() {
        let proxies = ["10.0.0.0/8"];
        let told = [("forwarded", "for=1.1.1.1, for=\"[2001:db8::17]:4711\";proto=https;by=10.0.0.1")];
        let client = client("10.0.0.1", &proxies, &told);
        assert_eq!((client.address.to_string().as_str(), client.is_https), ("2001:db8::17", true));
        assert_eq!(address_of("10.0.0.1", &proxies, &[("forwarded", "for=unknown")]), "10.0.0.1");
    }

    #[test]
    fn where_both_headers_disagree_the_proxy_s_own_address_counts() {
        let both = [("x-forwarded-for", "198.51.100.7"), ("forwarded", "for=203.0.113.5")];
        assert_eq!(address_of("10.0.0.1", &["10.0.0.0/8"], &both), "10.0.0.1");
        let same = [("x-forwarded-for", "198.51.100.7"), ("forwarded", "for=198.51.100.7")];
        assert_eq!(address_of("10.0.0.1", &["10.0.0.0/8"], &same), "198.51.100.7");
    }

    #[test]
    fn the_nearest_proxy_decides_whether_it_was_https() {
        let proxies = ["10.0.0.0/8"];
        for (told, expected) in [("https", true), ("http", false), ("https, http", false), ("http,HTTPS", true)] {
            let client = client("10.0.0.1", &proxies, &[("x-forwarded-proto", told)]);
            assert_eq!(client.is_https, expected, "{told}");
        }
    }
}
