//! The names under which a reverse proxy hands requests on.

use url::Host;

/// A plain host name, in lower case.
pub(crate) fn from_text(text: &str) -> Result<String, String> {
    let is_label = |label: &str| {
        !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
    };
    match Host::parse(text) {
        Ok(Host::Domain(name)) if text.split('.').all(is_label) => Ok(name),
        _ => Err(format!(
            "`{text}` is no plain host name; expected one such as `orders.example.net`, without scheme, port, \
             path and spaces, and with `xn--` for letters other than a to z. Addresses need not be named"
        )),
    }
}
