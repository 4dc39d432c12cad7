//! The web page: server-rendered HTML with live rows.
//!
//! | module | what it does |
//! |---|---|
//! | `frame` | the reader of a page, and the parts that all pages share |
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
        HeaderValue, Method, Uri,
        header::{ACCEPT, CONTENT_SECURITY_POLICY, REFERRER_POLICY},
    },
    middleware::map_response_with_state,
    response::{Html, Response},
    routing::{MethodRouter, get, post},
};
use tower_http::compression::CompressionLayer;

use super::AppState;
use super::api::export;
use super::auth::Access;
use super::error::{ApiError, ErrorBody};
use crate::config::{CALLBACK, Level};
use frame::Head;

/// The content security policy. The page loads nothing from other sites and runs only its own script. Only the policy
/// `roms` of that script may turn text into elements. `$pictures` are the sources of pictures.
macro_rules! policy {
    ($pictures:literal) => {
        HeaderValue::from_static(concat!(
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; manifest-src 'self'; \
             worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
             require-trusted-types-for 'script'; trusted-types roms; img-src ",
            $pictures
        ))
    };
}

/// The page that browsers get at `/`. Other clients get the list of routes there.
const START: &str = "/start";

/// A page's route: what a request needs, the path and the handlers.
type Route = (Access, &'static str, MethodRouter<Arc<AppState>>);

/// Every route of the page. With `pictures`, the content security policy permits pictures of products from
/// other sites.
pub(crate) fn routes(pictures: bool) -> Vec<Route> {
    const VIEWER: Access = Access::Person(Level::Viewer);
    const MANAGER: Access = Access::Person(Level::Manager);
    const ADMIN: Access = Access::Person(Level::Admin);
    let routes: Vec<Route> = vec![
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
        (MANAGER, "/orders/{order}", post(order::save)),
        (MANAGER, "/orders/{order}/cancel", post(order::cancel)),
        (VIEWER, "/live/orders", get(live::connect)),
    ];
    let policy = if pictures { policy!("'self' https:") } else { policy!("'self'") };
    let complete = |methods: MethodRouter<Arc<AppState>>| {
        methods.layer(CompressionLayer::new()).layer(map_response_with_state(policy.clone(), mark))
    };
    routes.into_iter().map(|(access, path, methods)| (access, path, complete(methods))).collect()
}

/// Answers browsers that ask for `/` with the page. Runs before routing.
pub(crate) fn prefer_html(mut request: Request) -> Request {
    let accepts = |value: &HeaderValue| value.to_str().is_ok_and(|value| value.contains("text/html"));
    if request.uri().path() == "/"
        && request.method() == Method::GET
        && request.headers().get_all(ACCEPT).iter().any(accepts)
    {
        *request.uri_mut() = Uri::from_static(START);
    }
    request
}

/// Marks the answer to a request for a page: its error is shown as a page too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IsPage;

async fn mark(State(policy): State<HeaderValue>, mut response: Response) -> Response {
    response.extensions_mut().insert(IsPage);
    let headers = response.headers_mut();
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(policy);
    headers.entry(REFERRER_POLICY).or_insert(HeaderValue::from_static("same-origin"));
    response
}

/// An error as a page.
pub(crate) fn error_page(error: &ErrorBody) -> String {
    let page = ErrorPage {
        head: Head::default(),
        title: error.title,
        message: &error.message,
        detail: error.detail.as_deref(),
        request_id: error.request_id.as_deref(),
    };
    page.render().unwrap_or_default()
}

#[derive(Template)]
#[template(path = "error.html", config = "src/http/page/askama.toml")]
struct ErrorPage<'a> {
    head: Head,
    title: &'a str,
    message: &'a str,
    detail: Option<&'a str>,
    request_id: Option<&'a str>,
}

/// The page that a browser keeps to show without a connection.
#[derive(Template)]
#[template(path = "offline.html", config = "src/http/page/askama.toml")]
struct Offline {
    head: Head,
}

async fn offline() -> Result<Html<String>, ApiError> {
    render(&Offline { head: Head::default() })
}

/// Renders a template.
fn render(page: &impl Template) -> Result<Html<String>, ApiError> {
    // Templates only fail if a value's `Display` does.
    page.render().map(Html).map_err(|_| ApiError::Internal)
}
