//! The document of this interface, as JSON, as an interactive page and as a few lines of text.

use std::sync::{Arc, LazyLock};

use axum::{
    Json,
    extract::Path,
    http::{
        HeaderMap, HeaderName,
        header::{ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE},
    },
    response::{IntoResponse, Redirect, Response},
};
use serde::Serialize;
use utoipa::{OpenApi, ToSchema, openapi::path::PathItem};
use utoipa_swagger_ui::Config;

use crate::http::error::{ApiError, ErrorBody};
use crate::http::router::openapi;

/// What the router adds its paths to.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "ROMS",
        description = "Checkout cards in, orders out.",
        license(name = "MIT", identifier = "MIT"),
    ),
    components(schemas(ErrorBody)),
    tags(
        (name = "webhook", description = "What comes in"),
        (name = "orders", description = "What became of it"),
        (name = "live", description = "What becomes of it now"),
        (name = "health", description = "Whether ROMS is well"),
        (name = "docs", description = "What is served where"),
    ),
)]
pub(crate) struct Frame;

static DOCUMENT: LazyLock<utoipa::openapi::OpenApi> = LazyLock::new(openapi);

static PAGE: LazyLock<Arc<Config<'static>>> =
    // The validator is somebody's server: it would be told the address of this one.
    LazyLock::new(|| Arc::new(Config::from("/openapi.json").validator_url("none")));

/// The page loads nothing but its own files; its scripts write styles of their own.
const PAGE_HEADERS: [(HeaderName, &str); 2] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (CACHE_CONTROL, "public, max-age=3600"),
];

/// What is served where.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Index {
    /// Always `roms`.
    name: &'static str,
    /// Version of ROMS.
    version: &'static str,
    /// Every route.
    routes: Vec<RouteBody>,
}

/// One route.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Route)]
struct RouteBody {
    /// Method.
    method: &'static str,
    /// Path, with its variable segment in braces.
    path: &'static str,
    /// What it does.
    summary: &'static str,
}

/// Says what is served where
///
/// As JSON where the client accepts it, else as text.
#[utoipa::path(
    get, path = "/", tag = "docs", operation_id = "index",
    responses((status = 200, description = "Every route", content(
        (String = "text/plain", example = "ROMS 0.1.0\n\nPOST /api/v2/webhooks/orders  Takes checkout cards"),
        (Index = "application/json"),
    )))
)]
pub(crate) async fn index(headers: HeaderMap) -> Response {
    let index = Index { name: "roms", version: env!("CARGO_PKG_VERSION"), routes: routes() };
    let accepts_json = headers
        .get_all(ACCEPT)
        .iter()
        .any(|accept| accept.to_str().is_ok_and(|accept| accept.contains("application/json")));
    if accepts_json { Json(index).into_response() } else { index.to_string().into_response() }
}

/// This document
#[utoipa::path(
    get, path = "/openapi.json", tag = "docs", operation_id = "openapi",
    responses((status = 200, description = "OpenAPI 3.1", body = serde_json::Value))
)]
pub(crate) async fn document() -> Json<&'static utoipa::openapi::OpenApi> {
    Json(&*DOCUMENT)
}

/// The interactive page of this document
#[utoipa::path(
    get, path = "/docs", tag = "docs", operation_id = "docs",
    responses((status = 303, description = "To `/docs/`, which its own links are relative to"))
)]
pub(crate) async fn page() -> Redirect {
    Redirect::to("/docs/")
}

/// The page's files, which lie in this binary. `/docs/` is the page itself.
pub(crate) async fn file(path: Option<Path<String>>) -> Result<Response, ApiError> {
    let path = path.map(|Path(path)| path).unwrap_or_default();
    match utoipa_swagger_ui::serve(&path, Arc::clone(&PAGE)) {
        Ok(Some(file)) => Ok((PAGE_HEADERS, [(CONTENT_TYPE, file.content_type)], file.bytes).into_response()),
        Ok(None) => Err(ApiError::UnknownRoute),
        Err(_) => Err(ApiError::Internal),
    }
}

/// Every route of the document, in its order.
fn routes() -> Vec<RouteBody> {
    let of_path = |(path, item): (&'static String, &'static PathItem)| {
        let operations = [("POST", &item.post), ("GET", &item.get)];
        operations.into_iter().filter_map(move |(method, operation)| {
            let summary = operation.as_ref()?.summary.as_deref().unwrap_or_default();
            Some(RouteBody { method, path, summary })
        })
    };
    DOCUMENT.paths.paths.iter().flat_map(of_path).collect()
}

impl std::fmt::Display for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "ROMS {}\n", self.version)?;
        for RouteBody { method, path, summary } in &self.routes {
            writeln!(f, "{method:<4} {path:<32} {summary}")?;
        }
        Ok(())
    }
}
