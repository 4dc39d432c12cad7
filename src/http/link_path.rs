//! Accepts webhook links with a version, as Discord's libraries write them: treats
//! `/api/v10/webhooks/1/TOKEN` as `/api/webhooks/1/TOKEN`.

use axum::extract::Request;
use axum::http::Uri;
use axum::http::uri::PathAndQuery;

use crate::card::message::LINK_ENDPOINT;

/// Removes the version from the path of a webhook link.
pub(crate) fn remove_version(mut request: Request) -> Request {
    if let Some(uri) = without_version(request.uri()) {
        *request.uri_mut() = uri;
    }
    request
}

/// The path without its version; `None` if it is not the path of a webhook link with a version. ROMS's own
/// paths under `/api/v2/webhooks/` do not match, because the id after `webhooks` must be a number.
fn without_version(uri: &Uri) -> Option<Uri> {
    let (version, link) = uri.path().strip_prefix("/api/v")?.split_once("/webhooks/")?;
    let (id, _) = link.split_once('/')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    if !is_number(version) || !is_number(id) {
        return None;
    }
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(format!("{LINK_ENDPOINT}{link}{query}")).ok()?);
    Uri::from_parts(parts).ok()
}
