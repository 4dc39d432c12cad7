//! Every error answer: its status code and its body.
//!
//! An answer never contains the internal cause. The cause travels in the response's extensions to
//! `router`, which logs it once with the request id.

mod documented;

use std::{sync::Arc, time::Duration};

use axum::{
    http::{
        HeaderValue, StatusCode,
        header::{ETAG, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

pub(crate) use documented::{
    BulkErrors, EditErrors, EndpointChangeErrors, EndpointErrors, EndpointListErrors, ImportErrors,
    LinkErrors, ListErrors, ListLinkErrors, PageErrors, ReplayAllErrors, ReplayErrors, ResourceErrors,
    SocketErrors, StreamErrors, WebhookErrors,
};

use super::api::order_body::OrderBody;
use crate::card::message::{LINK_ENDPOINT, SLACK};
use crate::card::outcome::{Rejection, RejectionCode};
use crate::config::Level;
use crate::ingest::{EditError, ReplayError, SubmitError};
use crate::store::StoreError;
use crate::token::Scope;

/// The outcome of a message that could not be read.
pub(crate) const REJECTED: &str = "rejected";
/// Delay of every 503 `busy` answer. A client that ignores `Retry-After` and sends again at once
/// would otherwise take the processor from the requests that were accepted.
pub(crate) const BUSY_DELAY: Duration = Duration::from_millis(100);

/// Why a request failed. `Display` is the `message` of the answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error("No route has this path")]
    UnknownRoute,
    #[error("This path does not support this method")]
    MethodNotAllowed,
    /// There is no token, or it is unknown, revoked or expired. The answer does not say which.
    #[error("This needs a valid token")]
    Unauthorized {
        /// Whether people open the route in a browser, which then asks for the token.
        page: bool,
    },
    /// The path holds no token that may send cards.
    #[error("This link has no valid token")]
    UnknownLink,
    /// A signature is wrong or missing. Holds the reason, as a sentence.
    #[error("The signature is not valid")]
    BadSignature(&'static str),
    /// The `Idempotency-Key` came with another body before.
    #[error("This Idempotency-Key belongs to another request")]
    KeyReused,
    /// The first request with this `Idempotency-Key` has no answer yet.
    #[error("The first request with this Idempotency-Key is still being processed")]
    KeyInUse,
    /// The client or its token has sent too many requests. Holds the time to wait.
    #[error("Too many requests; send this again later")]
    RateLimited(Duration),
    /// The signed-in person has a lower level than this.
    #[error("This needs the {} level, which `[access]` in the configuration grants", .0.as_str())]
    MissingLevel(Level),
    /// The stored level of the signed-in person is too old to use, because Discord does not answer.
    #[error("Discord does not answer, so ROMS cannot check your roles; try again later")]
    LevelUnknown,
    /// The token does not have the scope of the route.
    #[error("The token lacks the scope `{}`", .0.as_str())]
    MissingScope(Scope),
    #[error("Bad parameter: {name}")]
    BadParameter {
        name: String,
        /// The mistake and its correction, as a sentence.
        detail: String,
    },
    /// The resource does not exist. Holds its kind.
    #[error("There is no such {0}")]
    NotFound(&'static str),
    /// A plain request to the WebSocket path.
    #[error("This path needs a WebSocket client")]
    NotWebSocket {
        /// The part that the handshake lacks.
        detail: String,
    },
    /// The limit of live clients is reached.
    #[error("Too many clients are listening; try again later")]
    TooManyClients,
    /// The body is not the JSON that the route needs. Holds the reason, as a sentence.
    #[error("The body could not be read")]
    BadBody(String),
    /// Values of the body cannot be used.
    #[error("Bad value: {}", names(.0))]
    BadFields(Vec<FieldError>),
    /// Somebody else has changed the order. Holds its current state; `None` in the
    /// OpenAPI document.
    #[error("The order has changed since")]
    Changed(Option<Box<OrderBody>>),
    /// The row of the log cannot be replayed. Holds the reason, as a sentence.
    #[error("This message cannot be read again")]
    NotReplayable(String),
    /// The import is running, has ended or is undone. Holds the reason, as a sentence.
    #[error("The import cannot be started or undone")]
    NotImportable(String),
    /// The message was rejected, or the request was refused by [`super::cross_site`].
    #[error("{}", refusal(.why.code).1)]
    Refused { why: Rejection, log_id: Option<i64> },
    /// The queue or the connection limit is full.
    #[error("ROMS is busy; send this again")]
    Busy,
    #[error("ROMS is shutting down; send this again")]
    Closing,
    /// The database failed. `None` if the failure was already logged where it happened.
    #[error("The database does not answer; try again")]
    Storage(#[source] Option<StoreError>),
    /// A fault in ROMS.
    #[error("ROMS failed to answer; its log has the reason")]
    Internal,
}

/// The error in one value of the body.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct FieldError {
    /// The name of the value in the body.
    pub(crate) field: String,
    /// The fault, and how to correct it.
    pub(crate) detail: String,
}

impl FieldError {
    /// The same error in a member of the body.
    pub(crate) fn within(self, member: &str) -> Self {
        Self { field: format!("{member}.{}", self.field), ..self }
    }
}

/// The body of every error answer. `type`, `title`, `status` and `detail` are those of RFC 9457.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ErrorBody {
    /// Always false.
    pub(crate) success: bool,
    /// Always `about:blank`: `code` says which error it is.
    #[serde(rename = "type")]
    pub(crate) problem_type: &'static str,
    /// The problem, for people.
    pub(crate) message: String,
    /// The name of the status code.
    pub(crate) title: &'static str,
    /// The status code of the answer.
    pub(crate) status: u16,
    /// The problem, for programs.
    pub(crate) code: &'static str,
    /// More precisely what is wrong, and what would be right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<String>,
    /// The row in `/api/v2/webhooks/logs` that stores the request body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) log_id: Option<i64>,
    /// The errors in the values of the body; left out if they are not the reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub(crate) errors: Vec<FieldError>,
    /// The order as it is now, if somebody else has changed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) current: Option<Box<OrderBody>>,
    /// The id of the request, as in the header `x-request-id` and in the log of ROMS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) request_id: Option<String>,
}

/// The error of a response. `router` adds the body, which needs the id of the request.
#[derive(Clone, Debug)]
pub(crate) struct Failure(pub(crate) Arc<ApiError>);

impl ApiError {
    /// The status code, and the machine-readable code of the body.
    pub(crate) fn status(&self) -> (StatusCode, &'static str) {
        match self {
            Self::UnknownRoute => (StatusCode::NOT_FOUND, "unknown_route"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::Unauthorized { .. } | Self::UnknownLink => (StatusCode::UNAUTHORIZED, "unauthorized"),
            Self::BadSignature(_) => (StatusCode::UNAUTHORIZED, "bad_signature"),
            Self::KeyReused => (StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused"),
            Self::KeyInUse => (StatusCode::CONFLICT, "idempotency_key_in_use"),
            Self::RateLimited(_) => (StatusCode::TOO_MANY_REQUESTS, "rate_limited"),
            Self::MissingScope(_) => (StatusCode::FORBIDDEN, "missing_scope"),
            Self::MissingLevel(_) => (StatusCode::FORBIDDEN, "missing_level"),
            Self::LevelUnknown => (StatusCode::SERVICE_UNAVAILABLE, "level_unknown"),
            Self::BadParameter { .. } => (StatusCode::BAD_REQUEST, "bad_parameter"),
            Self::NotFound(_) => (StatusCode::NOT_FOUND, "not_found"),
            Self::NotWebSocket { .. } => (StatusCode::UPGRADE_REQUIRED, "not_websocket"),
            Self::TooManyClients => (StatusCode::SERVICE_UNAVAILABLE, "too_many_clients"),
            Self::BadBody(_) => (StatusCode::BAD_REQUEST, "bad_body"),
            Self::BadFields(_) => (StatusCode::UNPROCESSABLE_ENTITY, "bad_value"),
            Self::NotReplayable(_) => (StatusCode::CONFLICT, "not_replayable"),
            Self::NotImportable(_) => (StatusCode::CONFLICT, "not_importable"),
            Self::Changed(_) => (StatusCode::PRECONDITION_FAILED, "changed"),
            Self::Refused { why, .. } => (refusal(why.code).0, why.code.as_str()),
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
            Self::Closing => (StatusCode::SERVICE_UNAVAILABLE, "shutting_down"),
            Self::Storage(_) => (StatusCode::SERVICE_UNAVAILABLE, "storage_unavailable"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        }
    }

    pub(crate) fn body(&self) -> ErrorBody {
        let (detail, log_id) = match self {
            Self::BadParameter { detail, .. }
            | Self::NotWebSocket { detail }
            | Self::BadBody(detail)
            | Self::NotReplayable(detail)
            | Self::NotImportable(detail) => (Some(detail.clone()), None),
            Self::BadFields(errors) => (errors.first().map(|error| error.detail.clone()), None),
            Self::Changed(_) => {
                (Some("Read it again, and repeat the change if it still applies.".to_owned()), None)
            }
            Self::Unauthorized { .. } => {
                let detail = "Send it as `Authorization: Bearer TOKEN`. `roms token create` makes one.";
                (Some(detail.to_owned()), None)
            }
            Self::BadSignature(detail) => (Some((*detail).to_owned()), None),
            Self::KeyReused => (Some("Use a new key for each message.".to_owned()), None),
            Self::UnknownLink => {
                (Some("Copy the whole link again. `roms token create --url` makes one.".to_owned()), None)
            }
            Self::Refused { why, log_id } => (Some(why.detail.clone()), *log_id),
            _ => (None, None),
        };
        let (status, code) = self.status();
        ErrorBody {
            success: false,
            problem_type: "about:blank",
            message: self.to_string(),
            title: status.canonical_reason().unwrap_or_default(),
            status: status.as_u16(),
            code,
            detail,
            log_id,
            errors: match self {
                Self::BadFields(errors) => errors.clone(),
                _ => Vec::new(),
            },
            current: match self {
                Self::Changed(order) => order.clone(),
                _ => None,
            },
            request_id: None,
        }
    }

    /// Whether the cause must be logged: a fault that is not logged yet.
    pub(crate) const fn is_unlogged_fault(&self) -> bool {
        matches!(self, Self::Internal | Self::Storage(Some(_)))
    }

    /// The challenge of an answer that refuses a token.
    fn challenge(&self) -> Option<HeaderValue> {
        match self {
            Self::Unauthorized { page: true } => {
                Some(HeaderValue::from_static("Basic realm=\"ROMS: any name, and a token as the password\""))
            }
            Self::Unauthorized { page: false } => Some(HeaderValue::from_static("Bearer realm=\"ROMS\"")),
            Self::MissingScope(scope) => {
                let challenge = format!(
                    "Bearer realm=\"ROMS\", error=\"insufficient_scope\", scope=\"{}\"",
                    scope.as_str()
                );
                HeaderValue::try_from(challenge).ok()
            }
            _ => None,
        }
    }

    /// The value of `Retry-After`, in seconds.
    fn retry_after(&self) -> Option<u16> {
        match self {
            Self::Busy | Self::KeyInUse => Some(1),
            Self::RateLimited(wait) => {
                Some(u16::try_from(wait.as_secs()).unwrap_or(u16::MAX).saturating_add(1))
            }
            Self::Closing | Self::Storage(_) => Some(5),
            Self::TooManyClients | Self::LevelUnknown => Some(30),
            _ => None,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status().0.into_response();
        if let Some(seconds) = self.retry_after() {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Self::Changed(Some(order)) = &self {
            response.headers_mut().insert(ETAG, order.etag());
        }
        if let Some(challenge) = self.challenge() {
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        response.extensions_mut().insert(Failure(Arc::new(self)));
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::Storage(Some(error))
    }
}

/// A request that was refused before its body was read.
impl From<Rejection> for ApiError {
    fn from(why: Rejection) -> Self {
        Self::Refused { why, log_id: None }
    }
}

impl From<SubmitError> for ApiError {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Full => Self::Busy,
            SubmitError::Closed => Self::Closing,
            SubmitError::Storage => Self::Storage(None),
        }
    }
}

impl From<EditError> for ApiError {
    fn from(error: EditError) -> Self {
        match error {
            EditError::NotFound | EditError::Changed => Self::NotFound("order"),
            EditError::Closed => Self::Closing,
            EditError::Storage => Self::Storage(None),
        }
    }
}

impl From<ReplayError> for ApiError {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Duplicate => {
                Self::NotReplayable("It is a duplicate of an earlier one; replay that one.".to_owned())
            }
            ReplayError::Empty => {
                Self::NotReplayable("Its payload was deleted, or the message was empty.".to_owned())
            }
            ReplayError::Submit(error) => error.into(),
            ReplayError::Store(error) => error.into(),
        }
    }
}

/// The names of the values that are wrong.
fn names(errors: &[FieldError]) -> String {
    errors.iter().map(|error| error.field.as_str()).collect::<Vec<_>>().join(", ")
}

/// The status code that a webhook request was answered with, from the endpoint, outcome and code in its log row. The row
/// does not tell whether a request to a link of Discord's form had `wait`, so this assumes that it had not.
pub(crate) fn logged_status_code(endpoint: &str, outcome: &str, code: Option<&str>) -> StatusCode {
    let code = RejectionCode::ALL.into_iter().find(|known| Some(known.as_str()) == code);
    let is_discord_link = endpoint.starts_with(LINK_ENDPOINT);
    let has_content = !is_discord_link || endpoint.ends_with(SLACK);
    let accepted = if has_content { StatusCode::OK } else { StatusCode::NO_CONTENT };
    match code.filter(|_| outcome == REJECTED) {
        // Discord accepts every message that is not empty.
        Some(
            RejectionCode::NotAnOrder | RejectionCode::MissingOrderNumber | RejectionCode::BadOrderNumber,
        ) if is_discord_link => accepted,
        Some(code) => refusal(code).0,
        None if outcome == REJECTED => StatusCode::BAD_REQUEST,
        None => accepted,
    }
}

/// The error for a parameter that cannot be used. `detail` says what would be right, as a sentence.
pub(crate) fn bad_parameter(name: impl Into<String>, detail: impl Into<String>) -> ApiError {
    ApiError::BadParameter { name: name.into(), detail: detail.into() }
}

/// The error for a value of the body.
pub(crate) fn bad_field(field: impl Into<String>, detail: impl Into<String>) -> ApiError {
    ApiError::BadFields(vec![FieldError { field: field.into(), detail: detail.into() }])
}

pub(crate) fn unknown_host() -> Rejection {
    let detail = "Use 127.0.0.1 or localhost. If a reverse proxy passes requests on under another \
                  name, add that name to `hosts` under [http] in the configuration.";
    Rejection { code: RejectionCode::UnknownHost, detail: detail.to_owned() }
}

pub(crate) fn cross_origin() -> Rejection {
    let detail = "`Origin` must name the same host and port as `Host`.";
    Rejection { code: RejectionCode::CrossOrigin, detail: detail.to_owned() }
}

/// Status code and message for a rejected message.
const fn refusal(code: RejectionCode) -> (StatusCode, &'static str) {
    match code {
        RejectionCode::NotAnOrder | RejectionCode::EmptyMessage => {
            (StatusCode::BAD_REQUEST, "Could not parse webhook content")
        }
        RejectionCode::MissingOrderNumber => {
            (StatusCode::UNPROCESSABLE_ENTITY, "The order has no order number")
        }
        RejectionCode::BadOrderNumber => (StatusCode::UNPROCESSABLE_ENTITY, "The order number is not valid"),
        RejectionCode::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "The body is too large"),
        RejectionCode::Incomplete => (StatusCode::REQUEST_TIMEOUT, "The body did not arrive completely"),
        RejectionCode::NotStored => (StatusCode::INTERNAL_SERVER_ERROR, "The database refused this message"),
        RejectionCode::UnknownHost => (StatusCode::MISDIRECTED_REQUEST, "Requests for this host are refused"),
        RejectionCode::CrossOrigin => {
            (StatusCode::FORBIDDEN, "Requests from pages of another site are refused")
        }
    }
}
