//! Live updates: every change of an order, as soon as it is committed. `/ws` sends them over a WebSocket, and
//! `/api/v2/events` as server-sent events.
//!
//! Each change has the id of its event in the database. A client that connects again with the last id it received gets
//! what it missed, from any process and after any time. There are no commands.

pub(crate) mod socket;
pub(crate) mod stream;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::broadcast::{
    self,
    error::{RecvError, TryRecvError},
};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use utoipa::{IntoParams, ToSchema};

use super::order_body::OrderBody;
use crate::feed::{Feed, OrderChange, stored_changes};
use crate::http::AppState;
use crate::http::auth::Caller;
use crate::http::error::ApiError;
use crate::http::query::{Name, SourceName, StatusName};
use crate::order::{Source, View};
use crate::store::{OrderFilter, Store};

/// Clients that may listen at the same time, with both kinds of connection.
pub(crate) const MAX_CLIENTS: usize = 2048;
/// The longest time that sending one message may take.
const SEND_TIMEOUT: Duration = Duration::from_secs(5);
/// Maximum time to tell a client why its connection ends.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// The same for a client that is too slow: it must first read everything that was sent before the hint to resume.
const SLOW_CLOSE_TIMEOUT: Duration = Duration::from_secs(30);
/// The shortest time between two sends to a client, unless more changes wait than fit into one. A change after a pause is
/// sent at once. With many clients and orders, this saves most of the processor time.
const SEND_INTERVAL: Duration = Duration::from_millis(20);
/// The most changes in one send.
const MAX_SENT_TOGETHER: usize = 16;
/// An import counts as finished if it has made no change for this time.
const IMPORT_PAUSE: Duration = Duration::from_secs(1);
/// Missed changes that are read at once.
const PAGE_SIZE: u64 = 100;

/// Query parameters of the live updates.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct LiveQuery {
    /// First send the changes after the one with this `event_id`; 0 sends the whole history (default: only changes from
    /// now on)
    #[serde(default, deserialize_with = "event_id")]
    #[param(minimum = 0)]
    since: Option<i64>,
    /// Only orders that have this status after the change
    #[param(inline, value_type = StatusName, required = false)]
    status: Option<StatusName>,
    /// Only orders from this store, in upper or lower case
    store: Option<String>,
    /// Only orders with this profile, in upper or lower case. Needs the scope `read:pii`
    profile: Option<String>,
    /// Only orders with this e-mail address, in upper or lower case. Needs the scope `read:pii`
    email: Option<String>,
    /// Only orders that came first from this source
    #[param(inline, value_type = SourceName, required = false)]
    source: Option<SourceName>,
}

fn event_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let id = Option::<i64>::deserialize(deserializer)?;
    if id.is_some_and(i64::is_negative) { Err(D::Error::custom("A whole number from 0.")) } else { Ok(id) }
}

impl LiveQuery {
    /// Which changes to send.
    fn filter(self) -> LiveFilter {
        let orders = OrderFilter {
            status: self.status.map(|Name(status)| status),
            store: self.store,
            profile: self.profile,
            email: self.email,
            ..OrderFilter::default()
        };
        let source = self.source.map(|Name(source)| source);
        LiveFilter { orders, source, keep_others: false, counts_imports: false }
    }
}

/// Which changes a client receives.
#[derive(Debug, Default)]
pub(crate) struct LiveFilter {
    pub(crate) orders: OrderFilter,
    /// Only orders that came first from this source.
    pub(crate) source: Option<Source>,
    /// Also changes of orders that do not match: they may have matched before.
    pub(crate) keep_others: bool,
    /// Send only the number of changes of an import, after it is finished.
    pub(crate) counts_imports: bool,
}

impl LiveFilter {
    fn admits(&self, change: &OrderChange) -> bool {
        let source = self.source.is_none_or(|source| change.order.source == source);
        source && (self.orders.matches(&change.order) || self.keep_others && !change.created)
    }
}

/// A message from the server.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum LiveMessage {
    /// The first message. The missed changes follow if `since` asks for them, and then every new change.
    ConnectionConfirmed {
        /// The server's time.
        timestamp: DateTime<Utc>,
        /// The changes after this one follow.
        event_id: i64,
    },
    /// A new order.
    NewOrder(ChangeBody),
    /// An order changed.
    OrderUpdated(ChangeBody),
}

