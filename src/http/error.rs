//! What goes wrong, and the only place that picks status codes.
//!
//! A reply never carries a cause: it travels in the response's extensions to `layers`, which
//! logs it once, with the request's id.

use std::sync::Arc;

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::card::outcome::{Rejection, RejectionCode};
use crate::ingest::SubmitError;
use crate::store::StoreError;

/// The outcome of a message of which nothing could be read.
pub(crate) const REJECTED: &str = "rejected";

/// What mends an unknown host.
const UNKNOWN_HOST: &str = "Ask for 127.0.0.1 or localhost; the name under which a reverse proxy hands \
                            requests on belongs into `hosts` under [http] in the configuration.";

/// Why a request was not answered as asked. Its `Display` is the reply's `message`.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// No route has this path.
    #[error("There is nothing at this path")]
    UnknownRoute,
    /// The path is known, the method is not.
    #[error("This path does not take this method")]
    MethodNotAllowed,
    /// A query or path parameter that cannot be used.
    #[error("Bad parameter: {name}")]
    BadParameter {
        /// The parameter's name.
        name: &'static str,
        /// What it takes, as a sentence.
        accepted: String,
    },
    /// The thing asked for, by its kind, is not there.
    #[error("There is no such {0}")]
    NotFound(&'static str),
    /// The request asks for a host that is neither this machine nor configured.
    #[error("This host is not known here")]
    UnknownHost,
    /// A page of another site asks a browser to do this.
    #[error("Requests from pages of another site are refused")]
    CrossOrigin,
    /// A plain request where a WebSocket handshake belongs.
    #[error("This path speaks WebSocket")]
    NotWebSocket {
        /// What the handshake lacks.
        detail: String,
    },
    /// Every socket that there may be is taken.
    #[error("Too many clients are listening; try again later")]
    TooManySockets,
    /// A message that left nothing but its log row.
    #[error("{}", refusal(.why.code).1)]
    Refused {
        /// What is wrong with it.
        why: Rejection,
        /// The log row.
        log_id: Option<i64>,
    },
    /// The queue is full.
    #[error("ROMS is busy; send this again")]
    Busy,
    /// No new work is taken.
    #[error("ROMS is shutting down; send this again")]
    Closing,
    /// The database failed. `None` where the failure has been logged where it happened.
    #[error("The database does not answer; try again")]
    Storage(#[source] Option<StoreError>),
    /// A fault of ROMS itself.
    #[error("ROMS failed to answer this; its log says why")]
    Internal,
}

/// The body of every answer that is an error.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ErrorBody {
    /// Always false.
    pub(crate) success: bool,
    /// What is wrong, for people.
    pub(crate) message: String,
    /// What is wrong, for programs.
    pub(crate) code: &'static str,
    /// What exactly is wrong and what would be right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<String>,
    /// The row in `/api/v2/webhooks/logs` that keeps what was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) log_id: Option<i64>,
}

/// Rides in the extensions of a response whose cause must be logged.
#[derive(Clone, Debug)]
pub(crate) struct Failure(pub(crate) Arc<ApiError>);

impl ApiError {
    /// The status of the reply and its machine-readable code.
    pub(crate) fn status(&self) -> (StatusCode, &'static str) {
        match self {
            Self::UnknownRoute => (StatusCode::NOT_FOUND, "unknown_route"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::BadParameter { .. } => (StatusCode::BAD_REQUEST, "bad_parameter"),
            Self::NotFound(_) => (StatusCode::NOT_FOUND, "not_found"),
            Self::UnknownHost => (StatusCode::MISDIRECTED_REQUEST, "unknown_host"),
            Self::CrossOrigin => (StatusCode::FORBIDDEN, "cross_origin"),
            Self::NotWebSocket { .. } => (StatusCode::UPGRADE_REQUIRED, "not_websocket"),
            Self::TooManySockets => (StatusCode::SERVICE_UNAVAILABLE, "too_many_sockets"),
            Self::Refused { why, .. } => (refusal(why.code).0, why.code.as_str()),
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
            Self::Closing => (StatusCode::SERVICE_UNAVAILABLE, "shutting_down"),
            Self::Storage(_) => (StatusCode::SERVICE_UNAVAILABLE, "storage_unavailable"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        }
    }

    /// The body of the reply.
    pub(crate) fn body(&self) -> ErrorBody {
        let (detail, log_id) = match self {
            Self::BadParameter { accepted: detail, .. } | Self::NotWebSocket { detail } => {
                (Some(detail.clone()), None)
            }
            Self::UnknownHost => (Some(UNKNOWN_HOST.to_owned()), None),
            Self::Refused { why, log_id } => (Some(why.detail.clone()), *log_id),
            _ => (None, None),
        };
        ErrorBody { success: false, message: self.to_string(), code: self.status().1, detail, log_id }
    }

    /// After how many seconds it makes sense to try again.
    fn retry_after(&self) -> Option<u16> {
        match self {
            Self::Busy => Some(1),
            Self::Closing | Self::Storage(_) => Some(5),
            Self::TooManySockets => Some(30),
            _ => None,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status().0, Json(self.body())).into_response();
        if let Some(seconds) = self.retry_after() {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if matches!(self, Self::Internal | Self::Storage(Some(_))) {
            response.extensions_mut().insert(Failure(Arc::new(self)));
        }
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::Storage(Some(error))
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

/// The status that a posted message of this outcome and code was answered with.
pub(crate) fn status_code(outcome: &str, code: Option<&str>) -> StatusCode {
    let is_rejected = outcome == REJECTED;
    let rejection = RejectionCode::ALL.into_iter().find(|known| Some(known.as_str()) == code);
    match rejection {
        Some(rejection) if is_rejected => refusal(rejection).0,
        None if is_rejected => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    }
}

/// Status and message of a message that was refused for this reason.
const fn refusal(code: RejectionCode) -> (StatusCode, &'static str) {
    match code {
        RejectionCode::NotAnOrder => (StatusCode::BAD_REQUEST, "Could not parse webhook content"),
        RejectionCode::MissingOrderNumber => {
            (StatusCode::UNPROCESSABLE_ENTITY, "The order does not say its number")
        }
        RejectionCode::BadOrderNumber => {
            (StatusCode::UNPROCESSABLE_ENTITY, "The order number cannot be used")
        }
        RejectionCode::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "The body is too large"),
        RejectionCode::Incomplete => (StatusCode::REQUEST_TIMEOUT, "The body did not arrive whole"),
        RejectionCode::NotStored => (StatusCode::INTERNAL_SERVER_ERROR, "The database refused this message"),
    }
}
