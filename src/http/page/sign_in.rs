//! Handlers for signing in with a token, and for signing out.

use std::net::IpAddr;
use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{RawQuery, Request, State},
    http::{
        HeaderMap, StatusCode,
        header::{LOCATION, SET_COOKIE},
    },
    response::{Html, IntoResponse, Response},
};

use super::frame::{Head, Viewer};
use super::render;
use super::url::UrlQuery;
use crate::clock::now;
use crate::http::auth::session::{Connection, SESSION, SIGN_IN};
use crate::http::cross_site::SameOrigin;
use crate::http::error::{ApiError, bad_parameter};
use crate::http::peer::Peer;
use crate::http::query::PathSegment;
use crate::http::{AppState, body};
use crate::store::{Holder, NewSession, Session, Token};
use crate::token::{Scope, Secret, TokenKind};

/// Why a sign-in failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Token,
    /// The token is part of a link.
    LinkToken,
    /// The token may not read orders.
    NoReadScope,
    Cancelled,
    Expired,
    Refused,
    NoAccess,
    Unavailable,
}

impl Fault {
    const ALL: [Self; 8] = [
        Self::Token,
        Self::LinkToken,
        Self::NoReadScope,
        Self::Cancelled,
        Self::Expired,
        Self::Refused,
        Self::NoAccess,
        Self::Unavailable,
    ];

    /// The name in URLs, in the log and in the access log.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Token => "wrong_token",
            Self::LinkToken => "token_of_a_link",
            Self::NoReadScope => "token_without_read",
            Self::Cancelled => "sign_in_cancelled",
            Self::Expired => "sign_in_expired",
            Self::Refused => "sign_in_refused",
            Self::NoAccess => "no_access",
            Self::Unavailable => "discord_unavailable",
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::Token => "This is not a valid token.",
            Self::LinkToken => {
                "This token belongs to a link and cannot sign in. Use an API token with the scope `read`: \
                 `roms token create --name NAME --scope read`."
            }
            Self::NoReadScope => {
                "This token may not read orders. Use one with the scope `read`: \
                 `roms token create --name NAME --scope read`."
            }
            Self::Cancelled => "You have cancelled the sign-in at Discord.",
            Self::Expired => "The sign-in took too long, or was begun in another browser. Try again.",
            Self::Refused => "Discord did not accept the sign-in. Try again.",
            Self::NoAccess => {
                "None of your roles gives access to ROMS. Ask an administrator of your Discord server."
            }
            Self::Unavailable => "Discord does not answer. Try again in a moment.",
        }
    }
}

#[derive(Template)]
#[template(path = "sign_in.html", config = "src/http/page/askama.toml")]
struct SignIn {
    head: Head,
    /// The page to show afterwards.
    next: String,
    fault: Option<Fault>,
    /// The link to sign in with Discord.
    discord: Option<String>,
}

impl SignIn {
    fn page(
        state: &AppState,
        headers: &HeaderMap,
        next: &str,
        fault: Option<Fault>,
    ) -> Result<Html<String>, ApiError> {
        let link = || UrlQuery::default().with("next", local(next)).link("/sign-in/discord");
        let discord = state.auth.discord().map(|_| link());
        render(&Self { head: Head::of(headers), next: next.to_owned(), fault, discord })
    }
}

