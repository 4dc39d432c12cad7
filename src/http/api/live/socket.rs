//! `/ws`: live updates over a WebSocket.

use std::{pin::pin, sync::Arc, time::Duration};

use axum::{
    Extension,
    body::Bytes,
    extract::{
        State, WebSocketUpgrade,
        ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code, rejection::WebSocketUpgradeRejection},
    },
    response::Response,
};
use futures_util::SinkExt;
use tokio::time::{Instant, interval_at, timeout};

use super::{End, LiveMessage, LiveQuery, SEND_TIMEOUT, Updates, say_goodbye, text_of};
use crate::clock::now;
use crate::http::AppState;
use crate::http::auth::Caller;
use crate::http::connection::Connection;
use crate::http::cross_site::SameOrigin;
use crate::http::error::{ApiError, SocketErrors};
use crate::http::query::Query;

/// The protocol that the server selects if a client offers it.
const PROTOCOL: &str = "roms";
/// The largest message from a client. Clients only need to send pongs.
const MAX_MESSAGE_BYTES: usize = 4 * 1024;
const PING_INTERVAL: Duration = Duration::from_secs(30);
/// Close the connection if nothing, not even a pong, has arrived for this long.
const IDLE_TIMEOUT: Duration = Duration::from_mins(1);

/// Listen to new and changed orders (WebSocket)
///
/// The server first sends `{"type":"connection_confirmed"}`, then a message for every change of an order. With `since`, it
/// first sends what the client has missed. It closes the connection with code 1013 if the client cannot keep up, with 1008
/// when the token is revoked or expires, and with 1001 when ROMS shuts down; connect again with the last `event_id` as
/// `since`, and nothing is missed. A page, which cannot set headers, passes its token as a protocol:
/// `new WebSocket(url, ["roms", token])`.
#[utoipa::path(
    get, path = "/ws", tag = "Live updates", operation_id = "live",
    params(LiveQuery),
    responses((status = 101, description = "The WebSocket. Each of its messages has this form", body = LiveMessage), SocketErrors)
)]
pub(crate) async fn connect(
    _: SameOrigin,
    caller: Caller,
    State(state): State<Arc<AppState>>,
    connection: Option<Extension<Connection>>,
    Query(query): Query<LiveQuery>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    let upgrade = upgrade.map_err(|error| ApiError::NotWebSocket { detail: error.body_text() })?;
    let updates = Updates::begin(&state, &caller, query.since, query.filter()).await?;
    let task = state.tasks.token();
    let upgrade = upgrade.protocols([PROTOCOL]);
    Ok(upgrade.max_message_size(MAX_MESSAGE_BYTES).max_frame_size(MAX_MESSAGE_BYTES).on_upgrade(
        async move |mut socket| {
            if let Err(end) = send_changes(&mut socket, updates, &state, &caller).await {
                say_goodbye(end, &state.closing, close(socket, end)).await;
            }
            drop((task, connection));
        },
    ))
}

/// Sends every change to one client. Returns `Ok` if the client disconnected, else why the server must close the
/// connection.
async fn send_changes(
    socket: &mut WebSocket,
    mut updates: Updates,
    AppState { closing, auth, store, .. }: &AppState,
    caller: &Caller,
) -> Result<(), End> {
    let mut token_ended = pin!(auth.until_invalid(caller, store));
    let mut pings = interval_at(Instant::now() + PING_INTERVAL, PING_INTERVAL);
    let mut last_received = Instant::now();
    let first = LiveMessage::ConnectionConfirmed { timestamp: now(), event_id: updates.read_to };
    let first = serde_json::to_string(&first).map_err(|_| End::Failed)?;
    let mut next = vec![Message::text(first)];
    loop {
        if !next.is_empty() {
            match timeout(SEND_TIMEOUT, send_all(socket, next.drain(..))).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Ok(()),
                Err(_) => return Err(End::TooSlow),
            }
        }
        tokio::select! {
            () = closing.cancelled() => return Err(End::ShuttingDown),
            () = &mut token_ended => return Err(End::TokenEnded),
            changes = updates.next() => {
                for change in changes? {
                    next.push(Message::text(&*text_of(&change, caller.view())?));
                }
            }
            received = socket.recv() => match received {
                Some(Ok(_)) => last_received = Instant::now(),
                Some(Err(_)) | None => return Ok(()),
            },
            _ = pings.tick() => {
                if last_received.elapsed() >= IDLE_TIMEOUT {
                    return Err(End::NoPong);
                }
                next.push(Message::Ping(Bytes::new()));
            }
        }
    }
}

async fn send_all(
    socket: &mut WebSocket,
    messages: impl Iterator<Item = Message>,
) -> Result<(), axum::Error> {
    for message in messages {
        socket.feed(message).await?;
    }
    socket.flush().await
}

/// Sends a close frame and reads until the client closes too. If the server closed a socket that
/// still has unread data, TCP would reset the connection and the client could lose the close frame.
async fn close(mut socket: WebSocket, end: End) {
    let code = match end {
        End::ShuttingDown | End::NoPong => close_code::AWAY,
        End::TokenEnded => close_code::POLICY,
        End::TooSlow | End::Interrupted => close_code::AGAIN,
        End::Failed => close_code::ERROR,
    };
    let frame = CloseFrame { code, reason: Utf8Bytes::from_static(end.reason()) };
    if socket.send(Message::Close(Some(frame))).await.is_ok() {
        while let Some(Ok(_)) = socket.recv().await {}
    }
}
