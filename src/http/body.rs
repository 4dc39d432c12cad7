//! From a request's body to a message: reads it within limits and takes off its wrapping.
//!
//! The body decides, not the `Content-Type`: bots label their posts as they please. Whether
//! what is left is JSON or text is for [`Message::from_payload`] to say.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use futures_util::StreamExt;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::now;
use crate::card::message::Message;
use crate::card::outcome::{Rejection, RejectionCode};
use crate::ingest::wrapped_payload;

/// The largest body that is read.
pub(crate) const MAX_BYTES: usize = 256 * 1024;
/// How much of a larger one is thrown away, so that its sender comes to read the answer.
const MAX_DISCARDED: usize = 4 * 1024 * 1024;
/// How long that may take.
const DISCARD_TIME: Duration = Duration::from_secs(5);
/// How long a body may take from its first byte to its last.
const READ_TIME: Duration = Duration::from_secs(30);
/// How long it may still take once the server closes.
const CLOSING_TIME: Duration = Duration::from_secs(4);

/// Reads a body to its end. One that is too large, too slow or cut off becomes a message that
/// is refused with what came of it, so that it leaves its log row too.
pub(crate) async fn receive(body: Body, endpoint: &str, closing: &CancellationToken) -> Message {
    let mut chunks = body.into_data_stream();
    let mut bytes = Vec::new();
    let read = tokio::select! {
        read = fill(&mut bytes, &mut chunks) => read,
        () = out_of_time(closing) => Err(RejectionCode::Incomplete),
    };
    let received_at = now();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let Err(code) = read else {
        return match wrapped_payload(&text) {
            Some(payload) => Message { raw: text, ..Message::from_payload(&payload, endpoint, received_at) },
            None => Message::from_payload(&text, endpoint, received_at),
        };
    };
    let detail = if code == RejectionCode::TooLarge {
        discard(chunks).await;
        format!("A body takes at most {} KiB.", MAX_BYTES / 1024)
    } else {
        format!("The body broke off or took longer than {} seconds. Send it again.", READ_TIME.as_secs())
    };
    Message::refused(text, endpoint, received_at, Rejection { code, detail })
}

/// Reads to the end; `bytes` keeps what came, also where the end is not reached.
async fn fill(bytes: &mut Vec<u8>, chunks: &mut BodyDataStream) -> Result<(), RejectionCode> {
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| RejectionCode::Incomplete)?;
        let room = MAX_BYTES - bytes.len();
        bytes.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
        if chunk.len() > room {
            return Err(RejectionCode::TooLarge);
        }
    }
    Ok(())
}

async fn out_of_time(closing: &CancellationToken) {
    let closed = async {
        closing.cancelled().await;
        sleep(CLOSING_TIME).await;
    };
    tokio::select! {
        () = sleep(READ_TIME) => {}
        () = closed => {}
    }
}

/// A connection that is closed over unread data is reset, and the answer lost on its way.
pub(crate) async fn discard(mut chunks: BodyDataStream) {
    let rest = async {
        let mut left = MAX_DISCARDED;
        while left > 0
            && let Some(Ok(chunk)) = chunks.next().await
        {
            left = left.saturating_sub(chunk.len());
        }
    };
    // Whether the rest was read or not, it is answered next.
    drop(timeout(DISCARD_TIME, rest).await);
}
