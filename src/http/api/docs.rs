//! The API documentation: the OpenAPI document, the interactive page, and the list of routes at `/`.

use std::sync::{Arc, LazyLock};

use axum::{
    Extension, Json,
    http::{
        HeaderMap, HeaderName,
        header::{ACCEPT, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE},
    },
    response::{Html, IntoResponse, Response},
};
use serde::Serialize;
use utoipa::{
    OpenApi, ToSchema,
    openapi::{self, path::PathItem},
};
use utoipa_swagger_ui::Config;

use crate::http::discord_error::DiscordError;
use crate::http::error::{ApiError, ErrorBody, PageErrors};
use crate::http::query::PathSegment;

/// The parts of the OpenAPI document that belong to no route.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "ROMS",
        description = "ROMS receives checkout cards and keeps the orders in them.",
        license(name = "MIT", identifier = "MIT"),
    ),
    components(schemas(ErrorBody, DiscordError)),
    tags(
        (name = "Webhook", description = "Send checkout cards, and read the log of received messages"),
        (name = "Orders", description = "List orders, read one order and its history, and change orders"),
        (name = "Imports", description = "Import files, see what they would change, and undo imports"),
        (name = "Live updates", description = "Receive every new and changed order as it is stored"),
        (name = "Access", description = "See how tokens are used, and which requests were refused"),
        (name = "Health", description = "Check whether ROMS accepts orders"),
        (name = "Documentation", description = "This API"),
    ),
)]
pub(crate) struct DocumentHead;

/// The OpenAPI document of every route, which the router adds to each request.
type Document = Extension<Arc<openapi::OpenApi>>;

static SWAGGER_UI: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| {
    let config = Config::from("/openapi.json").use_base_layout().default_models_expand_depth(0);
    // The validator is a public server; the page would send it this server's address.
    Arc::new(config.validator_url("none"))
});

/// The page. Swagger UI's own one has no viewport and does not fit a phone.
const PAGE: &str = include_str!("../../../assets/docs/index.html");
const STYLE: &str = include_str!("../../../assets/docs/docs.css");

/// The page loads only its own files. Swagger UI sets inline styles.
const PAGE_HEADERS: [(HeaderName, &str); 2] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (CACHE_CONTROL, "public, max-age=3600"),
];

/// The list of routes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Index<'a> {
    /// Always `roms`.
    name: &'static str,
    /// Version of ROMS.
    version: &'static str,
    routes: Vec<RouteBody<'a>>,
}

/// One route.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Route)]
struct RouteBody<'a> {
    method: &'static str,
    /// Path, with variable segments in braces.
    path: &'a str,
    /// The purpose of the route.
    summary: &'a str,
}

/// List every route
///
/// Answers JSON if the `Accept` header asks for it, otherwise text.
#[utoipa::path(
    get, path = "/", tag = "Documentation", operation_id = "index",
    responses((status = 200, description = "Every route", content(
        (String = "text/plain", example = "ROMS 1.0.0\n\nPOST   /api/v2/webhooks/orders  Send checkout cards"),
        (Index = "application/json"),
    )), PageErrors)
)]
pub(crate) async fn index(Extension(document): Document, headers: HeaderMap) -> Response {
    let index = Index { name: "roms", version: env!("CARGO_PKG_VERSION"), routes: routes(&document) };
    let accepts_json = headers
        .get_all(ACCEPT)
        .iter()
        .any(|accept| accept.to_str().is_ok_and(|accept| accept.contains("application/json")));
    if accepts_json { Json(index).into_response() } else { index.to_string().into_response() }
}

/// Show this document as JSON
#[utoipa::path(
    get, path = "/openapi.json", tag = "Documentation", operation_id = "openapi",
    responses((status = 200, description = "OpenAPI 3.1", body = serde_json::Value), PageErrors)
)]
pub(crate) async fn document(Extension(document): Document) -> Json<Arc<openapi::OpenApi>> {
    Json(document)
}

/// Show this page
#[utoipa::path(
    get, path = "/docs", tag = "Documentation", operation_id = "docs",
    responses((status = 200, description = "The interactive documentation", content_type = "text/html", body = String), PageErrors)
)]
pub(crate) async fn page() -> Response {
    (PAGE_HEADERS, Html(PAGE)).into_response()
}

/// Serves the files of the page, which are embedded in the binary.
pub(crate) async fn file(PathSegment(path): PathSegment) -> Result<Response, ApiError> {
    if path == "docs.css" {
        return Ok((PAGE_HEADERS, [(CONTENT_TYPE, "text/css")], STYLE).into_response());
    }
    match utoipa_swagger_ui::serve(&path, Arc::clone(&SWAGGER_UI)) {
        Ok(Some(file)) => {
            // Swagger UI is embedded as gzip, which makes the binary 3 MB smaller. Every browser reads it.
            let encoding = file.gzpipped.then_some([(CONTENT_ENCODING, "gzip")]);
            Ok((PAGE_HEADERS, [(CONTENT_TYPE, file.content_type)], encoding, file.bytes).into_response())
        }
        Ok(None) => Err(ApiError::UnknownRoute),
        Err(_) => Err(ApiError::Internal),
    }
}

/// Every route, in the order of the document.
fn routes(document: &openapi::OpenApi) -> Vec<RouteBody<'_>> {
    fn of_path<'a>((path, item): (&'a String, &'a PathItem)) -> impl Iterator<Item = RouteBody<'a>> {
        let operations =
            [("POST", &item.post), ("GET", &item.get), ("PATCH", &item.patch), ("DELETE", &item.delete)];
        operations.into_iter().filter_map(move |(method, operation)| {
            let summary = operation.as_ref()?.summary.as_deref().unwrap_or_default();
            Some(RouteBody { method, path, summary })
        })
    }
    document.paths.paths.iter().flat_map(of_path).collect()
}

impl std::fmt::Display for Index<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "ROMS {}\n", self.version)?;
        for RouteBody { method, path, summary } in &self.routes {
            writeln!(f, "{method:<6} {path:<34} {summary}")?;
        }
        Ok(())
    }
}
