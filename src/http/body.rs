//! Reads the body of a request within its limits: a webhook's as a [`Message`], any other as JSON.
//!
//! `Content-Type` is ignored, because many bots send a wrong one. A webhook's multipart or form body is
//! unwrapped here; [`Message::from_payload`] decides whether the rest is JSON or text.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::Context;
use std::time::Duration;

use axum::{
    Error,
    body::{Body, BodyDataStream, Bytes, HttpBody},
    extract::Request,
    http::{StatusCode, header::EXPECT},
    middleware::Next,
    response::Response,
};
use chrono::{DateTime, Utc};
use futures_util::{Stream, StreamExt, stream::poll_fn};
use serde::de::DeserializeOwned;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::AppState;
use super::error::ApiError;
use crate::card::message::{Message, without_nul};
use crate::card::outcome::{Rejection, RejectionCode};
use crate::clock::now;
use crate::ingest::{multipart_payload, wrapped_payload};

/// The largest body that is accepted.
pub(crate) const MAX_BODY_BYTES: usize = 256 * 1024;
/// The largest multipart body: a card with files, which are dropped. Discord accepts as much.
pub(crate) const MAX_MULTIPART_BYTES: usize = 10 * 1024 * 1024;
/// Larger bodies, such as cards with files, that are in memory at the same time. Further ones are read after them.
pub(crate) const MAX_LARGE_BODIES: usize = 16;
/// Read and discard up to this much of a larger body, see [`discard`].
const MAX_DISCARDED_BYTES: usize = 4 * 1024 * 1024;
const DISCARD_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest time between the first and the last byte of a body. A large body has it twice: for the part that every
/// body may have, and for the rest.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest time that a body may still take after the shutdown has started.
const SHUTDOWN_READ_TIMEOUT: Duration = Duration::from_secs(4);

/// A body, or the part of it that arrived.
pub(crate) struct Received {
    pub(crate) bytes: Vec<u8>,
    arrived_at: DateTime<Utc>,
    /// Why the rest is missing.
    refused: Option<Rejection>,
    /// Present if the body is larger than [`MAX_BODY_BYTES`].
    _large: Option<OwnedSemaphorePermit>,
}

impl Received {
    /// Reads a whole body, of at most `limit` bytes.
    pub(crate) async fn read(state: &AppState, body: Body, limit: usize) -> Self {
        let mut chunks = body.into_data_stream();
        let (mut bytes, mut large) = (Vec::new(), None);
        let reading = async {
            match read_in_time(&mut bytes, limit.min(MAX_BODY_BYTES), &mut chunks).await {
                Err(Unread::Beyond(rest)) if limit > MAX_BODY_BYTES => {
                    // The semaphore is never closed. The time until there is a permit does not count.
                    large = Arc::clone(&state.large_bodies).acquire_owned().await.ok();
                    bytes.extend_from_slice(&rest);
                    read_in_time(&mut bytes, limit, &mut chunks).await
                }
                read => read,
            }
        };
        let read = tokio::select! {
            read = reading => read,
            () = shutdown(&state.closing) => Err(Unread::Incomplete),
        };
        let arrived_at = now();
        let refused = match read {
            Ok(()) => None,
            Err(unread) => Some(unread.into()),
        };
        Self { bytes, arrived_at, refused, _large: large }
    }

    /// Moves the body out. Fails if it did not arrive completely.
    pub(crate) fn take(&mut self) -> Result<Vec<u8>, ApiError> {
        self.complete()?;
        Ok(std::mem::take(&mut self.bytes))
    }

    /// Fails if the body did not arrive completely.
    pub(crate) fn complete(&self) -> Result<&[u8], ApiError> {
        match &self.refused {
            None => Ok(&self.bytes),
            Some(why) => Err(why.clone().into()),
        }
    }

