//! `[http]`: where the HTTP API listens.
//!
//! Addresses are only parsed here; nothing is looked up or opened.

use core::net::SocketAddr;

use serde::{Deserialize, Deserializer, Serialize};
use url::Host;

use super::text;

/// The HTTP API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// Address and port to listen on; a loopback address.
    #[serde(deserialize_with = "loopback_address")]
    pub bind: SocketAddr,
    /// Names, in lower case, under which a reverse proxy on this machine passes requests on.
    #[serde(deserialize_with = "host_names")]
    pub hosts: Vec<String>,
}

fn loopback_address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    text(deserializer, |text| {
        let bind: SocketAddr = text.parse().map_err(|_| {
            format!(
                "`{text}` is not an address with a port; expected one such as 127.0.0.1:8001 or [::1]:8001"
            )
        })?;
        if bind.ip().is_loopback() {
            Ok(bind)
        } else {
            Err(format!(
                "{bind} can be reached from other machines, and the API has no authentication yet: anyone could \
                 read and write orders. Listen on 127.0.0.1:{port} and let an SSH tunnel or a reverse proxy with \
                 a password, on this machine, pass requests on",
                port = bind.port()
            ))
        }
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
