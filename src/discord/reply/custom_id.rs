//! Custom ids of buttons, selects and modals: `name:argument:argument`.
//!
//! A custom id holds everything that its handler needs, so a component still works after a restart.

use std::fmt::Display;
use std::str::{FromStr, Split};

use sha2::{Digest, Sha256};

use super::error::CommandError;

/// Discord's limit for a custom id, in characters.
const MAX_LENGTH: usize = 100;

/// Builds a custom id. No argument may contain a colon.
pub(crate) fn custom_id(name: &'static str, arguments: &[&dyn Display]) -> String {
    let id = arguments.iter().fold(name.to_owned(), |id, argument| format!("{id}:{argument}"));
    debug_assert!(id.chars().count() <= MAX_LENGTH, "a custom id has at most {MAX_LENGTH} characters");
    id
}

/// Splits a custom id into its name and its arguments.
pub(crate) fn parse(custom_id: &str) -> (&str, Arguments<'_>) {
    let mut parts = custom_id.split(':');
    (parts.next().unwrap_or_default(), Arguments(parts))
}

/// The arguments of a custom id, in order. A missing or unreadable one comes from another release
/// of ROMS, or from a forged custom id.
pub(crate) struct Arguments<'a>(Split<'a, char>);

impl<'a> Arguments<'a> {
    /// The next argument as text.
    pub(crate) fn text(&mut self) -> Result<&'a str, CommandError> {
        self.0.next().ok_or(CommandError::OutOfDate)
    }

    /// The next argument, parsed.
    pub(crate) fn parse<T: FromStr>(&mut self) -> Result<T, CommandError> {
        self.text()?.parse().map_err(|_| CommandError::OutOfDate)
    }
}

/// A hash that is short enough for a custom id. Detects that a text has changed since it was shown.
pub(crate) fn fingerprint(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()).iter().take(4).copied().collect::<Vec<u8>>())
}
