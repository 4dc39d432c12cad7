//! Live updates: a WebSocket that sends every order as soon as it is committed.
//!
//! There is no history and there are no commands. A client that was disconnected, or dropped because
//! it could not keep up, connects again and reads what it missed from `/api/v2/orders`.

use std::{pin::pin, sync::Arc, time::Duration};

use axum::{
    body::Bytes,
    extract::{
        State, WebSocketUpgrade,
        ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code, rejection::WebSocketUpgradeRejection},
    },
    response::Response,
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio::{
    sync::broadcast::error::RecvError,
    time::{Instant, interval_at, timeout},
};
use utoipa::ToSchema;

use super::order_body::OrderBody;
use crate::clock::now;
use crate::feed::OrderChange;
use crate::http::AppState;
use crate::http::auth::Caller;
use crate::http::cross_site::SameOrigin;
use crate::http::error::{ApiError, SocketErrors};

/// The protocol that the server selects if a client offers it.
const PROTOCOL: &str = "roms";
/// Clients that may listen at the same time.
pub(crate) const MAX_SOCKETS: usize = 256;
/// The largest message from a client. Clients only need to send pongs.
const MAX_MESSAGE_BYTES: usize = 4 * 1024;
const PING_INTERVAL: Duration = Duration::from_secs(30);
/// Close the connection if nothing, not even a pong, has arrived for this long.
const IDLE_TIMEOUT: Duration = Duration::from_mins(1);
/// The longest time that sending one message may take.
const SEND_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest time to wait for a client's close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// A message from the server.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum LiveMessage {
    /// The first message. Every change after it is sent.
    ConnectionConfirmed {
        /// The server's time.
        timestamp: DateTime<Utc>,
    },
    /// A new order.
    NewOrder {
        /// The whole order after the change.
        order: Box<OrderBody>,
    },
    /// An order changed.
    OrderUpdated {
        /// The whole order after the change.
        order: Box<OrderBody>,
    },
}

/// Close code and reason of a close frame.
type CloseReason = (u16, &'static str);
const SHUTTING_DOWN: CloseReason = (close_code::AWAY, "shutting down");
const TOO_SLOW: CloseReason =
    (close_code::AGAIN, "too slow: connect again and read the missed orders from /api/v2/orders");
const INTERRUPTED: CloseReason = (
    close_code::AGAIN,
    "a change may have been missed: connect again and read the orders from /api/v2/orders",
);
const NO_PONG: CloseReason = (close_code::AWAY, "no answer to pings");
const TOKEN_ENDED: CloseReason = (close_code::POLICY, "the token is no longer valid");
const FAILED: CloseReason = (close_code::ERROR, "internal error");

/// Listen to new and changed orders (WebSocket)
///
/// The server first sends `{"type":"connection_confirmed"}`, then a message for every order that is
/// created or changed. It closes the connection with code 1013 if the client cannot keep up or a
/// change may have been missed, with 1008 when the token is revoked or expires, and with 1001 when ROMS
/// shuts down. A page, which cannot set headers, passes its token as a protocol:
/// `new WebSocket(url, ["roms", token])`.
#[utoipa::path(
    get, path = "/ws", tag = "Live updates", operation_id = "live",
    responses((status = 101, description = "The WebSocket. Each of its messages has this form", body = LiveMessage), SocketErrors)
)]
pub(crate) async fn connect(
    _: SameOrigin,
    caller: Caller,
    State(state): State<Arc<AppState>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    let upgrade = upgrade.map_err(|error| ApiError::NotWebSocket { detail: error.body_text() })?;
    if state.closing.is_cancelled() {
        return Err(ApiError::Closing);
    }
    let permit = Arc::clone(&state.sockets).try_acquire_owned().map_err(|_| ApiError::TooManySockets)?;
    let task = state.tasks.token();
    let upgrade = upgrade.protocols([PROTOCOL]);
    Ok(upgrade.max_message_size(MAX_MESSAGE_BYTES).max_frame_size(MAX_MESSAGE_BYTES).on_upgrade(
        async move |mut socket| {
            if let Err(reason) = send_changes(&mut socket, &state, &caller).await {
                close(socket, reason).await;
            }
            drop((permit, task));
        },
    ))
}

/// Sends every change to one client. Returns `Ok` if the client disconnected, else the reason why
/// the server must close the connection.
async fn send_changes(
    socket: &mut WebSocket,
    AppState { feed, closing, auth, .. }: &AppState,
    caller: &Caller,
) -> Result<(), CloseReason> {
    let (mut changes, mut interruptions) = (feed.subscribe(), feed.interruptions());
    let mut token_ended = pin!(auth.until_invalid(caller));
    let mut pings = interval_at(Instant::now() + PING_INTERVAL, PING_INTERVAL);
    let mut last_received = Instant::now();
    let mut next = Some(LiveMessage::ConnectionConfirmed { timestamp: now() }.to_frame()?);
    loop {
        if let Some(message) = next.take() {
            match timeout(SEND_TIMEOUT, socket.send(message)).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Ok(()),
                Err(_) => return Err(TOO_SLOW),
            }
        }
        tokio::select! {
            () = closing.cancelled() => return Err(SHUTTING_DOWN),
            () = &mut token_ended => return Err(TOKEN_ENDED),
            Ok(()) = interruptions.changed() => return Err(INTERRUPTED),
            change = changes.recv() => match change {
                Ok(change) => next = Some(LiveMessage::from(&*change).to_frame()?),
                Err(RecvError::Lagged(_)) => return Err(TOO_SLOW),
                Err(RecvError::Closed) => return Err(SHUTTING_DOWN),
            },
            received = socket.recv() => match received {
                Some(Ok(_)) => last_received = Instant::now(),
                Some(Err(_)) | None => return Ok(()),
            },
            _ = pings.tick() => {
                if last_received.elapsed() >= IDLE_TIMEOUT {
                    return Err(NO_PONG);
                }
                next = Some(Message::Ping(Bytes::new()));
            }
        }
    }
}

/// Sends a close frame and reads until the client closes too. If the server closed a socket that
/// still has unread data, TCP would reset the connection and the client could lose the close frame.
async fn close(mut socket: WebSocket, (code, reason): CloseReason) {
    let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
    let closed = async {
        if socket.send(Message::Close(Some(frame))).await.is_ok() {
            while let Some(Ok(_)) = socket.recv().await {}
        }
    };
    // After a timeout, close anyway.
    drop(timeout(CLOSE_TIMEOUT, closed).await);
}

impl LiveMessage {
    fn to_frame(&self) -> Result<Message, CloseReason> {
        serde_json::to_string(self).map(Message::text).map_err(|_| FAILED)
    }
}

impl From<&OrderChange> for LiveMessage {
    fn from(change: &OrderChange) -> Self {
        let order = Box::new(change.order.clone().into());
        if change.created { Self::NewOrder { order } } else { Self::OrderUpdated { order } }
    }
}
