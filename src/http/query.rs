//! Query and path parameters.
//!
//! A route declares its query parameters as a struct that derives `Deserialize` and `IntoParams`, and
//! reads them with [`Query`]. The struct also documents the route. Unknown, repeated and
//! unreadable parameters are errors that name the parameter: an ignored filter would list
//! everything. An empty value counts as absent, because HTML forms send their empty fields too.

use std::fmt::{self, Display};

use axum::{
    extract::{FromRequestParts, Path},
    http::request::Parts,
};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{
    Deserialize, Deserializer,
    de::{
        DeserializeOwned, DeserializeSeed, Error, IntoDeserializer, MapAccess, Visitor,
        value::MapAccessDeserializer,
    },
    forward_to_deserialize_any,
};
use serde_json::{Map, Value as Json};
use strsim::osa_distance;
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, RefOr,
        schema::{Schema, Type},
    },
};

use super::error::{ApiError, FieldError, bad_parameter};
use crate::card::outcome::Outcome;
use crate::export::ExportFormat;
use crate::order::dates::{DayEdge, EXAMPLES, parse_limit};
use crate::order::{Source, Status};
use crate::store::{Attention, AttentionName, NamedPeriod, SortBy};

/// The default and the largest number of rows in one answer.
const DEFAULT_LIMIT: i64 = 50;
const MAX_LIMIT: i64 = 200;
/// The longest value, in characters: that of the longest column.
const MAX_VALUE_CHARS: usize = 255;
/// Suggest a parameter for a misspelled one if they differ by at most this many edits.
const MAX_TYPOS: usize = 3;

/// Extractor for the query parameters of a route.
pub(crate) struct Query<T>(pub(crate) T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        read_parameters(pairs(parts.uri.query().unwrap_or_default())).map(Self)
    }
}

/// Extractor for the query parameters of a route that takes those of two structs. An unknown parameter is an error of
/// the second one.
pub(crate) struct QueryOfTwo<A, B>(pub(crate) A, pub(crate) B);

impl<S: Sync, A: DeserializeOwned + IntoParams, B: DeserializeOwned> FromRequestParts<S>
    for QueryOfTwo<A, B>
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let first: Vec<String> =
            A::into_params(|| None).into_iter().map(|parameter| parameter.name).collect();
        let (of_first, of_second): (Vec<_>, Vec<_>) =
            pairs(parts.uri.query().unwrap_or_default()).partition(|(name, _)| first.contains(name));
        Ok(Self(read_parameters(of_first.into_iter())?, read_parameters(of_second.into_iter())?))
    }
}

/// The parameters of a route that has none.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoParameters {}

/// Extractor for the only variable segment of a path, percent-decoded.
pub(crate) struct PathSegment(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for PathSegment {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Path::from_request_parts(parts, state)
            .await
            .map(|Path(segment)| Self(segment))
            .map_err(|_| bad_parameter("path", "The path must be percent-encoded UTF-8."))
    }
}

/// The number of rows to answer with.
pub(crate) fn row_limit(limit: Option<i64>) -> Result<u64, ApiError> {
    let limit = limit.unwrap_or(DEFAULT_LIMIT);
    if (1..=MAX_LIMIT).contains(&limit) {
        Ok(limit.unsigned_abs())
    } else {
        Err(bad_parameter("limit", format!("A number from 1 to {MAX_LIMIT}.")))
    }
}

/// Removes the row beyond `limit`, which is read only to see whether another page follows. Returns whether one does.
pub(crate) fn cut_page<T>(rows: &mut Vec<T>, limit: u64) -> bool {
    let has_next = rows.len() as u64 > limit;
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    has_next
}

/// Reads a date or time parameter. A date is a day of the time zone.
pub(crate) fn read_time(
    name: &'static str,
    text: Option<&str>,
    zone: Tz,
    edge: DayEdge,
) -> Result<Option<DateTime<Utc>>, ApiError> {
    let Some(text) = text else { return Ok(None) };
    // A `+` that was not percent-encoded arrives as a space: `…T02:00:00+02:00`.
    let with_plus = || text.rsplit_once(' ').map(|(time, offset)| format!("{time}+{offset}"));
    match parse_limit(text, zone, edge).or_else(|| parse_limit(&with_plus()?, zone, edge)) {
        Some(time) => Ok(Some(time)),
        None => Err(bad_parameter(name, format!("A date such as {EXAMPLES}."))),
    }
}

