//! Lists every route, and the layers that every request and answer passes through.

use std::{any::Any, sync::Arc, time::Duration};

use axum::{
    Extension, Router,
    extract::{MatchedPath, Request, State},
    http::{
        HeaderName, HeaderValue, Method,
        header::{
            AUTHORIZATION, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
            X_CONTENT_TYPE_OPTIONS,
        },
    },
    middleware::{Next, from_fn, from_fn_with_state, map_request},
    response::{IntoResponse, Response},
    routing::get,
};
use tower::{Layer, ServiceBuilder};
use tower_http::{
    catch_panic::CatchPanicLayer,
    cors::{AllowOrigin, CorsLayer},
    normalize_path::NormalizePathLayer,
    request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer},
};
use utoipa::openapi::{
    PathItem, RefOr, Required,
    path::{Operation, ParameterIn},
    security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
};
use utoipa::{OpenApi, openapi};
use utoipa_axum::{
    router::{OpenApiRouter, UtoipaMethodRouter, UtoipaMethodRouterExt},
    routes,
};

use super::api::{
    access_log, changes, discord_webhook, docs, export, health, imports, live, logs, metrics, orders, replay,
    stats, webhook, webhook_deliveries, webhook_endpoints,
};
use super::auth::{Access, authorize, limit_peers};
use super::discord_error::DiscordError;
use super::error::{ApiError, ErrorBody, Failure};
use super::page::{self, error::Asked};
use super::request_id::{remove_unusable, request_id};
use super::{AppState, cross_site, link_path, order_path, peer};
use crate::card::message::LINK_ENDPOINT;
use crate::token::Scope;

/// Every route in the OpenAPI document, and what a request needs. The files of the `/docs` page are not in it.
fn routes(has_metrics: bool) -> Vec<(Access, UtoipaMethodRouter<Arc<AppState>>)> {
    use Access::{AnyToken, ExportLink, Health, Link, Open, Page};
    const INGEST: Access = Access::Scope(Scope::Ingest);
    const READ: Access = Access::Scope(Scope::Read);
    const WRITE: Access = Access::Scope(Scope::Write);
    const ADMIN: Access = Access::Scope(Scope::Admin);
    let mut all = vec![
        (Page, routes!(docs::index)),
        (Page, routes!(docs::document)),
        (Page, routes!(docs::page)),
        (INGEST, routes!(webhook::receive)),
        (Link, routes!(webhook::receive_by_link)),
        (Link, routes!(discord_webhook::execute, discord_webhook::get)),
        (Link, routes!(discord_webhook::execute_slack)),
        (Link, routes!(discord_webhook::edit, discord_webhook::delete)),
        (AnyToken, routes!(webhook::test)),
        (ADMIN, routes!(logs::list)),
        (ADMIN, routes!(logs::one)),
        (ADMIN, routes!(replay::one)),
        (ADMIN, routes!(replay::many)),
        (ADMIN, routes!(access_log::list)),
        (READ, routes!(orders::list)),
        (READ, routes!(export::export)),
        (ExportLink, routes!(export::export_by_link)),
        (READ, routes!(orders::one)),
        (WRITE, routes!(changes::change, changes::cancel)),
        (WRITE, routes!(changes::bulk)),
        (READ, routes!(orders::events)),
        (WRITE, routes!(imports::list, imports::create)),
        (WRITE, routes!(imports::one, imports::discard)),
        (WRITE, routes!(imports::report)),
        (WRITE, routes!(imports::commit)),
        (WRITE, routes!(imports::undo)),
        (READ, routes!(stats::read)),
        (ADMIN, routes!(webhook_endpoints::list, webhook_endpoints::create)),
        (ADMIN, routes!(webhook_endpoints::one, webhook_endpoints::change, webhook_endpoints::delete)),
        (ADMIN, routes!(webhook_endpoints::test)),
        (ADMIN, routes!(webhook_endpoints::rotate)),
        (ADMIN, routes!(webhook_endpoints::replay)),
        (ADMIN, routes!(webhook_deliveries::list)),
        (ADMIN, routes!(webhook_deliveries::replay)),
        (READ, routes!(live::stream::connect)),
        (READ, routes!(live::socket::connect)),
        (Health, routes!(health::health)),
        (Open, routes!(health::live)),
        (Open, routes!(health::ready)),
    ];
    if has_metrics {
        all.push((ADMIN, routes!(metrics::read)));
    }
    all
}

