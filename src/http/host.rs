//! The names that requests may ask for.
//!
//! A page's name can be made to lead to this machine while a browser shows the page (DNS
//! rebinding). To the browser, and to the same-origin rule, the API then is the page's own. Only
//! `Host` still tells: it holds the page's name.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderValue, header::HOST, uri::Authority},
    middleware::Next,
    response::Response,
};
use url::Host;

use super::{AppState, error::ApiError};

/// Lets through what asks for a host that is known. A request without `Host` comes from no
/// browser.
pub(crate) async fn check(
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

/// Whether a host is an IP address, which nobody can rebind, this machine's own name, or one of
/// `names`. Its port does not matter.
fn is_known(host: &HeaderValue, names: &[String]) -> bool {
    let Ok(authority) = Authority::try_from(host.as_bytes()) else { return false };
    match Host::parse(authority.host()) {
        Ok(Host::Ipv4(_) | Host::Ipv6(_)) => true,
        // In lower case.
        Ok(Host::Domain(name)) => {
            name == "localhost" || name.ends_with(".localhost") || names.contains(&name)
        }
        Err(_) => false,
    }
}
