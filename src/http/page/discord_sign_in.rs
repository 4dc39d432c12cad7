//! Handlers for signing in with Discord: one redirects the browser to Discord, the other begins a session
//! when it returns.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{
        StatusCode,
        header::{LOCATION, SET_COOKIE},
        request::Parts,
    },
    response::{IntoResponse, Response},
};
use chrono::TimeDelta;
use form_urlencoded::{byte_serialize, parse};
use subtle::ConstantTimeEq;

use super::sign_in::{Fault, begin_session, local};
use super::url::UrlQuery;
use crate::clock::now;
use crate::http::AppState;
use crate::http::auth::session::{ATTEMPT, Connection, SIGN_IN};
use crate::http::error::ApiError;
use crate::http::peer::Peer;
use crate::sign_in::{Discord, SignInError};
use crate::store::{Holder, KnownLevel, NewSession};

/// Maximum time between leaving for Discord and returning.
const ATTEMPT_TIME: TimeDelta = TimeDelta::minutes(10);

/// Redirects to Discord. A cookie of the browser keeps the secrets of the attempt.
pub(crate) async fn begin(
    State(state): State<Arc<AppState>>,
    request: Request,
) -> Result<Response, ApiError> {
    let discord = state.auth.discord().ok_or(ApiError::UnknownRoute)?;
    let attempt = discord.begin();
    let query = UrlQuery::of(request.uri().query());
    let next: String = byte_serialize(local(query.get("next")).as_bytes()).collect();
    let cookie = format!("{}.{}.{next}", attempt.state, attempt.verifier);
    let is_https = Connection::of(request.headers(), request.extensions(), &state).is_https;
    let mut response = (StatusCode::SEE_OTHER, [(LOCATION, attempt.url)]).into_response();
    if let Some(cookie) = ATTEMPT.set(is_https, &cookie, ATTEMPT_TIME) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    Ok(response)
}

/// Discord redirects the browser here, with a code or an error.
pub(crate) async fn finish(
    State(state): State<Arc<AppState>>,
    request: Request,
) -> Result<Response, ApiError> {
    let discord = state.auth.discord().ok_or(ApiError::UnknownRoute)?;
    let (parts, _) = request.into_parts();
    let Peer(peer) = Peer::of(&parts.extensions);
    state.auth.admit_attempt(peer)?;
    let browser = Connection::of(&parts.headers, &parts.extensions, &state);
    let (verifier, next) = attempt_of(&parts, &browser);
    let mut response = match sign_in(&state, discord, &parts, verifier).await? {
        Ok(new) => begin_session(&state, &browser, new, &next).await?,
        Err((fault, person)) => {
            state.auth.report_refusal(&state, &parts, None, person, fault.code());
            let query = UrlQuery::default().with("next", next).with("fault", fault.code());
            (StatusCode::SEE_OTHER, [(LOCATION, query.link(SIGN_IN))]).into_response()
        }
    };
    // Remove the cookie: Discord accepts a code only once, so the attempt cannot be repeated.
    if let Some(cookie) = ATTEMPT.remove(browser.is_https) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}

/// The verifier of the browser's attempt, if the request belongs to it, and the page to show afterwards.
fn attempt_of(parts: &Parts, browser: &Connection<'_>) -> (Option<String>, String) {
    let mut attempt = ATTEMPT.read(browser).unwrap_or_default().splitn(3, '.');
    let [state, verifier, next] = [(); 3].map(|()| attempt.next().unwrap_or_default());
    // The cookie holds the page percent-encoded, in the form of a query with one name.
    let next = parse(next.as_bytes()).next().map_or_else(String::new, |(next, _)| next.into_owned());
    let query = UrlQuery::of(parts.uri.query());
    let is_same = !state.is_empty() && bool::from(state.as_bytes().ct_eq(query.get("state").as_bytes()));
    (is_same.then(|| verifier.to_owned()), local(&next).to_owned())
}

/// The session to begin. The error is the fault, and the person if Discord has named one.
async fn sign_in(
    state: &AppState,
    discord: &dyn Discord,
    parts: &Parts,
    verifier: Option<String>,
) -> Result<Result<NewSession, (Fault, Option<String>)>, ApiError> {
    let Some(verifier) = verifier else { return Ok(Err((Fault::Expired, None))) };
    let query = UrlQuery::of(parts.uri.query());
    if !query.get("error").is_empty() {
        return Ok(Err((Fault::Cancelled, None)));
    }
    let fault = match discord.finish(query.get("code").to_owned(), verifier).await {
        Ok(person) => {
            let Some(level) = person.level else {
                return Ok(Err((Fault::NoAccess, Some(format!("discord:{}", person.id)))));
            };
            let Peer(peer) = Peer::of(&parts.extensions);
            let level = KnownLevel { level, read_at: now() };
            let holder = Holder::User { id: person.id, level };
            state.auth.set_level(person.id, level).await;
            return Ok(Ok(NewSession { holder, name: person.name, peer: Some(peer.to_string()) }));
        }
        Err(SignInError::Refused) => Fault::Refused,
        Err(SignInError::Unavailable(_)) => Fault::Unavailable,
        Err(error @ SignInError::Misconfigured) => {
            tracing::error!("{error}");
            Fault::Unavailable
        }
    };
    Ok(Err((fault, None)))
}
