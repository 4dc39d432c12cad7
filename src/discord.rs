//! The Discord edge: watches channels over the gateway, reads what was missed from the history,
//! and hands every message to the pipeline.
//!
//! | part | does |
//! |---|---|
//! | `gateway` | one serenity client on a thread and runtime of its own |
//! | `supervise` | keeps one such client alive, within the budget of IDENTIFYs |
//! | `route`, `channel` | events to one bounded queue per channel, in order, and from there to the pipeline |
//! | `backfill` | reads the history: after each new session and every minute |
//! | `rest` | the bounded, patient way to Discord's REST API |
//! | `reactions`, `notices` | what people see of it in Discord |
//! | `check` | what is missing for it to work, and which switch mends it |
//!
//! Does not decide what a card is or what it changes, and knows nothing of HTTP.

pub mod check;
pub mod gateway;
pub mod invite;
pub mod notices;
pub mod permissions;
pub mod reactions;
pub mod rest;
pub mod supervise;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

/// How long things may take. The default is for Discord itself; tests shorten it.
#[derive(Clone, Debug)]
pub struct Timing {
    /// From the start of a client to its first READY.
    pub ready: Duration,
    /// Without any sign of life (an event, a heartbeat's answer) until a client counts as dead:
    /// two and a half of Discord's heartbeats.
    pub alive: Duration,
    /// Between two looks at a client.
    pub look: Duration,
    /// Before a dead client is replaced the first time; doubles up to `back_off_max`.
    pub back_off: Duration,
    /// Longest time before a dead client is replaced.
    pub back_off_max: Duration,
    /// Between two readings of the history.
    pub reconcile: Duration,
    /// Before an empty message is fetched again.
    pub refetch: Duration,
    /// How long cards that could not be read are gathered for one notice.
    pub notice: Duration,
    /// First pause after a REST call that failed; doubles, with jitter.
    pub retry: Duration,
    /// How long one REST call may take, all tries and waits included.
    pub rest: Duration,
    /// How long closing the session may take.
    pub close: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            ready: Duration::from_secs(90),
            alive: Duration::from_secs(105),
            look: Duration::from_secs(5),
            back_off: Duration::from_secs(5),
            back_off_max: Duration::from_mins(5),
            reconcile: Duration::from_mins(1),
            refetch: Duration::from_secs(2),
            notice: Duration::from_secs(10),
            retry: Duration::from_millis(500),
            rest: Duration::from_mins(1),
            close: Duration::from_secs(3),
        }
    }
}

/// Takes what the gateway brings. It is called on serenity's own thread, between two frames: it must
/// neither wait nor panic.
pub type OnEvent = Arc<dyn Fn(Event) + Send + Sync>;

/// What the gateway brings, free of serenity's types. Messages are Discord's own JSON.
#[derive(Clone, Debug)]
pub enum Event {
    /// A new session: what came before it was not replayed.
    Ready,
    /// A session goes on: what was missed is replayed.
    Resumed,
    /// `MESSAGE_CREATE`.
    Created(Value),
    /// `MESSAGE_UPDATE`, whole or partial.
    Updated(Value),
    /// `MESSAGE_DELETE` or `MESSAGE_DELETE_BULK`.
    Deleted {
        /// The channel.
        channel: i64,
        /// The messages.
        messages: Vec<i64>,
    },
}
