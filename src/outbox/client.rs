//! The HTTP client of the outbox. It follows no redirects, uses no proxy, and connects to private addresses
//! only if that is allowed.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response, StatusCode};
use tokio::net::lookup_host;
use tokio::time::timeout;
use url::{Host, Url};

use crate::redact::credentials;
use crate::token::RelayUrl;

/// Timeout for connecting.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes to read of an answer.
const MAX_ANSWER: usize = 64 * 1024;
/// Characters to store of an answer.
const SHOWN_CHARS: usize = 200;

/// Two HTTP clients: one for public addresses only, and one for all.
#[derive(Clone, Debug)]
pub(crate) struct Clients {
    public: Client,
    any: Client,
    allow_private: bool,
}

/// The address is private, and private addresses are not allowed.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("its address is private; allow private addresses for this endpoint if that is intended")]
pub struct PrivateAddress;

/// The address of a relay is private, and private addresses are not allowed.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error(
    "the address of the relay is private; set `allow_private = true` under [webhooks] in the configuration if that is \
     intended"
)]
pub struct PrivateRelay;

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    /// The beginning of the body.
    pub(crate) body: String,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) struct NoAnswer {
    /// The reason, without addresses and secrets.
    pub(crate) reason: String,
    /// Whether the message may have arrived.
    pub(crate) doubtful: bool,
}

impl Clients {
    /// Creates the clients. `allow_private` allows private addresses for every endpoint and relay.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub(crate) fn new(allow_private: bool) -> Result<Self, reqwest::Error> {
        let builder = || {
            Client::builder()
                .redirect(Policy::none())
                .no_proxy()
                .connect_timeout(CONNECT_TIMEOUT)
                .user_agent(concat!("ROMS/", env!("CARGO_PKG_VERSION")))
        };
        let public = builder().dns_resolver(Arc::new(PublicOnly)).build()?;
        Ok(Self { public, any: builder().build()?, allow_private })
    }

    /// Sends JSON, or nothing if the body is empty.
    pub(crate) async fn send(
        &self,
        method: Method,
        url: &Url,
        allow_private: bool,
        headers: Vec<(&'static str, String)>,
        body: String,
        timeout: Duration,
    ) -> Result<Answer, NoAnswer> {
        let allow_private = allow_private || self.allow_private;
        // The client does not call the resolver for an IP address, so check it here.
        if !allow_private && ip_address(url).is_some_and(|address| !is_public(address)) {
            return Err(NoAnswer { reason: PrivateAddress.to_string(), doubtful: false });
        }
        let client = if allow_private { &self.any } else { &self.public };
        let mut request = client.request(method, url.clone()).timeout(timeout);
        if !body.is_empty() {
            request = request.header("content-type", "application/json").body(body);
        }
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let response = request.send().await.map_err(|error| no_answer(&error, timeout))?;
        let (status, headers) = (response.status(), response.headers().clone());
        Ok(Answer { status, headers, body: read(response).await })
    }
}

/// Reads the beginning of a body. If the body breaks off, the answer still counts.
async fn read(mut response: Response) -> String {
    let mut bytes = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        bytes.extend_from_slice(&chunk);
        if bytes.len() >= MAX_ANSWER {
            break;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn no_answer(error: &reqwest::Error, timeout: Duration) -> NoAnswer {
    let mut cause: &(dyn Error + 'static) = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    // reqwest's own text names the address, and an address may hold a secret.
    let is_own = std::ptr::addr_eq(std::ptr::from_ref(cause), std::ptr::from_ref(error));
    let reason = match (error.is_timeout(), error.is_connect()) {
        (true, true) => "connecting takes too long".to_owned(),
        (true, false) => format!("no answer within {} seconds", timeout.as_secs_f64()),
        (false, true) if !is_own => format!("cannot connect: {cause}"),
        (false, true) => "cannot connect".to_owned(),
        (false, false) => "the connection broke off before an answer".to_owned(),
    };
    NoAnswer { reason, doubtful: !error.is_connect() && !error.is_builder() }
}

impl Answer {
    /// The beginning of the body in a form that may be shown: on one line, without e-mail addresses,
    /// credentials and the path of the URL, which may be a secret.
    pub(crate) fn shown(&self, url: &Url) -> String {
        let mut text = self.body.clone();
        for part in [url.path(), url.query().unwrap_or_default()] {
            if part.len() > 1 {
                text = text.replace(part, "***");
            }
        }
        let text: String = text.chars().take(SHOWN_CHARS * 4).collect();
        let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
        let words = words.map(|word| if word.contains('@') { "***" } else { word });
        let line = words.collect::<Vec<_>>().join(" ");
        credentials(&line).chars().take(SHOWN_CHARS).collect()
    }
}

/// The IP address that a URL has in place of a name.
fn ip_address(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Ipv4(address) => Some(address.into()),
        Host::Ipv6(address) => Some(address.into()),
        Host::Domain(_) => None,
    }
}

/// Refuses a private address before anything is sent there, so that a person learns of it at once. A name counts as
/// private if it has only private addresses. A name that cannot be resolved now is accepted.
///
/// # Errors
/// If the address is private and `allow_private` is false.
pub async fn check_address(url: &Url, allow_private: bool) -> Result<(), PrivateAddress> {
    if allow_private {
        return Ok(());
    }
    let addresses: Vec<IpAddr> = match (ip_address(url), url.host_str()) {
        (Some(address), _) => vec![address],
        (None, Some(name)) => match timeout(CONNECT_TIMEOUT, lookup_host((name, 0))).await {
            Ok(Ok(found)) => found.map(|address| address.ip()).collect(),
            _ => Vec::new(),
        },
        (None, None) => Vec::new(),
    };
    let is_private = !addresses.is_empty() && !addresses.into_iter().any(is_public);
    if is_private { Err(PrivateAddress) } else { Ok(()) }
}

/// Refuses a relay with a private address, as [`check_address`] does.
///
/// # Errors
/// If the address is private and `allow_private` is false.
pub async fn check_relay(relay: &RelayUrl, allow_private: bool) -> Result<(), PrivateRelay> {
    check_address(relay.expose(), allow_private).await.map_err(|PrivateAddress| PrivateRelay)
}

/// Resolves names to public addresses only. The client connects to exactly these addresses, so a name cannot lead
/// elsewhere after the check.
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = lookup_host((name.as_str(), 0)).await?.collect();
            let public: Vec<SocketAddr> =
                found.into_iter().filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err(PrivateAddress.into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is public: in none of the special-purpose blocks of IANA's registries.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || a == 0
        // Multicast, reserved and broadcast.
        || a >= 224
        // Carrier-grade NAT.
        || a == 100 && (64..128).contains(&b)
        || a == 192 && b == 0 && c == 0
        // Benchmarks.
        || a == 198 && (b == 18 || b == 19))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        // An IPv4 address in IPv6 form, by NAT64, and by 6to4.
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => embedded(high, low),
        // Teredo and documentation.
        [0x2001, 0 | 0xdb8, ..] => false,
        // Only this block is assigned to the Internet.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::is_public;

    #[test]
    fn only_addresses_of_the_internet_are_public() {
        for address in
            ["1.1.1.1", "162.159.128.233", "100.63.0.1", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8"]
        {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
        for address in [
            "127.0.0.1",
            "127.9.9.9",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "192.0.0.8",
            "192.0.2.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "2001:db8::1",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "2001:0:1::",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }
}
