//! Errors as pages. The routes of the page answer with one, and so does every other route if a person opens it in
//! a browser, except those of the API.

use askama::Template;
use axum::{
    extract::Request,
    http::{HeaderMap, header::CONTENT_SECURITY_POLICY},
    response::Response,
};

use super::frame::Head;
use super::url::UrlQuery;
use super::{IsPage, add_headers, policy};
use crate::http::auth::session::{SIGN_IN, wants_html};
use crate::http::error::ErrorBody;

/// The paths below this one answer with JSON, in a browser too.
const API: &str = "/api/";

/// The parts of a request that decide how its error looks.
pub(crate) struct Asked {
    head: Head,
    /// The path and query of the page that a browser opens; `None` for any other request, such as a sent form.
    page: Option<String>,
    is_api: bool,
}

#[derive(Template)]
#[template(path = "error.html", config = "src/http/page/askama.toml")]
struct ErrorPage<'a> {
    head: Head,
    code: &'a str,
    title: &'a str,
    message: &'a str,
    detail: Option<&'a str>,
    request_id: Option<&'a str>,
    /// The link to the sign-in form, if signing in may help.
    sign_in: Option<String>,
    /// Whether opening the page again may help. The template links to the page with an empty address, because its real
    /// address may hold a secret.
    may_retry: bool,
    /// Whether a form was sent, which the browser still has.
    keeps_form: bool,
}

impl Asked {
    pub(crate) fn of(request: &Request) -> Self {
        let (method, headers) = (request.method(), request.headers());
        let url = || request.uri().path_and_query().map_or("/", |url| url.as_str()).to_owned();
        Self {
            head: Head::of(headers),
            page: wants_html(method, headers).then(url),
            is_api: request.uri().path().starts_with(API),
        }
    }

    /// Whether the error of an answer is a page.
    pub(crate) fn is_page(&self, response: &Response) -> bool {
        response.extensions().get::<IsPage>().is_some() || self.page.is_some() && !self.is_api
    }

    /// The error as a page. Its headers become those of a page.
    pub(crate) fn page(&self, error: &ErrorBody, headers: &mut HeaderMap) -> String {
        headers.remove(CONTENT_SECURITY_POLICY);
        add_headers(headers, policy(false));
        let (title, message, detail) = match error.code {
            "unauthorized" => ("You are signed out", "Nothing was changed. Sign in to go on.", None),
            "missing_scope" | "missing_level" => ("No access", &*error.message, error.detail.as_deref()),
            "unknown_route" => ("No such page", "There is no page at this address.", None),
            "not_found" => ("Not found", &*error.message, error.detail.as_deref()),
            _ => (error.title, &*error.message, error.detail.as_deref()),
        };
        let may_sign_in = matches!(error.code, "unauthorized" | "missing_scope" | "missing_level");
        let sign_in = || {
            let next = self.page.as_deref().unwrap_or("/");
            UrlQuery::default().with("next", next).link(SIGN_IN)
        };
        let page = ErrorPage {
            head: self.head.clone(),
            code: error.code,
            title,
            message,
            detail,
            request_id: error.request_id.as_deref(),
            sign_in: may_sign_in.then(sign_in),
            may_retry: self.page.is_some() && (error.status >= 500 || error.status == 429),
            keeps_form: self.page.is_none(),
        };
        page.render().unwrap_or_default()
    }
}
