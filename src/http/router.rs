//! Lists every route, and the layers that every request and answer passes through.

use std::{any::Any, sync::Arc};

use axum::{
    Extension, Router,
    extract::{MatchedPath, Request},
    http::{
        HeaderName, HeaderValue,
        header::{
            CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS,
        },
    },
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::get,
};
use tower::{Layer, ServiceBuilder};
use tower_http::{
    catch_panic::CatchPanicLayer,
    normalize_path::NormalizePathLayer,
    request_id::{MakeRequestUuid, PropagateRequestIdLayer, RequestId, SetRequestIdLayer},
};
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::api::{changes, docs, health, live, logs, orders, replay, stats, webhook};
use super::error::{ApiError, ErrorBody, Failure};
use super::{AppState, cross_site};

/// Every route in the OpenAPI document. The files of the `/docs` page are not in it.
fn documented() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::with_openapi(docs::DocumentHead::openapi())
        .routes(routes!(docs::index))
        .routes(routes!(docs::document))
        .routes(routes!(docs::page))
        .routes(routes!(webhook::receive))
        .routes(routes!(webhook::test))
        .routes(routes!(logs::list))
        .routes(routes!(logs::one))
        .routes(routes!(replay::one))
        .routes(routes!(replay::many))
        .routes(routes!(orders::list))
        .routes(routes!(orders::one, changes::change, changes::cancel))
        .routes(routes!(changes::bulk))
        .routes(routes!(orders::events))
        .routes(routes!(stats::read))
        .routes(routes!(live::connect))
        .routes(routes!(health::health))
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
}

/// Builds the service that answers every request.
pub fn router(state: AppState) -> Router {
    let state = Arc::new(state);
    let (routes, document) = documented().split_for_parts();
    let routes = routes
        .route("/docs/{*path}", get(docs::file))
        .fallback(async || ApiError::UnknownRoute)
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .layer(
            // A request passes through these layers from top to bottom.
            ServiceBuilder::new()
                .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
                .layer(PropagateRequestIdLayer::x_request_id())
                .layer(from_fn(complete_response))
                .layer(CatchPanicLayer::custom(answer_panic))
                .layer(from_fn_with_state(state.clone(), cross_site::require_known_host)),
        )
        .layer(Extension(Arc::new(document)))
        .with_state(state);
    // A layer of a `Router` runs after routing; this one must change the path before.
    Router::new().fallback_service(NormalizePathLayer::trim_trailing_slash().layer(routes))
}

/// Headers of every answer, unless the handler sets its own value. There is no CORS header, so
/// pages of other sites cannot read answers.
const DEFAULT_HEADERS: [(HeaderName, HeaderValue); 3] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
];

/// Middleware that writes the body of an error, logs its cause, and adds [`DEFAULT_HEADERS`].
pub(crate) async fn complete_response(request: Request, next: Next) -> Response {
    let method = request.method().clone();
    // Log the route, not the path and query: they name orders and may hold e-mail addresses.
    let route = request.extensions().get::<MatchedPath>().cloned();
    let request_id = request.extensions().get::<RequestId>().cloned();

    let mut response = next.run(request).await;

    if let Some(Failure(error)) = response.extensions_mut().remove() {
        let request_id = request_id.as_ref().and_then(|id| id.header_value().to_str().ok());
        if error.is_unlogged_fault() {
            let route = route.as_ref().map(MatchedPath::as_str);
            let error = &*error as &(dyn std::error::Error + 'static);
            tracing::error!(request.id = request_id, http.method = %method, http.route = route, error, "request failed");
        }
        let body = ErrorBody { request_id: request_id.map(str::to_owned), ..error.body() };
        *response.body_mut() = serde_json::to_vec(&body).unwrap_or_default().into();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        // The length of the empty body.
        response.headers_mut().remove(CONTENT_LENGTH);
    }
    for (name, value) in DEFAULT_HEADERS {
        response.headers_mut().entry(name).or_insert(value);
    }
    response
}

/// The answer of a handler that panicked. The panic hook has already logged where.
fn answer_panic(_: Box<dyn Any + Send>) -> Response {
    ApiError::Internal.into_response()
}
