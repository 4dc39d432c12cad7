//! Where the HTTP API may listen.
//!
//! Addresses are values here, hence `core::net`; nothing is looked up or opened.

use core::net::SocketAddr;

/// A loopback address and a port.
pub(crate) fn from_text(text: &str) -> Result<SocketAddr, String> {
    let bind: SocketAddr = text.parse().map_err(|_| {
        format!("`{text}` is no address with a port; expected one such as 127.0.0.1:8001 or [::1]:8001")
    })?;
    if bind.ip().is_loopback() {
        Ok(bind)
    } else {
        Err(format!(
            "{bind} can be reached from other machines, and the API has no authentication yet: anyone \
             could read and write orders. Listen on 127.0.0.1:{port} and let an SSH tunnel or a reverse \
             proxy with a password, on this machine, pass requests on",
            port = bind.port()
        ))
    }
}
