//! Signs people in to the page with a token. The browser keeps the token in a cookie that scripts cannot read, so a
//! revoked token ends the session at once.

use axum::{
    http::{
        HeaderMap, HeaderValue, Method, StatusCode,
        header::{ACCEPT, COOKIE, LOCATION, ORIGIN},
        request::Parts,
    },
    response::{IntoResponse, Response},
};
use form_urlencoded::byte_serialize;

use crate::token::Secret;

/// The cookie under https. Browsers accept the prefix only from the host itself, with `Secure` and for all paths.
const SECURE_NAME: &str = "__Host-roms";
/// The cookie under http, which a browser sends only to this machine or inside a private network.
const PLAIN_NAME: &str = "roms";
/// A browser forgets the cookie after this time, in seconds: 30 days.
const MAX_AGE: u32 = 30 * 24 * 60 * 60;

/// The page with the form.
pub(crate) const SIGN_IN: &str = "/sign-in";

/// The value of a cookie.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(';')).find_map(|pair| {
        let (found, value) = pair.trim().split_once('=')?;
        (found == name).then_some(value)
    })
}

/// The token of a signed-in browser.
pub(crate) fn secret(headers: &HeaderMap) -> Option<Secret> {
    [SECURE_NAME, PLAIN_NAME].into_iter().find_map(|name| Secret::parse(cookie(headers, name)?))
}

/// The `Set-Cookie` that keeps a token, or removes it.
pub(crate) fn set_cookie(headers: &HeaderMap, secret: Option<&Secret>) -> Option<HeaderValue> {
    // A browser names the scheme of the page that holds the form, also behind a proxy that adds TLS.
    let is_secure = headers.get(ORIGIN).is_some_and(|origin| origin.as_bytes().starts_with(b"https:"));
    let (name, secure) = if is_secure { (SECURE_NAME, "; Secure") } else { (PLAIN_NAME, "") };
    let (value, age) = secret.map_or(("", 0), |secret| (secret.expose(), MAX_AGE));
    let cookie = format!("{name}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::try_from(cookie).ok()
}

/// Whether a request loads a whole page in a browser.
pub(crate) fn wants_html(parts: &Parts) -> bool {
    let accepts = |value: &HeaderValue| value.to_str().is_ok_and(|value| value.contains("text/html"));
    parts.method == Method::GET
        && !parts.headers.contains_key("hx-request")
        && parts.headers.get_all(ACCEPT).iter().any(accepts)
}

/// Sends a browser to the form, which leads back to the page.
pub(crate) fn ask_to_sign_in(parts: &Parts) -> Response {
    let wanted = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let next: String = byte_serialize(wanted.as_bytes()).collect();
    (StatusCode::SEE_OTHER, [(LOCATION, format!("{SIGN_IN}?next={next}"))]).into_response()
}
