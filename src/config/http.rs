//! `[http]`: where the HTTP API listens, and for whom.
//!
//! Addresses are only parsed here; nothing is looked up or opened.

use core::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::{Host, Origin, Url};

use super::{text, text_or_empty};
use crate::token::{Secret, SigningSecret};

/// The HTTP API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// Address and port to listen on.
    #[serde(deserialize_with = "address")]
    pub bind: SocketAddr,
    /// Whether every request needs a token on a loopback address too; see [`Http::requires_tokens`].
    pub require_auth: bool,
    /// Names, in lower case, under which a reverse proxy on this machine passes requests on.
    #[serde(deserialize_with = "host_names")]
    pub hosts: Vec<String>,
    /// Origins of other sites whose pages may use the API.
    #[serde(deserialize_with = "origins")]
    pub origins: Vec<String>,
    /// How clients reach ROMS, without a slash at the end; `None` if only by [`Http::bind`].
    #[serde(deserialize_with = "public_url", serialize_with = "text_or_empty")]
    pub public_url: Option<String>,
    /// The secret with which posted messages are signed whose token has none of its own.
    #[serde(deserialize_with = "signing_secret", serialize_with = "masked")]
    pub webhook_secret: Option<SigningSecret>,
    /// Whether messages without a signature are refused where [`Http::webhook_secret`] applies.
    pub require_signature: bool,
    /// Requests a second that one client and one token may make on average; 0 for no limit.
    pub rate_limit: u32,
    /// Connections that one client may have open at the same time; 0 for no limit.
    pub connection_limit: usize,
    /// Reverse proxies whose `X-Forwarded-For` names the client.
    #[serde(deserialize_with = "networks", serialize_with = "networks_text")]
    pub trusted_proxies: Vec<IpNet>,
}

impl Http {
    /// Whether every request needs a token, except health checks. Always so on an address that other machines can
    /// reach.
    #[must_use]
    pub const fn requires_tokens(&self) -> bool {
        self.require_auth || !self.bind.ip().is_loopback()
    }

    /// The beginning of links to ROMS.
    #[must_use]
    pub fn base_url(&self) -> String {
        self.public_url.clone().unwrap_or_else(|| format!("http://{}", self.bind))
    }

    /// A hint for links that others cannot use, because they contain an address such as 0.0.0.0; `None` if links work as
    /// they are.
    #[must_use]
    pub fn address_hint(&self) -> Option<String> {
        let ip = self.bind.ip();
        (self.public_url.is_none() && ip.is_unspecified()).then(|| {
            format!(
                "Write the address of this machine in the place of {ip}, or set `public_url` under [http]."
            )
        })
    }

    /// The link that a sender pastes as its webhook. It has the form of Discord's, because checkout bots post there.
    #[must_use]
    pub fn webhook_link(&self, token: i64, secret: &Secret) -> String {
        format!("{}/api/webhooks/{token}/{}", self.base_url(), secret.expose())
    }

    /// The link of a token with which a spreadsheet loads all orders.
    #[must_use]
    pub fn export_link(&self, secret: &Secret) -> String {
        format!("{}/api/v2/exports/{}/orders.csv", self.base_url(), secret.expose())
    }

    /// Origins whose pages may use the API: the configured ones, and that of the public address.
    #[must_use]
    pub fn allowed_origins(&self) -> Vec<String> {
        let public = self.public_url.as_deref().and_then(|url| Url::parse(url).ok());
        self.origins.iter().cloned().chain(public.map(|url| url.origin().ascii_serialization())).collect()
    }
}

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    text(deserializer, |text| {
        text.parse().map_err(|_| {
            format!(
                "`{text}` is not an address with a port; expected one such as 127.0.0.1:8001 or [::1]:8001"
            )
        })
    })
}

fn host_names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(Vec::<HostName>::deserialize(deserializer)?.into_iter().map(|HostName(name)| name).collect())
}

/// A plain host name, in lower case.
struct HostName(String);

impl<'de> Deserialize<'de> for HostName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let is_label = |label: &str| {
            !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        };
        text(deserializer, |text| match Host::parse(text) {
            Ok(Host::Domain(name)) if text.split('.').all(is_label) => Ok(Self(name)),
            _ => Err(format!(
                "`{text}` is not a plain host name; expected one such as `orders.example.net`, without scheme, \
                 port, path and spaces, and with `xn--` for letters other than a to z. IP addresses need not \
                 be listed"
            )),
        })
    }
}

fn origins<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(Vec::<PageOrigin>::deserialize(deserializer)?.into_iter().map(|PageOrigin(origin)| origin).collect())
}

/// An origin as browsers write it.
struct PageOrigin(String);

impl<'de> Deserialize<'de> for PageOrigin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer, |text| {
            let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
            match url.map(|url| (url.origin(), url)) {
                Some((origin @ Origin::Tuple(..), url))
                    if url.path() == "/" && url.query().is_none() && url.username().is_empty() =>
                {
                    Ok(Self(origin.ascii_serialization()))
                }
                _ => Err(format!(
                    "`{text}` is not the origin of a page; expected one such as `http://localhost:3000` or \
                     `https://orders.example.net`, without a path"
                )),
            }
        })
    }
}

fn public_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    text(deserializer, |text| {
        if text.is_empty() {
            return Ok(None);
        }
        match Url::parse(text) {
            Ok(url)
                if matches!(url.scheme(), "http" | "https")
                    && url.has_host()
                    && url.username().is_empty()
                    && url.query().is_none()
                    && url.fragment().is_none() =>
            {
                Ok(Some(text.trim_end_matches('/').to_owned()))
            }
            _ => Err(format!("`{text}` is not an address such as `https://orders.example.net`")),
        }
    })
}

fn signing_secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SigningSecret>, D::Error> {
    text(deserializer, |text| {
        let secret = Some(text.trim()).filter(|text| !text.is_empty());
        Ok(secret.map(|secret| SigningSecret::new(secret.to_owned())))
    })
}

fn masked<S: Serializer>(secret: &Option<SigningSecret>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(if secret.is_some() { "***" } else { "" })
}

fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    Ok(Vec::<Network>::deserialize(deserializer)?.into_iter().map(|Network(network)| network).collect())
}

struct Network(IpNet);

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer, |text| {
            let address = text.parse::<IpAddr>().map(IpNet::from).ok();
            address.or_else(|| text.parse().ok()).map(Self).ok_or_else(|| {
                format!(
                    "`{text}` is not an IP address or network; expected one such as 127.0.0.1 or 10.0.0.0/8"
                )
            })
        })
    }
}

fn networks_text<S: Serializer>(networks: &[IpNet], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(networks.iter().map(ToString::to_string))
}
