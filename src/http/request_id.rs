//! The id of a request: in its answer, in every line of the log about it, and with the message that it brought.

use axum::extract::Request;
use axum::http::HeaderMap;

const HEADER: &str = "x-request-id";
/// Maximum length of an id from a client or proxy.
const MAX_LENGTH: usize = 128;

/// The id of a request with these headers. If the client sent no usable id, it is the one that ROMS made.
pub(crate) fn request_id(headers: &HeaderMap) -> Option<String> {
    headers.get(HEADER)?.to_str().ok().map(str::to_owned)
}

/// Removes an id that is too long or has unusual characters, which would clutter the log, so that ROMS makes
/// one. Also removes an id that looks like a token, which must not be logged.
pub(crate) fn remove_unusable(mut request: Request) -> Request {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.:/+=".contains(c);
    let is_usable = |id: &str| {
        (1..=MAX_LENGTH).contains(&id.len()) && id.chars().all(is_plain) && !id.starts_with("roms_")
    };
    let mut ids = request.headers().get_all(HEADER).iter();
    let first = ids.next().map(|id| id.to_str().is_ok_and(is_usable));
    if first == Some(false) || ids.next().is_some() {
        request.headers_mut().remove(HEADER);
    }
    request
}
