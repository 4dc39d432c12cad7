//! `[metrics]`: whether ROMS measures its work for Prometheus, and where it shows the result.

use core::net::SocketAddr;

use serde::{Deserialize, Deserializer, Serialize};

use super::{text, text_or_empty};

/// Metrics. They are measured if either key is set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    /// Whether the HTTP API has the route `/metrics`, for the scope `admin`.
    pub enabled: bool,
    /// Address and port of a listener of its own, which asks for no token; `None` for no such listener.
    #[serde(deserialize_with = "bind", serialize_with = "text_or_empty")]
    pub bind: Option<SocketAddr>,
}

impl Metrics {
    /// Whether ROMS measures its work.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.enabled || self.bind.is_some()
    }
}

fn bind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SocketAddr>, D::Error> {
    text(deserializer, |text| match text.trim() {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| {
            format!("`{text}` is not an address with a port; expected one such as 127.0.0.1:9001")
        }),
    })
}