/// A value that has one of a fixed list of names.
pub(crate) trait Named: Sized {
    fn all() -> impl Iterator<Item = (&'static str, Self)>;
}

impl Named for Status {
    fn all() -> impl Iterator<Item = (&'static str, Self)> {
        Self::ALL.into_iter().map(|status| (status.as_str(), status))
    }
}

impl Named for Source {
    fn all() -> impl Iterator<Item = (&'static str, Self)> {
        Self::ALL.into_iter().map(|source| (source.as_str(), source))
    }
}

impl Named for NamedPeriod {
    fn all() -> impl Iterator<Item = (&'static str, Self)> {
        Self::ALL.into_iter()
    }
}

impl Named for SortBy {
    fn all() -> impl Iterator<Item = (&'static str, Self)> {
        Self::ALL.iter().copied()
    }
}

impl Named for AttentionName {
    fn all() -> impl Iterator<Item = (&'static str, Self)> {
        Attention::ALL.into_iter()
    }
}

/// An outcome without its reason, as the log stores it.
#[derive(Debug)]
pub(crate) struct LoggedOutcome(pub(crate) &'static str);

impl Named for LoggedOutcome {
    fn all() -> impl Iterator<Item = (&'static str, Self)> {
        Outcome::NAMES.into_iter().map(|name| (name, Self(name)))
    }
}

/// A parameter that is one of the names of `T`, in upper or lower case. An enum in the document.
#[derive(Debug)]
pub(crate) struct Name<T>(pub(crate) T);
pub(crate) type StatusName = Name<Status>;
pub(crate) type SourceName = Name<Source>;
pub(crate) type FormatName = Name<ExportFormat>;
pub(crate) type PeriodName = Name<NamedPeriod>;
pub(crate) type AttentionParameter = Name<AttentionName>;
pub(crate) type SortName = Name<SortBy>;
pub(crate) type OutcomeName = Name<LoggedOutcome>;

impl<'de, T: Named> Deserialize<'de> for Name<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let found = T::all().find(|(name, _)| name.eq_ignore_ascii_case(&text));
        found.map(|(_, value)| Self(value)).ok_or_else(|| {
            let names: Vec<_> = T::all().map(|(name, _)| name).collect();
            D::Error::custom(format!("One of: {}.", names.join(", ")))
        })
    }
}

impl<T: Named> PartialSchema for Name<T> {
    fn schema() -> RefOr<Schema> {
        let names = T::all().map(|(name, _)| name);
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)).into()
    }
}

impl<T: Named> ToSchema for Name<T> {}

/// Reads the parameters of a route from their names and values.
pub(crate) fn read_parameters<T: DeserializeOwned>(
    pairs: impl Iterator<Item = (String, String)>,
) -> Result<T, ApiError> {
    read_pairs(pairs).map_err(|ParameterError { name, detail }| bad_parameter(name, detail))
}

/// The names and values of a query.
pub(crate) fn pairs(query: &str) -> impl Iterator<Item = (String, String)> {
    form_urlencoded::parse(query.as_bytes()).into_owned()
}

/// Reads the parameters of a route from a JSON object.
pub(crate) fn read_object<T: DeserializeOwned>(object: Map<String, Json>) -> Result<T, FieldError> {
    let pairs = object.into_iter().map(|(name, value)| match value {
        Json::String(text) => (name, text),
        Json::Null => (name, String::new()),
        other => (name, other.to_string()),
    });
    read_pairs(pairs).map_err(|ParameterError { name, detail }| FieldError { field: name, detail })
}

fn read_pairs<T: DeserializeOwned>(
    pairs: impl Iterator<Item = (String, String)>,
) -> Result<T, ParameterError> {
    let pairs: Vec<_> = pairs.map(|(name, value)| (name, value.trim().to_owned())).collect();
    T::deserialize(MapAccessDeserializer::new(Pairs { pairs: pairs.into_iter(), current: None }))
}

/// The pairs of a query as a serde map, so that an error can name its parameter.
struct Pairs {
    pairs: std::vec::IntoIter<(String, String)>,
    /// The pair whose name has been read and whose value is next.
    current: Option<(String, String)>,
}

impl<'de> MapAccess<'de> for Pairs {
    type Error = ParameterError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, ParameterError> {
        self.current = self.pairs.next();
        let Some((name, _)) = &self.current else { return Ok(None) };
        seed.deserialize(name.as_str().into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ParameterError> {
        let (name, value) = self.current.take().unwrap_or_default();
        if value.chars().count() > MAX_VALUE_CHARS || value.chars().any(char::is_control) {
            let detail =
                format!("A text of at most {MAX_VALUE_CHARS} characters without control characters.");
            return Err(ParameterError { name, detail });
        }
        seed.deserialize(Value(value)).map_err(|error| ParameterError { name, ..error })
    }
}

/// The value of a parameter, to be read as whatever its field needs.
struct Value(String);

impl<'de> Deserializer<'de> for Value {
    type Error = ParameterError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParameterError> {
        visitor.visit_string(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParameterError> {
        if self.0.is_empty() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParameterError> {
        visitor.visit_i64(self.0.parse().map_err(|_| ParameterError::custom("Not a whole number."))?)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParameterError> {
        let value = self.0.to_ascii_lowercase().parse();
        visitor.visit_bool(value.map_err(|_| ParameterError::custom("Either `true` or `false`."))?)
    }

    forward_to_deserialize_any! {
        i8 i16 i32 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// Which parameter is wrong, and what would be right.
#[derive(Debug)]
struct ParameterError {
    name: String,
    detail: String,
}

impl Error for ParameterError {
    fn custom<T: Display>(detail: T) -> Self {
        Self { name: String::new(), detail: detail.to_string() }
    }

    fn unknown_field(name: &str, known: &'static [&'static str]) -> Self {
        let closest = known.iter().min_by_key(|known| osa_distance(known, name));
        let detail = match closest {
            Some(closest) if osa_distance(closest, name) <= MAX_TYPOS => {
                format!("Unknown parameter; did you mean `{closest}`?")
            }
            Some(_) => format!("Unknown parameter. Known are: {}.", known.join(", ")),
            None => "This path has no parameters.".to_owned(),
        };
        Self { name: name.to_owned(), detail }
    }

    fn duplicate_field(name: &'static str) -> Self {
        Self { name: name.to_owned(), detail: "Given more than once.".to_owned() }
    }
}

impl Display for ParameterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.detail)
    }
}

impl std::error::Error for ParameterError {}
