//! Placeholder until the masking of credentials is merged.

use std::borrow::Cow;

/// As it is.
#[must_use]
pub fn credentials(text: &str) -> Cow<'_, str> {
    Cow::Borrowed(text)
}
