//! `/api/v2/events`: live updates as server-sent events.
//!
//! The stream is the body of an answer that does not end by itself. hyper waits for ever until a client has read an
//! answer, so the sender closes the whole connection if the client stops reading or ROMS shuts down.

use std::convert::Infallible;
use std::fmt::Write;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::{
    Extension,
    body::{Body, Bytes},
    extract::State,
    http::{
        HeaderMap, HeaderName,
        header::{CONNECTION, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};
use futures_util::stream::poll_fn;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::{Instant, interval_at, timeout};

use super::{End, LiveMessage, LiveQuery, SEND_TIMEOUT, Updates, say_goodbye, text_of, type_name};
use crate::clock::now;
use crate::feed::OrderChange;
use crate::http::AppState;
use crate::http::auth::Caller;
use crate::http::connection::Connection;
use crate::http::cross_site::SameOrigin;
use crate::http::error::{ApiError, StreamErrors, bad_parameter};
use crate::http::query::Query;

/// The header with which a browser resumes a stream.
const LAST_EVENT_ID: &str = "last-event-id";
/// Tells nginx whether to collect the answer before it passes it on.
const NGINX_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
/// A comment after this long without an event keeps proxies from closing the connection.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);
/// Groups of events that wait for the connection to take them.
const BUFFERED_EVENTS: usize = 1;
/// How long a browser waits before it connects again, in milliseconds.
const RECONNECT_DELAY: u32 = 2000;

/// Listen to new and changed orders (server-sent events)
///
/// The same messages as over the WebSocket: each event has its `type` as event name, its `event_id` as id and the message
/// as data. A browser's `EventSource` resumes by itself with `Last-Event-ID`; other clients pass `since`. If the client
/// cannot keep up, the token ends or ROMS shuts down, the last event is `closing`, with the reason.
#[utoipa::path(
    get, path = "/api/v2/events", tag = "Live updates", operation_id = "stream_events",
    params(LiveQuery, ("Last-Event-ID" = Option<i64>, Header, description = "The same as `since`, and preferred to it")),
    responses((status = 200, description = "The stream. The data of each event has this form", body = LiveMessage, content_type = "text/event-stream"), StreamErrors)
)]
pub(crate) async fn connect(
    _: SameOrigin,
    caller: Caller,
    State(state): State<Arc<AppState>>,
    connection: Option<Extension<Connection>>,
    Query(query): Query<LiveQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let since = resume_after(&headers, query.since)?;
    let updates = Updates::begin(&state, &caller, since, query.filter()).await?;
    let view = caller.view();
    let write = move |change: &OrderChange| {
        let (name, text) = (type_name(change), text_of(change, view)?);
        Ok(format!("event: {name}\ndata: {text}\n\n"))
    };
    Ok(open(&state, caller, connection, updates, write))
}

/// The event that a client received last, from the header or the query.
pub(crate) fn resume_after(headers: &HeaderMap, since: Option<i64>) -> Result<Option<i64>, ApiError> {
    let Some(id) = headers.get(LAST_EVENT_ID) else { return Ok(since) };
    let id = id.to_str().ok().and_then(|id| id.parse().ok()).filter(|id: &i64| !id.is_negative());
    id.map(Some).ok_or_else(|| bad_parameter("Last-Event-ID", "The id of an event: a whole number from 0."))
}

/// Answers with a stream. `write` makes the lines of an event without its id, with the empty line at their end.
pub(crate) fn open(
    state: &Arc<AppState>,
    caller: Caller,
    connection: Option<Extension<Connection>>,
    updates: Updates,
    write: impl Fn(&OrderChange) -> Result<String, End> + Send + Sync + 'static,
) -> Response {
    let connection = connection.map(|Extension(connection)| connection);
    if let Some(connection) = &connection {
        connection.release_slot();
    }
    let (sender, mut receiver) = mpsc::channel::<Bytes>(BUFFERED_EVENTS);
    let sending = {
        let state = Arc::clone(state);
        async move {
            let ended = send_changes(&sender, updates, &state, &caller, &write).await;
            let end = ended.err().unwrap_or(End::ShuttingDown);
            if ended.is_err() {
                let goodbye = json!({"type": "closing", "reason": end.reason()});
                let goodbye = Bytes::from(format!("event: closing\ndata: {goodbye}\n\n"));
                say_goodbye(end, &state.closing, sender.send(goodbye)).await;
            }
            drop(sender);
            if let Some(connection) = connection {
                // Ends as soon as the client has received the end.
                say_goodbye(end, &state.closing, connection.abort.cancelled()).await;
                connection.abort.cancel();
            }
        }
    };
    state.tasks.spawn(sending);
    let body =
        poll_fn(move |context| receiver.poll_recv(context).map(|event| event.map(Ok::<_, Infallible>)));
    // Nothing can follow on this connection. nginx must pass on each event at once.
    let headers = [(CONTENT_TYPE, "text/event-stream"), (CONNECTION, "close"), (NGINX_BUFFERING, "no")];
    (headers, Body::from_stream(body)).into_response()
}

/// Sends every change to one client. Returns `Ok` if the client disconnected, else the reason why the server must end
/// the stream.
async fn send_changes(
    sender: &mpsc::Sender<Bytes>,
    mut updates: Updates,
    AppState { closing, auth, store, .. }: &AppState,
    caller: &Caller,
    write: &(impl Fn(&OrderChange) -> Result<String, End> + Sync),
) -> Result<(), End> {
    let mut token_ended = pin!(auth.until_invalid(caller, store));
    let mut keep_alive = interval_at(Instant::now() + KEEP_ALIVE_INTERVAL, KEEP_ALIVE_INTERVAL);
    let id = updates.read_to;
    let first = LiveMessage::ConnectionConfirmed { timestamp: now(), event_id: id };
    let first = serde_json::to_string(&first).map_err(|_| End::Failed)?;
    let mut next =
        format!("retry: {RECONNECT_DELAY}\nid: {id}\nevent: connection_confirmed\ndata: {first}\n\n");
    loop {
        match timeout(SEND_TIMEOUT, sender.send(Bytes::from(next))).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Ok(()),
            Err(_) => return Err(End::TooSlow),
        }
        next = tokio::select! {
            () = closing.cancelled() => return Err(End::ShuttingDown),
            () = &mut token_ended => return Err(End::TokenEnded),
            () = sender.closed() => return Ok(()),
            changes = updates.next() => {
                keep_alive.reset();
                let mut events = String::new();
                let changes = changes?;
                if changes.is_empty() && let Some(count) = updates.take_imported() {
                    let (id, data) = (updates.read_to, json!({"changed": count}));
                    events = format!("id: {id}\nevent: import_finished\ndata: {data}\n\n");
                }
                for change in changes {
                    write!(events, "id: {}\n{}", change.event_id, write(&change)?).map_err(|_| End::Failed)?;
                }
                events
            }
            _ = keep_alive.tick() => ": keep-alive\n\n".to_owned(),
        };
    }
}
