//! Refuses requests that a page of another site makes a browser send.
//!
//! The API has no authentication yet, and a browser on this machine can reach the loopback
//! address. Two rules keep other sites out:
//!
//! - *Known host*: `Host` must be an IP address, this machine's own name, or a configured name. An
//!   attacker can make the name of their page resolve to this machine (DNS rebinding). For the
//!   browser, our API then has the same origin as that page; only `Host` still shows the page's name.
//! - *Same origin*: where a browser lets any page send a request (posting a form, opening a
//!   WebSocket), `Origin` must be absent or name the same host as `Host`.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{
        HeaderMap, HeaderValue,
        header::{HOST, ORIGIN},
        request::Parts,
        uri::Authority,
    },
    middleware::Next,
    response::Response,
};
use url::Host;

use super::{AppState, error::ApiError};

/// Middleware that refuses requests for an unknown host. Browsers always send `Host`, so a request
/// without it is safe.
pub(crate) async fn require_known_host(
    State(state): State<Arc<AppState>>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let mut hosts = request.headers().get_all(HOST).iter();
    if hosts.all(|host| is_known(host, &state.hosts)) {
        Ok(next.run(request).await)
    } else {
        Err(ApiError::UnknownHost)
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

impl<S: Sync> FromRequestParts<S> for SameOrigin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        if is_same_origin(&parts.headers) { Ok(Self) } else { Err(ApiError::CrossOrigin) }
    }
}

fn is_same_origin(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let authority = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, rest)| rest);
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    matches!((authority, host), (Some(authority), Some(host)) if authority.eq_ignore_ascii_case(host))
}