pub(crate) async fn form(
    State(state): State<Arc<AppState>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Html<String>, ApiError> {
    let query = UrlQuery::of(query.as_deref());
    let fault = Fault::ALL.into_iter().find(|fault| fault.code() == query.get("fault"));
    SignIn::page(&state, &headers, query.get("next"), fault)
}

pub(crate) async fn sign_in(
    _: SameOrigin,
    State(state): State<Arc<AppState>>,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let Peer(peer) = Peer::of(&parts.extensions);
    state.auth.admit_attempt(peer)?;
    let form = UrlQuery::of(Some(&body::read_text(body, &state.closing).await?));
    // Some people paste a whole link, which has its token between slashes.
    let token = match form.get("token").trim().split('/').find_map(Secret::parse) {
        Some(secret) => state.auth.find_token(&secret).await,
        None => None,
    };
    let next = form.get("next");
    match session_of(token.as_deref(), peer) {
        Ok(new) => {
            let browser = Connection::of(&parts.headers, &parts.extensions, &state);
            begin_session(&state, &browser, new, local(next)).await
        }
        Err(fault) => {
            state.auth.report_refusal(&state, &parts, token.as_deref(), None, fault.code());
            let page = SignIn::page(&state, &parts.headers, next, Some(fault))?;
            Ok((StatusCode::FORBIDDEN, page).into_response())
        }
    }
}

/// The session of a token's holder.
fn session_of(token: Option<&Token>, peer: IpAddr) -> Result<NewSession, Fault> {
    let token = token.ok_or(Fault::Token)?;
    if token.kind != TokenKind::Api {
        return Err(Fault::LinkToken);
    }
    if !token.scopes.allow(Scope::Read) {
        return Err(Fault::NoReadScope);
    }
    let (holder, name) = (Holder::Token(token.id), token.name.clone());
    Ok(NewSession { holder, name, peer: Some(peer.to_string()) })
}

/// Begins a session and redirects to a page. An earlier session of the browser ends.
pub(crate) async fn begin_session(
    state: &AppState,
    browser: &Connection<'_>,
    new: NewSession,
    next: &str,
) -> Result<Response, ApiError> {
    end_session_of(state, browser).await?;
    let secret = state.store.create_session(new, now()).await?;
    let mut response = (StatusCode::SEE_OTHER, [(LOCATION, next)]).into_response();
    if let Some(cookie) = SESSION.set(browser.is_https, secret.expose(), Session::LIFETIME) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    Ok(response)
}

pub(crate) async fn sign_out(
    _: SameOrigin,
    State(state): State<Arc<AppState>>,
    request: Request,
) -> Result<Response, ApiError> {
    let browser = Connection::of(request.headers(), request.extensions(), &state);
    end_session_of(&state, &browser).await?;
    Ok(signed_out(&browser))
}

/// Ends all sessions of the reader.
pub(crate) async fn sign_out_everywhere(
    _: SameOrigin,
    viewer: Viewer,
    State(state): State<Arc<AppState>>,
    request: Request,
) -> Result<Response, ApiError> {
    if let Some(session) = viewer.caller.session() {
        state.store.end_sessions_of(&session.holder, &viewer.actor(), now()).await?;
    }
    Ok(signed_out(&Connection::of(request.headers(), request.extensions(), &state)))
}

/// Ends any session, for administrators.
pub(crate) async fn end_session(
    _: SameOrigin,
    viewer: Viewer,
    State(state): State<Arc<AppState>>,
    PathSegment(id): PathSegment,
) -> Result<Response, ApiError> {
    let id = id.parse().map_err(|_| bad_parameter("id", "Not a whole number."))?;
    if !state.store.end_session(id, &viewer.actor(), now()).await? {
        return Err(ApiError::NotFound("session"));
    }
    Ok((StatusCode::SEE_OTHER, [(LOCATION, "/state")]).into_response())
}

/// Ends the session of a browser, if it has one.
async fn end_session_of(state: &AppState, browser: &Connection<'_>) -> Result<(), ApiError> {
    if let Some(secret) = browser.session()
        && let Some(session) = state.store.session(&secret.hash()).await?
    {
        state.store.end_session(session.id, &session.actor(), now()).await?;
    }
    Ok(())
}

fn signed_out(browser: &Connection<'_>) -> Response {
    let mut response = (StatusCode::SEE_OTHER, [(LOCATION, SIGN_IN)]).into_response();
    if let Some(cookie) = SESSION.remove(browser.is_https) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}

/// Returns the text if it is a path of this server, otherwise the start page. Any other address could lead to
/// another site.
pub(crate) fn local(path: &str) -> &str {
    let is_local =
        path.starts_with('/') && !path.starts_with("//") && !path.contains(['\\', '\r', '\n', '\t']);
    if is_local { path } else { "/" }
}
