//! The id of a request: in its answer, in every line of the log about it, and with the message that it brought.

use axum::http::HeaderMap;

/// The id of a request with these headers; `None` if it is not readable text. A request that came without an id has
/// the one that ROMS made.
pub(crate) fn request_id(headers: &HeaderMap) -> Option<String> {
    headers.get("x-request-id")?.to_str().ok().map(str::to_owned)
}
