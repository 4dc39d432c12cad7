//! Order numbers with a slash in paths: `/api/v2/orders/12-34567/LA1` is the order `12-34567/LA1`.

use axum::extract::Request;
use axum::http::Uri;
use axum::http::uri::PathAndQuery;

/// The path of one order, in front of its number.
const PREFIX: &str = "/api/v2/orders/";
/// The paths of an order end in its number or in this.
const EVENTS: &str = "/events";

/// Percent-encodes the slashes inside an order number, so that it is one segment of the path. A number that ends in
/// `/events` must be encoded by the client.
pub(crate) fn encode_slashes(mut request: Request) -> Request {
    if let Some(uri) = encoded(request.uri()) {
        *request.uri_mut() = uri;
    }
    request
}

/// The address with its slashes encoded; `None` if there are none to encode.
fn encoded(uri: &Uri) -> Option<Uri> {
    let rest = uri.path().strip_prefix(PREFIX)?;
    let (number, end) = rest.strip_suffix(EVENTS).map_or((rest, ""), |number| (number, EVENTS));
    if !number.trim_matches('/').contains('/') {
        return None;
    }
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let path = format!("{PREFIX}{}{end}{query}", number.replace('/', "%2F"));
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(path).ok()?);
    Uri::from_parts(parts).ok()
}
