//! A date given on the command line.

use anyhow::bail;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::clock;
use crate::order::dates::{DayEdge, EXAMPLES, parse_limit};

/// A date as it was typed. The time zone that it means is known once the configuration is loaded.
#[derive(Clone, Debug)]
pub(crate) struct TypedDate(String);

/// Whether a text has the form `2026-02-30`, whatever its numbers are.
fn is_written_like_a_day(text: &str) -> bool {
    let parts: Vec<&str> = text.trim().split('-').collect();
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    matches!(parts.as_slice(), [year, _, _] if year.len() == 4) && parts.iter().all(is_number)
}

impl TypedDate {
    /// Checks an argument of the command line.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        match parse_limit(text, Tz::UTC, DayEdge::Start) {
            Some(_) => Ok(Self(text.to_owned())),
            None if is_written_like_a_day(text) => Err("there is no such day".to_owned()),
            None => Err(format!("expected a date such as {EXAMPLES}")),
        }
    }

    /// The time at which the date starts in a time zone.
    pub(crate) fn start(&self, zone: Tz) -> anyhow::Result<DateTime<Utc>> {
        match parse_limit(&self.0, zone, DayEdge::Start) {
            Some(start) if start <= clock::now() => Ok(start),
            _ => bail!("--since {}: this is in the future", self.0),
        }
    }
}
