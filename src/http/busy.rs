//! What is answered when there is more to do than can be done: 503 `busy`, soon but not at once.
//!
//! A client that tries again the moment it is refused, whatever `Retry-After` says, would otherwise
//! keep the processor from what was accepted.

use std::time::Duration;

use axum::{
    Router,
    body::Body,
    http::{HeaderValue, header::CONNECTION},
    middleware::{from_fn, map_response},
    response::Response,
    routing::get,
};
use tokio::time::sleep;

use super::api::health;
use super::error::ApiError;
use super::{body, layers};

/// How long the answer is kept back.
pub(crate) const DELAY: Duration = Duration::from_millis(100);

/// What is served to a connection for which there is no place. Whoever watches over the process
/// still sees that it runs.
pub(crate) fn router() -> Router {
    Router::new()
        .route("/health/live", get(health::live))
        .fallback(turn_away)
        .layer(from_fn(layers::finish))
        .layer(map_response(closed))
}

async fn turn_away(body: Body) -> ApiError {
    // A connection that is closed over unread data is reset, and the answer lost on its way.
    body::discard(body.into_data_stream()).await;
    sleep(DELAY).await;
    ApiError::Busy
}

/// Leaves the place to the next one.
async fn closed(mut response: Response) -> Response {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
