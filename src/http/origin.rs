//! The same-origin rule, for the requests that a browser lets any page make.
//!
//! There is no authentication yet, and a browser on this machine reaches the loopback address:
//! without this rule any page could post orders or listen to them. It takes `Host` at its word, as
//! `host` has let through no name but our own.

use axum::{
    extract::FromRequestParts,
    http::{
        HeaderMap,
        header::{HOST, ORIGIN},
        request::Parts,
    },
};

use super::error::ApiError;

/// Proof that no page of another site is behind the request: it has no `Origin`, or its
/// `Origin` is the `Host` that it was sent to.
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
