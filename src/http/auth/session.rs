//! The cookies of the page: one holds the secret of a session, the other the secrets of a sign-in at Discord
//! that is in progress. Scripts cannot read them.

use axum::{
    http::{
        Extensions, HeaderMap, HeaderValue, Method, StatusCode,
        header::{ACCEPT, COOKIE, HOST, LOCATION, ORIGIN},
        request::Parts,
    },
    response::{IntoResponse, Response},
};
use chrono::TimeDelta;
use form_urlencoded::byte_serialize;

use crate::http::AppState;
use crate::http::peer::IsHttps;
use crate::token::Secret;

/// Holds the secret of the browser's session.
pub(crate) const SESSION: Cookie = Cookie { secure: "__Host-roms", plain: "roms" };
/// Holds the secrets of an attempt while the browser is at Discord.
pub(crate) const ATTEMPT: Cookie = Cookie { secure: "__Host-roms-attempt", plain: "roms-attempt" };

/// The path of the page with the sign-in form.
pub(crate) const SIGN_IN: &str = "/sign-in";

/// A cookie with two names, for https and for http.
#[derive(Clone, Copy)]
pub(crate) struct Cookie {
    /// The name under https. Browsers accept the prefix only from the host itself, with `Secure` and for all paths, so no
    /// other site of the same domain can set it.
    secure: &'static str,
    /// The name under http, which a browser sends only to this machine or inside a private network.
    plain: &'static str,
}

impl Cookie {
    /// Reads its value from a request. Over https, a cookie with the plain name is ignored.
    pub(crate) fn read<'a>(self, request: &'a Connection<'_>) -> Option<&'a str> {
        let plain = (!request.is_https).then_some(self.plain);
        [Some(self.secure), plain].into_iter().flatten().find_map(|name| cookie(request.headers, name))
    }

    /// The `Set-Cookie` header that stores a value for this time.
    pub(crate) fn set(self, is_https: bool, value: &str, age: TimeDelta) -> Option<HeaderValue> {
        let (name, secure) = if is_https { (self.secure, "; Secure") } else { (self.plain, "") };
        let age = age.num_seconds();
        let cookie = format!("{name}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax{secure}");
        HeaderValue::try_from(cookie).ok()
    }

    /// The `Set-Cookie` header that removes it.
    pub(crate) fn remove(self, is_https: bool) -> Option<HeaderValue> {
        self.set(is_https, "", TimeDelta::zero())
    }
}

/// The headers of a request, and whether its browser uses https.
pub(crate) struct Connection<'a> {
    headers: &'a HeaderMap,
    pub(crate) is_https: bool,
}

impl<'a> Connection<'a> {
    /// ROMS itself speaks http. A browser uses https if it says so itself (`Origin` of a form), if a trusted proxy says
    /// so, or if the host is that of an https address in the configuration.
    pub(crate) fn of(headers: &'a HeaderMap, extensions: &Extensions, state: &AppState) -> Self {
        let origin = headers.get(ORIGIN).is_some_and(|origin| origin.as_bytes().starts_with(b"https:"));
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        let is_listed = |host: &str| {
            state.origins.iter().any(|origin| {
                origin.strip_prefix("https://").is_some_and(|listed| listed.eq_ignore_ascii_case(host))
            })
        };
        let is_https = origin || extensions.get::<IsHttps>().is_some() || host.is_some_and(is_listed);
        Self { headers, is_https }
    }

    /// The secret of the browser's session, from its cookie.
    pub(crate) fn session(&self) -> Option<Secret> {
        Secret::parse(SESSION.read(self)?)
    }
}

/// The value of a cookie.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(';')).find_map(|pair| {
        let (found, value) = pair.trim().split_once('=')?;
        (found == name).then_some(value)
    })
}

/// Whether a request loads a whole page in a browser.
pub(crate) fn wants_html(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::GET && !headers.contains_key("hx-request") && accepts_html(headers)
}

/// Whether a request comes from a browser, which loads a page or a part of one.
pub(crate) fn accepts_html(headers: &HeaderMap) -> bool {
    let accepts = |value: &HeaderValue| value.to_str().is_ok_and(|value| value.contains("text/html"));
    headers.get_all(ACCEPT).iter().any(accepts)
}

/// Redirects a browser to the sign-in form, which leads back to the requested page.
pub(crate) fn ask_to_sign_in(parts: &Parts) -> Response {
    let wanted = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let next: String = byte_serialize(wanted.as_bytes()).collect();
    (StatusCode::SEE_OTHER, [(LOCATION, format!("{SIGN_IN}?next={next}"))]).into_response()
}