    /// The message in the body. A body that did not arrive completely becomes a rejected message with the part that
    /// arrived, so that it leaves a log row as well. A card may have files beside it, which are dropped.
    pub(crate) fn into_message(self, endpoint: &str) -> Message {
        let Self { bytes, arrived_at, refused, _large } = self;
        if let Some(why) = refused {
            return Message::refused(beginning(&bytes), endpoint, arrived_at, why);
        }
        if bytes.len() > MAX_BODY_BYTES {
            let beginning = beginning(&bytes);
            let payload = multipart_payload(bytes.into()).filter(|payload| payload.len() <= MAX_BODY_BYTES);
            return match payload {
                Some(payload) => Message::from_payload(&payload, endpoint, arrived_at),
                None => Message::refused(beginning, endpoint, arrived_at, too_large()),
            };
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        match wrapped_payload(&text) {
            Some(payload) => {
                Message { raw: without_nul(text), ..Message::from_payload(&payload, endpoint, arrived_at) }
            }
            None => Message::from_payload(&text, endpoint, arrived_at),
        }
    }
}

/// The part of a refused body that the log keeps.
fn beginning(bytes: &[u8]) -> String {
    let bytes = bytes.get(..MAX_BODY_BYTES).unwrap_or(bytes);
    let mut text = String::from_utf8_lossy(bytes).into_owned();
    text.truncate(text.floor_char_boundary(MAX_BODY_BYTES));
    text
}

/// Reads a body that must be JSON. The `Content-Type` is ignored.
pub(crate) async fn read_json<T: DeserializeOwned>(
    body: Body,
    closing: &CancellationToken,
) -> Result<T, ApiError> {
    let bytes = read_bytes(body, closing).await?;
    serde_json::from_slice(&bytes).map_err(|error| ApiError::BadBody(format!("{error}.")))
}

/// Reads a body that is text, such as that of a form.
pub(crate) async fn read_text(body: Body, closing: &CancellationToken) -> Result<String, ApiError> {
    let bytes = read_bytes(body, closing).await?;
    String::from_utf8(bytes).map_err(|_| ApiError::BadBody("It is not UTF-8.".to_owned()))
}

async fn read_bytes(body: Body, closing: &CancellationToken) -> Result<Vec<u8>, ApiError> {
    let mut chunks = body.into_data_stream();
    let mut bytes = Vec::new();
    let read = tokio::select! {
        read = read_in_time(&mut bytes, MAX_BODY_BYTES, &mut chunks) => read,
        () = shutdown(closing) => Err(Unread::Incomplete),
    };
    match read {
        Ok(()) => Ok(bytes),
        Err(unread) => Err(Rejection::from(unread).into()),
    }
}

/// Why a body was not read to its end.
enum Unread {
    /// It is larger than the limit. Holds what has arrived beyond it.
    Beyond(Bytes),
    /// It broke off, or took too long.
    Incomplete,
}

impl From<Unread> for Rejection {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::Beyond(_) => too_large(),
            Unread::Incomplete => Self {
                code: RejectionCode::Incomplete,
                detail: format!(
                    "The body broke off or took longer than {} seconds. Send it again.",
                    READ_TIMEOUT.as_secs()
                ),
            },
        }
    }
}

fn too_large() -> Rejection {
    let detail = format!("A body has at most {} KiB.", MAX_BODY_BYTES / 1024);
    Rejection { code: RejectionCode::TooLarge, detail }
}

/// Like [`read_all`], within the time limit.
async fn read_in_time(bytes: &mut Vec<u8>, limit: usize, chunks: &mut BodyDataStream) -> Result<(), Unread> {
    timeout(READ_TIMEOUT, read_all(bytes, limit, chunks)).await.unwrap_or(Err(Unread::Incomplete))
}

/// Reads chunks to the end. On an error, `bytes` holds what has arrived so far.
async fn read_all(bytes: &mut Vec<u8>, limit: usize, chunks: &mut BodyDataStream) -> Result<(), Unread> {
    while let Some(chunk) = chunks.next().await {
        let mut chunk = chunk.map_err(|_| Unread::Incomplete)?;
        let room = limit - bytes.len();
        let rest = chunk.split_off(room.min(chunk.len()));
        bytes.extend_from_slice(&chunk);
        if !rest.is_empty() {
            return Err(Unread::Beyond(rest));
        }
    }
    Ok(())
}

/// Waits until a body must be complete because of a shutdown.
async fn shutdown(closing: &CancellationToken) {
    closing.cancelled().await;
    sleep(SHUTDOWN_READ_TIMEOUT).await;
}

/// Middleware that reads the body of a request to its end, see [`discard`]. A handler leaves the body unread if it needs
/// none, or if it finds a fault first.
pub(crate) async fn read_rest(mut request: Request, next: Next) -> Response {
    // A client that asks before it sends the body does not send it after a refusal.
    if request.body().is_end_stream() || request.headers().contains_key(EXPECT) {
        return next.run(request).await;
    }
    let chunks = Arc::new(Mutex::new(std::mem::take(request.body_mut()).into_data_stream()));
    let read = move |context: &mut Context<'_>| {
        chunks.lock().unwrap_or_else(PoisonError::into_inner).poll_next_unpin(context)
    };
    *request.body_mut() = Body::from_stream(poll_fn(read.clone()));
    let response = next.run(request).await;
    if response.status() != StatusCode::REQUEST_TIMEOUT {
        discard(poll_fn(read)).await;
    }
    response
}

/// Reads the rest of a body and drops it. If a server closes a connection that still has unread
/// data, TCP resets the connection and the client may lose the answer.
pub(crate) async fn discard(mut chunks: impl Stream<Item = Result<Bytes, Error>> + Unpin) {
    let rest = async {
        let mut left = MAX_DISCARDED_BYTES;
        while left > 0
            && let Some(Ok(chunk)) = chunks.next().await
        {
            left = left.saturating_sub(chunk.len());
        }
    };
    // After a timeout, answer anyway.
    drop(timeout(DISCARD_TIMEOUT, rest).await);
}