/// One change of an order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LiveChange)]
pub(crate) struct ChangeBody {
    /// Row id of the step in the order's history. Ids grow, with gaps.
    event_id: i64,
    /// The columns that changed, and `extra.` with a label.
    changed: Vec<String>,
    /// The import in `/api/v2/imports` that made the change; absent for any other change.
    #[serde(skip_serializing_if = "Option::is_none")]
    import_id: Option<i64>,
    /// The whole order as it is when this is sent.
    order: Box<OrderBody>,
}

/// Why the server ends the updates of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    ShuttingDown,
    /// The token was revoked or has expired.
    TokenEnded,
    TooSlow,
    /// The client does not answer pings.
    NoPong,
    /// The database does not answer.
    Interrupted,
    Failed,
}

impl End {
    /// At most 123 bytes, the limit of a close frame.
    const fn reason(self) -> &'static str {
        match self {
            Self::ShuttingDown => {
                "shutting down: connect again, and pass the last event_id as ?since= to miss nothing"
            }
            Self::TokenEnded => "the token is no longer valid",
            Self::TooSlow => "too slow: connect again, and pass the last event_id as ?since= to miss nothing",
            Self::NoPong => "no answer to pings",
            Self::Interrupted => {
                "the database does not answer: connect again with the last event_id as ?since= to miss nothing"
            }
            Self::Failed => "internal error",
        }
    }
}

/// Waits until a client has received the reason for the end, within a limit.
async fn say_goodbye(end: End, closing: &CancellationToken, said: impl Future) {
    let limit = if end == End::TooSlow { SLOW_CLOSE_TIMEOUT } else { CLOSE_TIMEOUT };
    let shutdown = async {
        closing.cancelled().await;
        sleep(CLOSE_TIMEOUT).await;
    };
    tokio::select! {
        _ = timeout(limit, said) => {}
        () = shutdown => {}
    }
}

/// The changes for one client: first those that it missed, from the database, then those of the feed.
pub(crate) struct Updates {
    store: Store,
    feed: Feed,
    filter: LiveFilter,
    /// Every change up to this event was sent or is in `pending`.
    read_to: i64,
    /// Changes that were read from the database and not sent yet.
    pending: VecDeque<Arc<OrderChange>>,
    phase: Phase,
    /// The number of import changes that were not sent, and the time of the last one.
    imported: Option<(u64, Instant)>,
    /// When the next changes may be sent.
    next_send: Instant,
    /// Makes room for another client when this one leaves.
    _permit: OwnedSemaphorePermit,
}

enum Phase {
    /// Reading missed changes, not yet subscribed: the subscription would overflow in the meantime.
    Missed,
    /// Reading what was committed before the subscription, which keeps everything later.
    Joining(broadcast::Receiver<Arc<OrderChange>>),
    Live(broadcast::Receiver<Arc<OrderChange>>),
}

impl Updates {
    /// Begins after the event `since`, else with the changes from now on.
    pub(crate) async fn begin(
        state: &AppState,
        caller: &Caller,
        since: Option<i64>,
        filter: LiveFilter,
    ) -> Result<Self, ApiError> {
        if filter.orders.email.is_some() || filter.orders.profile.is_some() {
            caller.require_pii()?;
        }
        if state.closing.is_cancelled() {
            return Err(ApiError::Closing);
        }
        let permit =
            Arc::clone(&state.live_clients).try_acquire_owned().map_err(|_| ApiError::TooManyClients)?;
        // Subscribing first keeps what is committed while the newest id is read.
        let receiver = state.feed.subscribe();
        let newest = state.store.last_event_id().await?;
        let (read_to, phase) = match since {
            // A greater id comes from a database that was replaced by an older one.
            Some(since) if since < newest => (since, Phase::Missed),
            _ => (newest, Phase::Live(receiver)),
        };
        let (store, feed) = (state.store.clone(), state.feed.clone());
        let (pending, next_send) = (VecDeque::new(), Instant::now());
        Ok(Self { store, feed, filter, read_to, pending, phase, imported: None, next_send, _permit: permit })
    }

