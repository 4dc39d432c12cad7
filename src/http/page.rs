//! The web page: server-rendered HTML with live rows.
//!
//! | module | what it does |
//! |---|---|
//! | `frame` | the reader of a page, and the parts that all pages share |
//! | `error` | errors as pages |
//! | `url` | the query of a page's URL, and links to other views |
//! | `cells` | orders as rows of a table |
//! | `orders`, `live` | the list of orders, and its changes as they are stored |
//! | `order`, `form`, `card` | one order, the form that changes it, and its cards as they look in Discord |
//! | `suggest` | suggestions for the fields of filters |
//! | `import` | files that people import, with the rows shown first, and their undo |
//! | `bulk`, `views` | one change to many orders and its undo; lists that are saved under a name |
//! | `start`, `numbers` | what needs attention, and totals with a chart |
//! | `log`, `state` | for administrators: the webhook log, and the state of ROMS |
//! | `sign_in`, `discord_sign_in` | signing in with a token and with Discord, and out again |
//! | `assets` | the style sheet and the script |
//!
//! Templates are in `templates/`. They escape every value, so that text of a card never becomes markup. The pages use
//! the queries and parameters of the API. A page needs no other site, and works without inline script and style.

mod assets;
mod bulk;
mod card;
mod cells;
mod discord_sign_in;
pub(crate) mod error;
mod form;
mod frame;
mod import;
mod live;
mod log;
mod numbers;
mod order;
mod orders;
mod sign_in;
mod start;
mod state;
mod suggest;
mod url;
mod views;

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Request, State},
    http::{
        HeaderMap, HeaderValue, Method, Uri,
        header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY},
    },
    middleware::map_response_with_state,
    response::{Html, Response},
    routing::{MethodRouter, get, post},
};
use tower_http::compression::CompressionLayer;

use super::AppState;
use super::api::export;
use super::auth::{Access, session::accepts_html};
use super::error::ApiError;
use crate::config::{CALLBACK, Level};
use frame::Head;

/// The content security policy. The page loads nothing from other sites and runs only its own script. Only the policy
/// `roms` of that script may turn text into elements. With `pictures`, it permits pictures of products from other sites.
fn policy(pictures: bool) -> HeaderValue {
    macro_rules! policy {
        ($pictures:literal) => {
            concat!(
                "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                 manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; \
                 frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types roms; img-src ",
                $pictures
            )
        };
    }
    HeaderValue::from_static(if pictures { policy!("'self' https:") } else { policy!("'self'") })
}

/// The page that browsers get at `/`. Other clients get the list of routes there.
const START: &str = "/start";

/// A page's route: what a request needs, the path and the handlers.
type Route = (Access, &'static str, MethodRouter<Arc<AppState>>);

/// Every route of the page.
pub(crate) fn routes() -> Vec<Route> {
    const VIEWER: Access = Access::Person(Level::Viewer);
    const MANAGER: Access = Access::Person(Level::Manager);
    const ADMIN: Access = Access::Person(Level::Admin);
    vec![
        (Access::Open, "/assets/{file}", get(assets::file)),
        (Access::Open, "/sign-in", get(sign_in::form).post(sign_in::sign_in)),
        (Access::Open, "/sign-in/discord", get(discord_sign_in::begin)),
        (Access::Open, CALLBACK, get(discord_sign_in::finish)),
        (Access::Open, "/sign-out", post(sign_in::sign_out)),
        (VIEWER, "/sign-out/everywhere", post(sign_in::sign_out_everywhere)),
        (ADMIN, "/sessions/{id}/end", post(sign_in::end_session)),
        (Access::Open, "/manifest.json", get(assets::manifest)),
        (Access::Open, "/worker.js", get(assets::worker)),
        (Access::Open, "/offline", get(offline)),
        (VIEWER, START, get(start::show)),
        (VIEWER, "/numbers", get(numbers::show)),
        (VIEWER, "/numbers/export", get(numbers::export)),
        (VIEWER, "/export", get(export::export)),
        (VIEWER, "/export/products", get(orders::export_products)),
        (ADMIN, "/log", get(log::list)),
        (ADMIN, "/log/{id}", get(log::one)),
        (ADMIN, "/log/{id}/replay", post(log::replay)),
        (ADMIN, "/state", get(state::show)),
        (VIEWER, "/orders", get(orders::list)),
        (VIEWER, "/suggest", get(suggest::names)),
        (MANAGER, "/views", post(views::save)),
        (MANAGER, "/views/{id}/delete", post(views::delete)),
        (MANAGER, "/bulk", post(bulk::change)),
        (MANAGER, "/bulk/undo", post(bulk::undo)),
        (MANAGER, "/import", get(import::list).post(import::upload)),
        (MANAGER, "/import/examples/{file}", get(import::example)),
        (MANAGER, "/import/{id}", get(import::show)),
        (MANAGER, "/import/{id}/report", get(import::report)),
        (MANAGER, "/import/{id}/columns", post(import::remap)),
        (MANAGER, "/import/{id}/commit", post(import::commit)),
        (MANAGER, "/import/{id}/discard", post(import::discard)),
        (MANAGER, "/import/{id}/undo", post(import::undo)),
        (VIEWER, "/orders/{order}", get(order::show)),
        (VIEWER, "/orders/{order}/discord", get(order::discord)),
        (MANAGER, "/orders/{order}", post(order::save)),
        (MANAGER, "/orders/{order}/cancel", post(order::cancel)),
        (VIEWER, "/live/orders", get(live::connect)),
    ]
}

/// Compresses the answers of a page's route, adds their headers, and marks them as answers to a page, refusals included.
pub(crate) fn complete(methods: MethodRouter<Arc<AppState>>, pictures: bool) -> MethodRouter<Arc<AppState>> {
    methods.layer(CompressionLayer::new()).layer(map_response_with_state(policy(pictures), mark))
}

/// Answers browsers that ask for `/` with the page. Runs before routing.
pub(crate) fn prefer_html(mut request: Request) -> Request {
    if request.uri().path() == "/" && request.method() == Method::GET && accepts_html(request.headers()) {
        let start = request.uri().query().and_then(|query| format!("{START}?{query}").parse().ok());
        *request.uri_mut() = start.unwrap_or_else(|| Uri::from_static(START));
    }
    request
}

/// Marks the answer to a request for a page: its error is shown as a page too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IsPage;

async fn mark(State(policy): State<HeaderValue>, mut response: Response) -> Response {
    response.extensions_mut().insert(IsPage);
    add_headers(response.headers_mut(), policy);
    response
}

/// The headers of every page.
fn add_headers(headers: &mut HeaderMap, policy: HeaderValue) {
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(policy);
    headers.entry(REFERRER_POLICY).or_insert(HeaderValue::from_static("same-origin"));
}

/// The page that a browser keeps to show without a connection.
#[derive(Template)]
#[template(path = "offline.html", config = "src/http/page/askama.toml")]
struct Offline {
    head: Head,
}

async fn offline(headers: HeaderMap) -> Result<Html<String>, ApiError> {
    render(&Offline { head: Head::of(&headers) })
}

/// Renders a template.
fn render(page: &impl Template) -> Result<Html<String>, ApiError> {
    // Templates only fail if a value's `Display` does.
    page.render().map(Html).map_err(|_| ApiError::Internal)
}
