//! `/ws`: every order as it is committed, to whoever listens.
//!
//! Keeps no history and takes no commands: a client that was away, or that was dropped because
//! it could not keep up, connects again and reads what it missed from `/api/v2/orders`.

use std::{sync::Arc, time::Duration};

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
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use super::responses::SocketErrors;
use super::wire::OrderBody;
use crate::feed::{Feed, OrderChange};
use crate::http::error::ApiError;
use crate::http::origin::SameOrigin;
use crate::http::{AppState, now};

/// How many clients may listen at once.
pub(crate) const MAX_SOCKETS: usize = 256;
/// The largest message that a client may send: it has nothing to say but pongs.
const MAX_MESSAGE_BYTES: usize = 4 * 1024;
const PING_EVERY: Duration = Duration::from_secs(30);
/// How long a client may be silent.
const SILENCE: Duration = Duration::from_mins(1);
/// How long a client may take to take one message.
const SEND_TIME: Duration = Duration::from_secs(5);
/// How long a client may take to say goodbye.
const CLOSE_TIME: Duration = Duration::from_secs(1);

/// What the server says.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum LiveMessage {
    /// The first message: from here on, nothing is left out.
    ConnectionConfirmed {
        /// The server's time.
        timestamp: DateTime<Utc>,
    },
    /// An order that was not known before.
    NewOrder {
        /// As it stands now.
        order: Box<OrderBody>,
    },
    /// A known order that changed.
    OrderUpdated {
        /// As it stands now.
        order: Box<OrderBody>,
    },
}

/// Why a conversation ends, as close code and reason.
type Farewell = (u16, &'static str);
const SHUTTING_DOWN: Farewell = (close_code::AWAY, "shutting down");
const TOO_SLOW: Farewell = (close_code::AGAIN, "too slow: connect again and read what was missed");
const INTERRUPTED: Farewell =
    (close_code::AGAIN, "something may have been missed: connect again and read it");
const SILENT: Farewell = (close_code::AWAY, "no answer to pings");
const FAILED: Farewell = (close_code::ERROR, "internal error");

/// Listens to orders (WebSocket)
///
/// First `{"type":"connection_confirmed"}`, then a message for every order that is created or
/// changed. A client that cannot keep up is closed with 1013, as all are where a change may have
/// been missed; with 1001 when ROMS shuts down.
#[utoipa::path(
    get, path = "/ws", tag = "live", operation_id = "live",
    responses((status = 101, description = "The conversation, a message each", body = LiveMessage), SocketErrors)
)]
pub(crate) async fn connect(
    _: SameOrigin,
    State(state): State<Arc<AppState>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    let upgrade = upgrade.map_err(|lacking| ApiError::NotWebSocket { detail: lacking.body_text() })?;
    if state.closing.is_cancelled() {
        return Err(ApiError::Closing);
    }
    let permit = Arc::clone(&state.sockets).try_acquire_owned().map_err(|_| ApiError::TooManySockets)?;
    let task = state.tasks.token();
    Ok(upgrade.max_message_size(MAX_MESSAGE_BYTES).max_frame_size(MAX_MESSAGE_BYTES).on_upgrade(
        async move |mut socket| {
            if let Err(farewell) = converse(&mut socket, &state.feed, &state.closing).await {
                close(socket, farewell).await;
            }
            drop((permit, task));
        },
    ))
}

/// Tells one client of every change, until the client ends it or something else does.
async fn converse(socket: &mut WebSocket, feed: &Feed, closing: &CancellationToken) -> Result<(), Farewell> {
    let (mut changes, mut interruptions) = (feed.subscribe(), feed.interruptions());
    let mut pings = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
    let mut heard = Instant::now();
    let mut next = Some(LiveMessage::ConnectionConfirmed { timestamp: now() }.to_frame()?);
    loop {
        if let Some(message) = next.take() {
            match timeout(SEND_TIME, socket.send(message)).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Ok(()),
                Err(_) => return Err(TOO_SLOW),
            }
        }
        tokio::select! {
            () = closing.cancelled() => return Err(SHUTTING_DOWN),
            Ok(()) = interruptions.changed() => return Err(INTERRUPTED),
            change = changes.recv() => match change {
                Ok(change) => next = Some(LiveMessage::from(&*change).to_frame()?),
                Err(RecvError::Lagged(_)) => return Err(TOO_SLOW),
                Err(RecvError::Closed) => return Err(SHUTTING_DOWN),
            },
            received = socket.recv() => match received {
                Some(Ok(_)) => heard = Instant::now(),
                Some(Err(_)) | None => return Ok(()),
            },
            _ = pings.tick() => {
                if heard.elapsed() >= SILENCE {
                    return Err(SILENT);
                }
                next = Some(Message::Ping(Bytes::new()));
            }
        }
    }
}

/// Says goodbye and hears the client out: a socket that is closed over unread data is reset,
/// and the goodbye lost on its way.
async fn close(mut socket: WebSocket, (code, reason): Farewell) {
    let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
    let goodbye = async {
        if socket.send(Message::Close(Some(frame))).await.is_ok() {
            while let Some(Ok(_)) = socket.recv().await {}
        }
    };
    // A client that takes longer is left without.
    drop(timeout(CLOSE_TIME, goodbye).await);
}

impl LiveMessage {
    fn to_frame(&self) -> Result<Message, Farewell> {
        serde_json::to_string(self).map(Message::text).map_err(|_| FAILED)
    }
}

impl From<&OrderChange> for LiveMessage {
    fn from(change: &OrderChange) -> Self {
        let order = Box::new(change.order.clone().into());
        if change.created { Self::NewOrder { order } } else { Self::OrderUpdated { order } }
    }
}