    /// Takes the number of import changes that were not sent, and resets it.
    pub(crate) fn take_imported(&mut self) -> Option<u64> {
        self.imported.take().map(|(count, _)| count)
    }

    /// Waits for the next change that matches the filter, and returns it with all others that are ready. They
    /// are sent together, because each send costs a system call. Returns none if an import is finished: see
    /// [`Self::take_imported`]. Dropping the future loses nothing.
    async fn next(&mut self) -> Result<Vec<Arc<OrderChange>>, End> {
        if let Phase::Live(_) = self.phase {
            sleep_until(self.next_send).await;
        }
        loop {
            let mut changes = Vec::new();
            while changes.len() < MAX_SENT_TOGETHER
                && let Some(change) = self.ready()?
            {
                changes.push(change);
            }
            if !changes.is_empty() {
                self.next_send = Instant::now();
                if changes.len() < MAX_SENT_TOGETHER {
                    self.next_send += SEND_INTERVAL;
                }
                return Ok(changes);
            }
            match &mut self.phase {
                Phase::Live(receiver) => {
                    let over = self.imported.map(|(_, last)| last + IMPORT_PAUSE);
                    let next = tokio::select! {
                        next = receiver.recv() => next,
                        () = sleep_until(over.unwrap_or_else(Instant::now)), if over.is_some() => {
                            return Ok(Vec::new());
                        }
                    };
                    let change = next.map_err(|error| match error {
                        RecvError::Lagged(_) => End::TooSlow,
                        RecvError::Closed => End::ShuttingDown,
                    })?;
                    self.keep_new(change);
                }
                Phase::Missed | Phase::Joining(_) => {
                    let stored = stored_changes(&self.store, self.read_to, PAGE_SIZE).await;
                    let stored = stored.map_err(|_| End::Interrupted)?;
                    self.read_to = stored.last;
                    self.pending.extend(stored.changes);
                    if !stored.has_more {
                        self.phase = match std::mem::replace(&mut self.phase, Phase::Missed) {
                            Phase::Missed => Phase::Joining(self.feed.subscribe()),
                            Phase::Joining(receiver) | Phase::Live(receiver) => Phase::Live(receiver),
                        };
                    }
                }
            }
        }
    }

    /// The next change that matches the filter, if there is one already.
    fn ready(&mut self) -> Result<Option<Arc<OrderChange>>, End> {
        loop {
            while let Some(change) = self.pending.pop_front() {
                if change.import.is_some() && self.filter.counts_imports {
                    let count = self.imported.map_or(0, |(count, _)| count);
                    self.imported = Some((count.saturating_add(1), Instant::now()));
                } else if self.filter.admits(&change) {
                    return Ok(Some(change));
                }
            }
            let Phase::Live(receiver) = &mut self.phase else { return Ok(None) };
            let change = match receiver.try_recv() {
                Err(TryRecvError::Empty | TryRecvError::Closed) => return Ok(None),
                Err(TryRecvError::Lagged(_)) => return Err(End::TooSlow),
                Ok(change) => change,
            };
            self.keep_new(change);
        }
    }

    /// Keeps a change of the feed, unless it was read from the database already.
    fn keep_new(&mut self, change: Arc<OrderChange>) {
        if change.event_id > self.read_to {
            self.read_to = change.event_id;
            self.pending.push_back(change);
        }
    }
}

/// The name of the message about a change.
fn type_name(change: &OrderChange) -> &'static str {
    if change.created { "new_order" } else { "order_updated" }
}

/// The message about a change as JSON. It is made once for all clients with the same view.
fn text_of(change: &OrderChange, view: View) -> Result<Arc<str>, End> {
    let [full, masked] = &change.texts;
    let cached = if view == View::Full { full } else { masked };
    if let Some(text) = cached.get() {
        return Ok(Arc::clone(text));
    }
    let order = Box::new(OrderBody::new((*change.order).clone(), view));
    let OrderChange { event_id, import: import_id, .. } = *change;
    let body = ChangeBody { event_id, changed: change.changed.clone(), import_id, order };
    let message = if change.created { LiveMessage::NewOrder(body) } else { LiveMessage::OrderUpdated(body) };
    let text = serde_json::to_string(&message).map_err(|_| End::Failed)?;
    Ok(Arc::clone(cached.get_or_init(|| text.into())))
}
