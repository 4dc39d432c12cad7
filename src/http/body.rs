//! From a request's body to a message: reads it within limits and takes off its wrapping.
//!
//! The body decides, not the `Content-Type`: bots label their posts as they please. Whether
//! what is left is JSON or text is for [`Message::from_payload`] to say.

use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes};
use futures_util::{FutureExt, StreamExt, stream};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::now;
use crate::{
    message::Message,
    outcome::{Rejection, RejectionCode},
};

/// The largest body that is read.
pub(super) const MAX_BYTES: usize = 256 * 1024;
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
pub(super) async fn receive(body: Body, endpoint: &str, closing: &CancellationToken) -> Message {
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
        bytes.extend(chunk.iter().take(room));
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
async fn discard(mut chunks: BodyDataStream) {
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

/// What a multipart or form body wraps; `None` where the text is no such body, or one without
/// a field of ours.
fn wrapped_payload(text: &str) -> Option<String> {
    let fields = if let Some(boundary) = boundary(text) {
        multipart_fields(text, boundary)
    } else if is_form(text) {
        form_urlencoded::parse(text.as_bytes()).into_owned().collect()
    } else {
        return None;
    };
    let field = |name: &str| fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.clone());
    field("payload_json").or_else(|| field("content"))
}

/// The boundary of a multipart body: its first line, when a part's header follows. A text that
/// merely opens with a line of dashes has none.
fn boundary(text: &str) -> Option<&str> {
    let (line, rest) = text.split_once("\r\n")?;
    let boundary = line.strip_prefix("--")?.trim_end();
    let header: String = rest.chars().take("content-".len()).collect();
    (!boundary.is_empty() && header.eq_ignore_ascii_case("content-")).then_some(boundary)
}

/// A form that opens with a field of ours may have been written by hand, spaces and all. One
/// that has it further on is told from a card by its first letter and its lack of white space.
fn is_form(text: &str) -> bool {
    let opens_with_ours = text.starts_with("payload_json=") || text.starts_with("content=");
    let is_encoded =
        text.starts_with(|first: char| first.is_ascii_alphanumeric()) && !text.contains(char::is_whitespace);
    opens_with_ours || (is_encoded && text.contains("&payload_json="))
}

/// The fields of a multipart body that is whole, up to the first one that cannot be read.
fn multipart_fields(text: &str, boundary: &str) -> Vec<(String, String)> {
    let whole = Bytes::copy_from_slice(text.as_bytes());
    let mut parts = multer::Multipart::new(stream::iter([Ok::<_, std::io::Error>(whole)]), boundary);
    let mut fields = Vec::new();
    // All of it is in memory: a read that would wait waits for an end that never comes.
    while let Some(Ok(Some(part))) = parts.next_field().now_or_never() {
        let name = part.name().unwrap_or_default().to_owned();
        let Some(Ok(value)) = part.bytes().now_or_never() else { break };
        fields.push((name, String::from_utf8_lossy(&value).into_owned()));
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::wrapped_payload;

    #[test]
    fn forms_and_multipart_bodies_are_unwrapped() {
        let multipart = "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nno\r\n\
             --x\r\ncontent-disposition: form-data; name=\"payload_json\"\r\n\r\n{\"content\":\"hi\"}\r\n--x--\r\n";
        let cases = [
            (multipart, r#"{"content":"hi"}"#),
            ("payload_json=%7B%22a%22%3A1%7D", r#"{"a":1}"#),
            ("username=x&payload_json=%5B%5D", "[]"),
            ("content=Order+Number%0A%23A-1", "Order Number\n#A-1"),
        ];
        for (body, payload) in cases {
            assert_eq!(wrapped_payload(body).as_deref(), Some(payload), "{body}");
        }
    }

    #[test]
    fn cards_are_neither_forms_nor_multipart() {
        let cards = [
            "Successful Checkout | Store\nProduct\nA & B\nLink\nhttp://x/?a=1&payload_json=2",
            "-----\r\nSuccessful Checkout | Store\r\n-----\r\n",
            r#"{"content":"http://x/?a=1&payload_json=2"}"#,
            "--x\r\nContent-Disposition: form-data; name=\"payload_json\"\r\n\r\ncut off",
            "",
        ];
        for card in cards {
            assert_eq!(wrapped_payload(card), None, "{card}");
        }
    }
}
