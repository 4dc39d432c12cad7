//! The names that a reverse proxy may ask for.

/// A plain host name, in lower case.
pub(super) fn from_text(text: &str) -> Result<String, String> {
    let is_label = |label: &str| {
        !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
    };
    if text.split('.').all(is_label) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err(format!(
            "`{text}` is no plain host name; expected one such as `orders.example.net`, without scheme, port, \
             path and spaces, and with `xn--` for letters other than a to z"
        ))
    }
}