/// Builds the service that answers every request.
pub(crate) fn router(state: Arc<AppState>) -> Router {
    let guard = |access| from_fn_with_state((Arc::clone(&state), access), authorize);
    let mut all = OpenApiRouter::with_openapi(docs::DocumentHead::openapi());
    for (access, (schemas, mut paths, methods)) in routes(state.has_metrics_route) {
        if state.auth.is_required() {
            paths.paths.values_mut().for_each(|item| document_access(item, access));
        }
        all = all.routes((schemas, paths, methods).map(|methods| methods.route_layer(guard(access))));
    }
    let (routes, mut document) = all.split_for_parts();
    document_empty_values(&mut document);
    if state.auth.is_required() {
        document_tokens(&mut document);
    }
    let complete = |methods| page::complete(methods, state.pictures);
    let pages = page::routes().into_iter().fold(routes, |routes, (access, path, methods)| {
        routes.route(path, complete(methods.route_layer(guard(access))))
    });
    let mut routes = pages
        .route("/docs/{*path}", get(docs::file).route_layer(guard(Access::Page)))
        .fallback(async || ApiError::UnknownRoute)
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed);
    if !state.origins.is_empty() {
        routes = routes.layer(cors(&state.origins));
    }
    with_layers(routes.layer(Extension(Arc::new(document))), state)
}

/// Adds the layers that every request and answer passes through.
fn with_layers(routes: Router<Arc<AppState>>, state: Arc<AppState>) -> Router {
    let routes = routes.layer(
        // A request passes through these layers from top to bottom.
        ServiceBuilder::new()
            .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
            .layer(PropagateRequestIdLayer::x_request_id())
            .layer(from_fn(complete_response))
            .layer(CatchPanicLayer::custom(answer_panic))
            .layer(from_fn_with_state(Arc::clone(&state), admit)),
    );
    let routes = if state.metrics.is_on() {
        routes.layer(from_fn_with_state(state.metrics.clone(), metrics::count))
    } else {
        routes
    };
    let routes = routes.with_state(state);
    // A layer of a `Router` runs after routing; these must change the path and the request before.
    let routes = map_request(async |request| {
        let request = order_path::encode_slashes(link_path::remove_version(request));
        page::prefer_html(remove_unusable(request))
    })
    .layer(routes);
    Router::new().fallback_service(NormalizePathLayer::trim_trailing_slash().layer(routes))
}

/// Middleware that finds the client of a request, and refuses clients above their limit and unknown hosts.
async fn admit(
    State(state): State<Arc<AppState>>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let (mut parts, body) = request.into_parts();
    peer::resolve(&state.trusted_proxies, &mut parts);
    limit_peers(&state, &parts)?;
    cross_site::require_known_host(&state, &parts)?;
    Ok(next.run(Request::from_parts(parts, body)).await)
}

/// The name of the token in the OpenAPI document.
const TOKEN_SCHEME: &str = "token";

/// The operations of a path.
fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let methods = [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
    methods.into_iter().flatten()
}

/// Says in the OpenAPI document that a query parameter without a value counts as absent.
fn document_empty_values(document: &mut openapi::OpenApi) {
    let parameters = document.paths.paths.values_mut().flat_map(operations);
    for parameter in parameters.flat_map(|operation| operation.parameters.iter_mut().flatten()) {
        if let RefOr::T(parameter) = parameter
            && parameter.parameter_in == ParameterIn::Query
            && parameter.required == Required::False
        {
            parameter.extensions.get_or_insert_default().insert("allowEmptyValue".to_owned(), true.into());
        }
    }
}

/// Adds what a route needs to the OpenAPI document.
fn document_access(item: &mut PathItem, access: Access) {
    let scopes = match access {
        // The token of a link is a parameter of the path.
        Access::Open | Access::Health | Access::Link | Access::ExportLink => return,
        Access::Page | Access::AnyToken => Vec::new(),
        Access::Scope(_) | Access::Person(_) => access.scope().iter().map(|scope| scope.as_str()).collect(),
    };
    for operation in operations(item) {
        operation.security = Some(vec![SecurityRequirement::new(TOKEN_SCHEME, scopes.clone())]);
    }
}

/// Adds the token to the OpenAPI document, so that the page at `/docs` can ask for it.
fn document_tokens(document: &mut openapi::OpenApi) {
    let description =
        "A token that `roms token create` printed. The scopes of each route are listed with it.";
    let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(description)).build();
    let components = document.components.get_or_insert_default();
    components.add_security_scheme(TOKEN_SCHEME, SecurityScheme::Http(token));
}

