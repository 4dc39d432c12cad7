//! The address of the client that sent a request.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::http::{Extensions, HeaderMap, request::Parts};
use ipnet::IpNet;

const FORWARDED_FOR: &str = "x-forwarded-for";
const FORWARDED_PROTO: &str = "x-forwarded-proto";

/// The address of the client. `serve` sets the other end of the connection; [`resolve`] replaces a trusted proxy by
/// the client that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peer(pub(crate) IpAddr);

impl Peer {
    /// The client of a request with these extensions.
    pub(crate) fn of(extensions: &Extensions) -> Self {
        extensions.get().copied().unwrap_or(Self(IpAddr::V4(Ipv4Addr::UNSPECIFIED)))
    }
}

/// Marks a request if a trusted proxy says that its browser uses https.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IsHttps;

/// Finds the client behind trusted proxies.
pub(crate) fn resolve(trusted: &[IpNet], parts: &mut Parts) {
    let Peer(connected) = Peer::of(&parts.extensions);
    let connected = connected.to_canonical();
    let is_trusted = trusted.iter().any(|network| network.contains(&connected));
    // Read the last value: the proxy that is directly in front of ROMS wrote it.
    let mut schemes = parts.headers.get_all(FORWARDED_PROTO).iter().rev();
    if is_trusted && schemes.next().is_some_and(|scheme| scheme == "https") {
        parts.extensions.insert(IsHttps);
    }
    parts.extensions.insert(Peer(client(connected, &parts.headers, trusted)));
}

/// The right-most address that is not a trusted proxy. Each proxy appends the address that it sees, so everything to
/// the left of that address may be made up.
fn client(connected: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut client = connected;
    if !is_trusted(&client) {
        return client;
    }
    for line in headers.get_all(FORWARDED_FOR).iter().rev() {
        for hop in line.to_str().unwrap_or_default().rsplit(',') {
            // An unreadable hop ends the search: the last proxy is the best that is known.
            let Some(address) = address(hop.trim()) else { return client };
            client = address;
            if !is_trusted(&client) {
                return client;
            }
        }
    }
    client
}

/// Some proxies add the port.
fn address(text: &str) -> Option<IpAddr> {
    let address = text.parse().ok().or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue};

    use super::{FORWARDED_FOR, client};

    fn found(connected: &str, lines: &[&'static str]) -> String {
        let trusted = ["127.0.0.1/32".parse().unwrap(), "10.0.0.0/8".parse().unwrap()];
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, HeaderValue::from_static(line));
        }
        client(connected.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn the_right_most_address_that_is_not_a_trusted_proxy_is_the_client() {
        assert_eq!(found("127.0.0.1", &[]), "127.0.0.1");
        assert_eq!(found("127.0.0.1", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(found("127.0.0.1", &["1.1.1.1, 203.0.113.9, 10.2.3.4"]), "203.0.113.9");
        assert_eq!(found("127.0.0.1", &["1.1.1.1", "203.0.113.9:4711", "10.2.3.4"]), "203.0.113.9");
        assert_eq!(found("10.1.1.1", &["[2001:db8::1]:80"]), "2001:db8::1");
        assert_eq!(found("10.1.1.1", &["::ffff:203.0.113.9"]), "203.0.113.9");
    }

    #[test]
    fn a_forged_header_names_nobody() {
        assert_eq!(found("203.0.113.9", &["127.0.0.1"]), "203.0.113.9");
        assert_eq!(found("127.0.0.1", &["1.1.1.1, unknown"]), "127.0.0.1");
        assert_eq!(found("127.0.0.1", &["1.1.1.1, x, 10.2.3.4"]), "10.2.3.4");
        assert_eq!(found("127.0.0.1", &[""]), "127.0.0.1");
    }
}
