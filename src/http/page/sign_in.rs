//! Signing in with a token, and out again.

use std::sync::Arc;

use askama::Template;
use axum::{
    body::Body,
    extract::{RawQuery, State},
    http::{
        HeaderMap, StatusCode,
        header::{LOCATION, SET_COOKIE},
    },
    response::{Html, IntoResponse, Response},
};

use super::frame::Head;
use super::render;
use super::url::UrlQuery;
use crate::http::auth::session::{SIGN_IN, set_cookie};
use crate::http::cross_site::SameOrigin;
use crate::http::error::ApiError;
use crate::http::{AppState, body};
use crate::token::Secret;

#[derive(Template)]
#[template(path = "sign_in.html", config = "src/http/page/askama.toml")]
struct SignIn {
    head: Head,
    /// The page to show afterwards.
    next: String,
    failed: bool,
}

pub(crate) async fn form(RawQuery(query): RawQuery) -> Result<Html<String>, ApiError> {
    let query = UrlQuery::of(query.as_deref());
    render(&SignIn { head: Head::default(), next: query.get("next").to_owned(), failed: false })
}

pub(crate) async fn sign_in(
    _: SameOrigin,
    State(state): State<Arc<AppState>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let form = UrlQuery::of(Some(&body::read_text(body, &state.closing).await?));
    let secret = Secret::parse(form.get("token").trim());
    let next = form.get("next");
    match secret {
        Some(secret) if state.auth.accepts(&secret).await => {
            Ok(lead_to(local(next), &headers, Some(&secret)))
        }
        _ => {
            let page = render(&SignIn { head: Head::default(), next: next.to_owned(), failed: true })?;
            Ok((StatusCode::FORBIDDEN, page).into_response())
        }
    }
}

pub(crate) async fn sign_out(_: SameOrigin, headers: HeaderMap) -> Response {
    lead_to(SIGN_IN, &headers, None)
}

fn lead_to(path: &str, headers: &HeaderMap, secret: Option<&Secret>) -> Response {
    let mut response = (StatusCode::SEE_OTHER, [(LOCATION, path)]).into_response();
    if let Some(cookie) = set_cookie(headers, secret) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}

/// A path of this server. Anything else could lead to another site.
fn local(path: &str) -> &str {
    let is_local =
        path.starts_with('/') && !path.starts_with("//") && !path.contains(['\\', '\r', '\n', '\t']);
    if is_local { path } else { "/" }
}