/// Lets pages of these origins use the API. They need a token like any other client: there are no cookies.
fn cors(origins: &[String]) -> CorsLayer {
    let origins = origins.iter().filter_map(|origin| HeaderValue::try_from(origin).ok());
    let request_headers = ["if-match", "idempotency-key", "last-event-id"].map(HeaderName::from_static);
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST, Method::PATCH, Method::DELETE])
        .allow_headers([AUTHORIZATION, CONTENT_TYPE].into_iter().chain(request_headers).collect::<Vec<_>>())
        .expose_headers(["etag", "retry-after", "x-request-id"].map(HeaderName::from_static))
        .max_age(CORS_MAX_AGE)
}

/// A browser asks again after this time whether a page of another site may use the API.
const CORS_MAX_AGE: Duration = Duration::from_hours(1);

/// Headers of every answer, unless the handler sets its own value. Without a CORS header, pages of
/// other sites cannot read answers.
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
    let request_id = request_id(request.headers());
    let is_discord_link = request.uri().path().starts_with(LINK_ENDPOINT);
    let asked = Asked::of(&request);

    let mut response = next.run(request).await;

    if let Some(Failure(error)) = response.extensions_mut().remove() {
        if error.is_unlogged_fault() {
            let route = route.as_ref().map(MatchedPath::as_str);
            let error = &*error as &(dyn std::error::Error + 'static);
            tracing::error!(request.id = request_id, http.method = %method, http.route = route, error, "request failed");
        }
        let body = || ErrorBody { request_id: request_id.clone(), ..error.body() };
        let (content_type, text) = if is_discord_link {
            ("application/json", serde_json::to_string(&DiscordError::from(&*error)))
        } else if asked.is_page(&response) {
            ("text/html; charset=utf-8", Ok(asked.page(&body(), response.headers_mut())))
        } else {
            ("application/json", serde_json::to_string(&body()))
        };
        *response.body_mut() = text.unwrap_or_default().into();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
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

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::poll_fn;
    use std::sync::Arc;

    use axum::{
        Router,
        body::{Body, to_bytes},
        extract::{Request, State},
        routing::get,
    };
    use serde_json::Value;
    use tower::Service;

    use super::with_layers;
    use crate::config::{Config, File};
    use crate::http::{AppState, error::ApiError};
    use crate::{feed::Feed, ingest::Ingest, store::Store};

    fn panic() -> impl Future<Output = Result<(), ApiError>> + Send {
        poll_fn(|_| panic!("a canary"))
    }

    /// As handlers do that outlive their request.
    async fn panic_in_a_task(State(state): State<Arc<AppState>>) -> Result<(), ApiError> {
        state.run_to_end(panic()).await?
    }

    #[tokio::test]
    async fn a_panic_is_answered_in_the_shape_of_every_error() {
        let folder = tempfile::tempdir().unwrap();
        let text = format!("[database]\nurl = \"sqlite://{}/roms.db\"", folder.path().display());
        let config = Config::load(Some(File { name: "test", text: &text }), [], |_| unreachable!()).unwrap();
        let store = Store::open(&config.database.url).await.unwrap();
        let (ingest, _) = Ingest::start(store.clone(), Feed::new(1), config.orders.clone());
        let state = AppState::new(ingest, store, Feed::new(1), config.orders.timezone);
        let routes = Router::new().route("/panic", get(panic)).route("/task", get(panic_in_a_task));
        let mut routes = with_layers(routes, Arc::new(state));
        for path in ["/panic", "/task"] {
            let request = Request::get(path).header("x-request-id", "canary-7").body(Body::empty()).unwrap();
            let answer: Result<_, Infallible> = routes.call(request).await;
            let answer = answer.unwrap();
            assert_eq!(
                (answer.status().as_u16(), &answer.headers()["x-request-id"]),
                (500, &"canary-7".parse().unwrap())
            );
            let body: Value =
                serde_json::from_slice(&to_bytes(answer.into_body(), 10_000).await.unwrap()).unwrap();
            let shape = ["code", "title", "request_id"].map(|name| body[name].as_str().unwrap());
            assert_eq!(shape, ["internal", "Internal Server Error", "canary-7"], "{path}");
            assert!(!body.to_string().contains("a canary"), "{body}");
        }
    }
}
