//! Refuses requests that a page of another site makes a browser send.
//!
//! A browser on this machine can reach the loopback address, where requests may need no token. Two
//! rules keep other sites out:
//!
//! - *Known host*, where no token is required: `Host` must be an IP address, this machine's own name, or a configured name. An
//!   attacker can make the name of their page resolve to this machine (DNS rebinding). For the
//!   browser, our API then has the same origin as that page; only `Host` still shows the page's name.
//! - *Same origin*: where a browser lets any page send a request (posting a form, opening a
//!   WebSocket), `Origin` must be absent, name the same host as `Host`, or be configured.
//!
//! Each refused request is logged, and leaves a row in the webhook log at most once a minute.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::{
    extract::{FromRequestParts, MatchedPath},
    http::{
        HeaderMap, HeaderName, HeaderValue,
        header::{HOST, ORIGIN},
        request::Parts,
        uri::Authority,
    },
};
use tokio::time::sleep_until;
use url::Host;

use super::AppState;
use super::error::{ApiError, cross_origin, unknown_host};
use super::peer::Peer;
use super::request_id::request_id;
use crate::card::message::Message;
use crate::card::outcome::{Rejection, RejectionCode};
use crate::clock;
use crate::log_limit::LogLimiter;

/// The name under which the log filter finds the lines about refused requests, as in
/// `info,roms::refused=off`.
const REFUSED_LINES: &str = "roms::refused";
/// The shortest time between two log rows for the same reason and peer.
const ROW_INTERVAL: Duration = Duration::from_mins(1);
/// Reasons and peers that are remembered for [`ROW_INTERVAL`]. Beyond these, no rows are written.
const MAX_REMEMBERED: usize = 1_000;
/// The longest name of a site in a log line, in characters.
const MAX_SITE_CHARS: usize = 100;

/// Refuses a request for an unknown host. Browsers always send `Host`, so a request without it is safe. So is
/// every request where a token is required: a page of another site has none.
pub(crate) fn require_known_host(state: &Arc<AppState>, parts: &Parts) -> Result<(), ApiError> {
    let mut hosts = parts.headers.get_all(HOST).iter();
    if state.auth.is_required() || hosts.all(|host| is_known(host, &state.hosts)) {
        Ok(())
    } else {
        Err(refuse(state, parts, unknown_host(), &HOST))
    }
}

/// Whether a host is an IP address (which cannot be rebound), this machine's own name, or one of
/// `names`. The port is ignored.
fn is_known(host: &HeaderValue, names: &[String]) -> bool {
    let Ok(authority) = Authority::try_from(host.as_bytes()) else { return false };
    match Host::parse(authority.host()) {
        Ok(Host::Ipv4(_) | Host::Ipv6(_)) => true,
        // `Host::parse` converts names to lower case.
        Ok(Host::Domain(name)) => {
            name == "localhost" || name.ends_with(".localhost") || names.contains(&name)
        }
        Err(_) => false,
    }
}

/// An extractor that succeeds only if the request follows the same-origin rule.
pub(crate) struct SameOrigin;

impl FromRequestParts<Arc<AppState>> for SameOrigin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<AppState>) -> Result<Self, ApiError> {
        if is_same_origin(&parts.headers) || is_listed(&parts.headers, &state.origins) {
            Ok(Self)
        } else {
            Err(refuse(state, parts, cross_origin(), &ORIGIN))
        }
    }
}

fn is_same_origin(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let authority = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, rest)| rest);
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    matches!((authority, host), (Some(authority), Some(host)) if authority.eq_ignore_ascii_case(host))
}

/// Whether `Origin` is one of `origins`.
fn is_listed(headers: &HeaderMap, origins: &[String]) -> bool {
    let origin = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok());
    origin.is_some_and(|origin| origins.iter().any(|listed| listed.eq_ignore_ascii_case(origin)))
}

/// Counts and times of the reports about refused requests.
#[derive(Debug, Default)]
pub(crate) struct RefusalReports {
    lines: LogLimiter,
    /// When the last log row for a reason and peer was written.
    rows: HashMap<(RejectionCode, IpAddr), Instant>,
}

impl RefusalReports {
    /// Whether a refused request may leave a log row. If so, the next one must wait.
    fn admit_row(&mut self, code: RejectionCode, peer: IpAddr, now: Instant) -> bool {
        self.rows.retain(|_, last| now.duration_since(*last) < ROW_INTERVAL);
        if self.rows.len() >= MAX_REMEMBERED || self.rows.contains_key(&(code, peer)) {
            return false;
        }
        self.rows.insert((code, peer), now);
        true
    }
}

/// Reports a refused request. `header` names the other site.
fn refuse(state: &Arc<AppState>, parts: &Parts, why: Rejection, header: &HeaderName) -> ApiError {
    log_refusal(state, parts, why.code.as_str(), site(&parts.headers, header).as_deref());
    let Peer(peer) = Peer::of(&parts.extensions);
    if lock(&state.refusals).admit_row(why.code, peer, Instant::now()) {
        let endpoint = format!("{} {}", parts.method, route(parts));
        let request_id = request_id(&parts.headers);
        let message = Message::refused(String::new(), &endpoint, clock::now(), why.clone());
        let message = Message { request_id, ..message };
        let ingest = state.ingest.clone();
        state.tasks.spawn(async move {
            // The request is refused anyway; the writer logs a failing database.
            drop(ingest.try_submit(message).await);
        });
    }
    why.into()
}

/// Logs a refused request, with the other site if that is the reason. Above a limit, only counts are logged.
pub(crate) fn log_refusal(state: &Arc<AppState>, parts: &Parts, code: &'static str, site: Option<&str>) {
    let Peer(peer) = Peer::of(&parts.extensions);
    let request_id = request_id(&parts.headers);
    let mut reports = lock(&state.refusals);
    let had_summary = reports.lines.summary_due().is_some();
    if reports.lines.admit(code, Instant::now()) {
        tracing::warn!(
            target: REFUSED_LINES,
            { request.id = request_id, peer = %peer, http.method = %parts.method, http.route = route(parts), site },
            "request refused: {code}"
        );
    } else if !had_summary && let Some(due) = reports.lines.summary_due() {
        state.tasks.spawn(log_summary(Arc::clone(state), due));
    }
}

/// The route, not the path: a path names an order, may hold a token, or is whatever the other site likes.
pub(crate) fn route(parts: &Parts) -> &str {
    parts.extensions.get::<MatchedPath>().map_or("(unknown path)", MatchedPath::as_str)
}

/// Logs how many requests were refused without a line of their own, at the end of the second or
/// when the server shuts down.
async fn log_summary(state: Arc<AppState>, due: Instant) {
    tokio::select! {
        () = sleep_until(due.into()) => {}
        () = state.closing.cancelled() => {}
    }
    if let Some(counts) = lock(&state.refusals).lines.take_summary(due) {
        tracing::warn!(target: REFUSED_LINES, "more requests refused within a second: {counts}");
    }
}

fn lock(reports: &Mutex<RefusalReports>) -> MutexGuard<'_, RefusalReports> {
    reports.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The domain name of the other site, if the header has one.
fn site(headers: &HeaderMap, header: &HeaderName) -> Option<String> {
    let text = headers.get(header)?.to_str().ok()?;
    let authority: Authority = text.rsplit_once("://").map_or(text, |(_, rest)| rest).parse().ok()?;
    match Host::parse(authority.host()) {
        Ok(Host::Domain(name)) => Some(name.chars().take(MAX_SITE_CHARS).collect()),
        _ => None,
    }
}
