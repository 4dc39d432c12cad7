//! What every answer passes through: the log of failures, the usual headers, caught panics.

use std::any::Any;

use axum::{
    extract::{MatchedPath, Request},
    http::{
        HeaderName, HeaderValue,
        header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, X_CONTENT_TYPE_OPTIONS},
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use tower_http::request_id::RequestId;

use super::error::{ApiError, Failure};

/// Headers of every answer that does not set its own. There are none that would let a page of
/// another site read an answer.
const HEADERS: [(HeaderName, HeaderValue); 3] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
];

/// Logs why a request failed, once, and sets the usual headers.
pub(crate) async fn finish(request: Request, next: Next) -> Response {
    let method = request.method().clone();
    // The route only: a path names an order, a query may search for an e-mail address.
    let route = request.extensions().get::<MatchedPath>().cloned();
    let request_id = request.extensions().get::<RequestId>().cloned();

    let mut response = next.run(request).await;

    if let Some(Failure(error)) = response.extensions_mut().remove() {
        let request_id = request_id.as_ref().and_then(|id| id.header_value().to_str().ok());
        let route = route.as_ref().map(MatchedPath::as_str);
        let error = &*error as &(dyn std::error::Error + 'static);
        tracing::error!(request.id = request_id, http.method = %method, http.route = route, error, "request failed");
    }
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(value);
    }
    response
}

/// The answer of a handler that panicked. The panic hook has told where.
pub(crate) fn panicked(_: Box<dyn Any + Send>) -> Response {
    ApiError::Internal.into_response()
}
