//! Discord's ids (snowflakes): of guilds, channels, roles, users, webhooks and applications.
//!
//! An id is a positive 64-bit number. It may be written as a text, as in Discord's own JSON, and is
//! shown as one. The functions serve `#[serde(with = …)]`: for one id, for a [`list`], and for an
//! [`optional`] id, which an empty text leaves unset.

use std::fmt;

use serde::{Deserialize, Deserializer, Serializer, de};

/// An id, or `None` for an empty text.
struct Snowflake(Option<i64>);

impl<'de> Deserialize<'de> for Snowflake {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Visitor)
    }
}

struct Visitor;

impl de::Visitor<'_> for Visitor {
    type Value = Snowflake;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(EXPECTED)
    }

    fn visit_i64<E: de::Error>(self, id: i64) -> Result<Snowflake, E> {
        // The message does not repeat the value: it may be a token on the wrong line.
        if id > 0 { Ok(Snowflake(Some(id))) } else { Err(E::custom(format!("expected {EXPECTED}"))) }
    }

    fn visit_u64<E: de::Error>(self, id: u64) -> Result<Snowflake, E> {
        self.visit_i64(id.try_into().unwrap_or(0))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Snowflake, E> {
        match text.trim() {
            "" => Ok(Snowflake(None)),
            text => self.visit_i64(text.parse().unwrap_or(0)),
        }
    }
}

const EXPECTED: &str =
    "an id such as \"1112223334445556667\": in Discord, turn on Developer Mode, right-click, Copy ID";

fn required<E: de::Error>(Snowflake(id): Snowflake) -> Result<i64, E> {
    id.ok_or_else(|| E::custom(format!("expected {EXPECTED}")))
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    required(Snowflake::deserialize(deserializer)?)
}

pub(crate) fn serialize<S: Serializer>(id: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(id)
}

pub(crate) mod list {
    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::{Snowflake, required};

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<i64>, D::Error> {
        Vec::<Snowflake>::deserialize(deserializer)?.into_iter().map(required).collect()
    }

    pub(crate) fn serialize<S: Serializer>(ids: &[i64], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(ids.iter().map(i64::to_string))
    }
}

pub(crate) mod optional {
    use serde::{Deserialize as _, Deserializer};

    use super::Snowflake;
    pub(crate) use crate::config::text_or_empty as serialize;

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
        Snowflake::deserialize(deserializer).map(|Snowflake(id)| id)
    }
}
