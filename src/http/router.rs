//! All routes in one list, and what every request and answer passes through.

use std::sync::Arc;

use axum::{
    Router,
    middleware::{from_fn, from_fn_with_state},
    routing::get,
};
use tower::ServiceBuilder;
use tower_http::{
    catch_panic::CatchPanicLayer,
    request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer},
};
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::api::{docs, health, live, logs, orders, webhook};
use super::error::ApiError;
use super::{AppState, host, layers};

/// Everything that is served, as one service.
pub fn router(state: AppState) -> Router {
    let state = Arc::new(state);
    let (routes, _) = documented().split_for_parts();
    routes
        .route("/docs/", get(docs::file))
        .route("/docs/{*path}", get(docs::file))
        .fallback(async || ApiError::UnknownRoute)
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .layer(
            ServiceBuilder::new()
                .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
                .layer(PropagateRequestIdLayer::x_request_id())
                .layer(from_fn(layers::finish))
                .layer(CatchPanicLayer::custom(layers::panicked))
                .layer(from_fn_with_state(state.clone(), host::check)),
        )
        .with_state(state)
}

/// The `OpenAPI` 3.1 document of everything that is served.
pub fn openapi() -> utoipa::openapi::OpenApi {
    documented().into_openapi()
}

/// Every route there is, but for the files of the page at `/docs/`.
fn documented() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::with_openapi(docs::Frame::openapi())
        .routes(routes!(docs::index))
        .routes(routes!(docs::document))
        .routes(routes!(docs::page))
        .routes(routes!(webhook::receive))
        .routes(routes!(webhook::test))
        .routes(routes!(logs::list))
        .routes(routes!(logs::one))
        .routes(routes!(orders::list))
        .routes(routes!(orders::one))
        .routes(routes!(orders::events))
        .routes(routes!(live::connect))
        .routes(routes!(health::health))
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
}
