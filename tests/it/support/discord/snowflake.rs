//! Snowflakes: Discord's ids, which contain their creation time.

use chrono::{DateTime, TimeZone, Utc};

/// The first second of 2015, Discord's epoch, in Unix milliseconds.
const EPOCH_MS: i64 = 1_420_070_400_000;

/// Makes increasing ids, and ids of past times.
#[derive(Debug, Default)]
pub(crate) struct Snowflakes {
    last: u64,
    minted: u64,
}

impl Snowflakes {
    /// An id of the current time, greater than all earlier ones.
    pub(crate) fn now(&mut self) -> u64 {
        self.last = first_of(Utc::now()).max(self.last + 1);
        self.last
    }

    /// An id of a given time. Ids of the same time increase.
    pub(crate) fn at(&mut self, time: DateTime<Utc>) -> u64 {
        self.minted += 1;
        first_of(time) | (self.minted & 0x003F_FFFF)
    }
}

/// The smallest id of a time, usable as `after` in a history request.
pub(crate) fn first_of(time: DateTime<Utc>) -> u64 {
    u64::try_from(time.timestamp_millis() - EPOCH_MS).unwrap_or(0) << 22
}

/// The time in an id, in milliseconds.
pub(crate) fn time_of(id: u64) -> DateTime<Utc> {
    let since_epoch = i64::try_from(id >> 22).expect("42 bits fit");
    Utc.timestamp_millis_opt(EPOCH_MS + since_epoch).single().expect("a time after 2015 is one time")
}

/// A time in Discord's format.
pub(crate) fn timestamp(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string()
}
