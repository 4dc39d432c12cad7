//! Query and path parameters: each is checked by name, and a bad one says what it takes.
//!
//! Unknown parameters are ignored, and so are empty ones, which forms like to send.

use std::{collections::HashMap, convert::Infallible, fmt::Display};

use axum::{
    extract::{FromRequestParts, Path},
    http::request::Parts,
};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::http::error::ApiError;
use crate::order::dates;
use crate::order::dates::{DayEdge, EXAMPLES};

/// Longest text that a parameter takes, in characters: that of the longest column.
const MAX_CHARS: usize = 255;

/// The parameters of a query, percent-decoded; of one that stands twice, the last.
pub(crate) struct Params(HashMap<String, String>);

/// The one variable segment of a path, percent-decoded.
pub(crate) struct Segment(pub(crate) String);

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(parts.uri.query().unwrap_or_default()))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Path::from_request_parts(parts, state)
            .await
            .map(|Path(segment)| Self(segment))
            .map_err(|_| bad_parameter("path", "The path must be percent-encoded UTF-8."))
    }
}

impl Params {
    fn of(query: &str) -> Self {
        let pairs = form_urlencoded::parse(query.as_bytes()).into_owned();
        Self(pairs.filter(|(_, value)| !value.trim().is_empty()).collect())
    }

    /// A text without control characters, trimmed.
    pub(crate) fn text(&self, name: &'static str) -> Result<Option<&str>, ApiError> {
        let Some(text) = self.0.get(name).map(|text| text.trim()) else { return Ok(None) };
        if text.chars().count() > MAX_CHARS || text.chars().any(char::is_control) {
            let accepted = format!("A text of at most {MAX_CHARS} characters without control characters.");
            return Err(bad_parameter(name, accepted));
        }
        Ok(Some(text))
    }

    /// A whole number, moved into the range that is allowed.
    pub(crate) fn clamped(&self, name: &'static str, least: i64, most: i64) -> Result<Option<i64>, ApiError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let number: i64 = text.parse().map_err(|_| bad_parameter(name, "A whole number."))?;
        Ok(Some(number.clamp(least, most)))
    }

    /// One of the names that `known` tells apart.
    pub(crate) fn one_of<T: Display>(
        &self,
        name: &'static str,
        known: impl IntoIterator<Item = T>,
    ) -> Result<Option<T>, ApiError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let mut names = Vec::new();
        for value in known {
            let known = value.to_string();
            if known.eq_ignore_ascii_case(text) {
                return Ok(Some(value));
            }
            names.push(known);
        }
        Err(bad_parameter(name, format!("One of: {}.", names.join(", "))))
    }

    /// A date or time in the time zone.
    pub(crate) fn moment(
        &self,
        name: &'static str,
        zone: Tz,
        edge: DayEdge,
    ) -> Result<Option<DateTime<Utc>>, ApiError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        // The `+` of an offset that was not percent-encoded arrives as a space.
        let mended = text.rsplit_once(' ').map(|(time, offset)| format!("{time}+{offset}"));
        let moment = dates::parse_limit(text, zone, edge);
        match moment.or_else(|| dates::parse_limit(&mended?, zone, edge)) {
            Some(moment) => Ok(Some(moment)),
            None => Err(bad_parameter(name, format!("A date such as {EXAMPLES}."))),
        }
    }
}

/// A parameter that takes something else.
pub(crate) fn bad_parameter(name: &'static str, accepted: impl Into<String>) -> ApiError {
    ApiError::BadParameter { name: name.to_owned(), detail: accepted.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> Option<DateTime<Utc>> {
        text.parse().ok()
    }

    #[test]
    fn an_offset_whose_plus_became_a_space_is_still_read() {
        let params = Params::of("since=2026-01-31T02:00:00+02:00");
        let since = params.moment("since", Tz::UTC, DayEdge::Start).ok().flatten();
        assert_eq!(since, utc("2026-01-31T00:00:00Z"));
    }

    #[test]
    fn a_name_that_is_not_known_is_answered_with_those_that_are() {
        let error = Params::of("status=lost").one_of("status", ["pending", "shipped"]).err();
        let body = error.map(|error| error.body());
        assert_eq!(body.and_then(|body| body.detail).as_deref(), Some("One of: pending, shipped."));
    }
}
