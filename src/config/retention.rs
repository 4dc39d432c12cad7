//! `[retention]`: how long raw messages and sent webhooks are kept.

use chrono::TimeDelta;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// A century. Subtracting it from any date still gives a valid date.
const MAX_DAYS: u32 = 36_500;

/// How long raw messages and sent webhooks are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// Age at which the raw payload and text form of a message are deleted; `None` keeps them.
    #[serde(rename = "raw_days", deserialize_with = "from_days", serialize_with = "to_days")]
    pub raw: Option<TimeDelta>,
    /// Age at which the record of a delivery that arrived is deleted; `None` keeps it.
    #[serde(rename = "deliveries_days", deserialize_with = "from_days", serialize_with = "to_days")]
    pub deliveries: Option<TimeDelta>,
}

fn from_days<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<TimeDelta>, D::Error> {
    match u32::try_from(i64::deserialize(deserializer)?) {
        Ok(0) => Ok(None),
        Ok(days) if days <= MAX_DAYS => Ok(Some(TimeDelta::days(days.into()))),
        _ => Err(D::Error::custom(format!("expected a whole number from 0 to {MAX_DAYS}"))),
    }
}

fn to_days<S: Serializer>(age: &Option<TimeDelta>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i64(age.map_or(0, |age| age.num_days()))
}
