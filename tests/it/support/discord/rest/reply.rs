//! Answers of the REST API, with Discord's error codes.

use axum::{
    Json,
    http::{
        HeaderName, StatusCode,
        header::{LOCATION, RETRY_AFTER},
    },
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::super::{faults::Fault, payload};

/// An answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) unknown_route: bool,
    /// Seconds to wait, for a 429.
    retry_after: Option<f64>,
    body: Body,
}

#[derive(Debug)]
enum Body {
    None,
    Json(Value),
    Text(&'static str),
    Redirect(String),
}

impl Reply {
    /// 200 with a body.
    pub(super) fn ok(body: Value) -> Self {
        Self { status: 200, unknown_route: false, retry_after: None, body: Body::Json(body) }
    }

    /// Leads a browser elsewhere.
    pub(super) fn redirect(url: String) -> Self {
        Self { status: 302, body: Body::Redirect(url), ..Self::ok(Value::Null) }
    }

    /// An error of OAuth 2.
    pub(super) fn oauth_error(status: u16, error: &str) -> Self {
        Self { status, ..Self::ok(json!({"error": error})) }
    }

    /// 204.
    pub(super) fn empty() -> Self {
        Self { status: 204, body: Body::None, ..Self::ok(Value::Null) }
    }

    /// An error with one of Discord's codes.
    pub(super) fn error(status: u16, code: u64, message: &str) -> Self {
        Self { status, ..Self::ok(payload::error(code, message)) }
    }

    pub(super) fn unauthorized() -> Self {
        Self::error(401, 0, "401: Unauthorized")
    }

    /// An endpoint that the double does not have.
    pub(super) fn unknown_route() -> Self {
        Self { unknown_route: true, ..Self::error(404, 0, "404: Not Found") }
    }

    pub(super) fn missing_access() -> Self {
        Self::error(403, 50001, "Missing Access")
    }

    pub(super) fn missing_permissions() -> Self {
        Self::error(403, 50013, "Missing Permissions")
    }

    pub(super) fn unknown_channel() -> Self {
        Self::error(404, 10003, "Unknown Channel")
    }

    pub(super) fn unknown_message() -> Self {
        Self::error(404, 10008, "Unknown Message")
    }

    /// An error for a body that breaks a rule.
    pub(super) fn invalid_form(place: &str, why: &str) -> Self {
        let body = json!({
            "code": 50035, "message": "Invalid Form Body",
            "errors": {place: {"_errors": [{"code": "BASE_TYPE_BAD", "message": why}]}},
        });
        Self { status: 400, ..Self::ok(body) }
    }

    /// The answer for a fault.
    pub(super) fn of_fault(fault: Fault) -> Self {
        match fault {
            Fault::Status(status) => Self::error(status, 0, &format!("{status}: made to fail")),
            Fault::RateLimited(wait) => Self::rate_limited(Some(wait.as_secs_f64())),
            Fault::RateLimitedWithoutDelay => Self::rate_limited(None),
            Fault::Refused(status, code) => Self::error(status, code, "made to fail"),
            Fault::Forbidden => Self::missing_access(),
            Fault::Garbage => Self { body: Body::Text("<html>not JSON</html>"), ..Self::ok(Value::Null) },
            Fault::Late(_) | Fault::Hang => unreachable!("these get no reply of their own"),
        }
    }

    fn rate_limited(retry_after: Option<f64>) -> Self {
        let body = json!({
            "message": "You are being rate limited.", "code": 0, "global": false,
            "retry_after": retry_after.unwrap_or(0.0),
        });
        Self { status: 429, retry_after, ..Self::ok(body) }
    }
}

impl From<Reply> for Response {
    fn from(reply: Reply) -> Self {
        let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = match reply.body {
            Body::None => status.into_response(),
            Body::Json(body) => (status, Json(body)).into_response(),
            Body::Text(text) => (status, text).into_response(),
            Body::Redirect(url) => (status, [(LOCATION, url)]).into_response(),
        };
        if let Some(seconds) = reply.retry_after {
            let headers = response.headers_mut();
            let whole = format!("{:.0}", seconds.ceil()).parse().expect("digits");
            headers.insert(RETRY_AFTER, whole);
            let exact = format!("{seconds:.3}").parse().expect("digits");
            headers.insert(HeaderName::from_static("x-ratelimit-reset-after"), exact);
        }
        response
    }
}
