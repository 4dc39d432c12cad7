//! The steps that all webhook routes share: reading the body, checking the signature, running the submission to its
//! end, and keeping the answer for an `Idempotency-Key`.

use std::sync::Arc;

use axum::{
    Json,
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use tokio::time::sleep;

use super::AppState;
use super::auth::{Caller, signature};
use super::body::Received;
use super::error::{ApiError, BUSY_DELAY, bad_parameter};
use crate::clock::now;
use crate::store::KeyClaim;
use crate::token::SigningSecret;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Marks an answer that was given before, as Stripe does.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// The longest key, in characters.
const MAX_KEY_CHARS: usize = 255;

/// The secret of `[http]` for requests whose token has none of its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Signing {
    pub(crate) secret: Option<SigningSecret>,
    pub(crate) is_required: bool,
}

/// Reads a body of at most `limit` bytes and checks its signature. A signature cannot be checked if the body did not
/// arrive completely; where one is needed, such a body is refused without a log row.
pub(crate) async fn read(
    state: &AppState,
    caller: &Caller,
    headers: &HeaderMap,
    body: Body,
    limit: usize,
) -> Result<Received, ApiError> {
    let received = Received::read(state, body, limit).await;
    let of_token = caller.signing_secret().map(|secret| (secret, true));
    // A link without a secret is for senders that can only paste a URL.
    let of_server = state.signing.secret.as_ref().filter(|_| !caller.is_by_link());
    let secret = of_token.or_else(|| Some((of_server?, state.signing.is_required)));
    if let Some((secret, is_required)) = secret {
        signature::check(secret, is_required, headers, received.complete()?, now())?;
    }
    Ok(received)
}

/// Runs a submission to its end even if the client disconnects: the order is still stored, or the part that arrived is
/// logged.
pub(crate) async fn finish<T: Send + 'static>(
    state: &Arc<AppState>,
    submission: impl Future<Output = Result<T, ApiError>> + Send + 'static,
) -> Result<T, ApiError> {
    let done = state.run_to_end(submission).await?;
    if matches!(done, Err(ApiError::Busy)) {
        sleep(BUSY_DELAY).await;
    }
    done
}

/// The `Idempotency-Key` of a request, and its body, as hashes.
pub(crate) struct IdempotencyKey {
    id: String,
    body: String,
}

impl IdempotencyKey {
    /// `None` if the request has no key, or its body did not arrive completely.
    pub(crate) fn of(
        caller: &Caller,
        headers: &HeaderMap,
        received: &Received,
    ) -> Result<Option<Self>, ApiError> {
        let (Some(key), Ok(body)) = (headers.get(IDEMPOTENCY_KEY), received.complete()) else {
            return Ok(None);
        };
        let is_key = |key: &&str| (1..=MAX_KEY_CHARS).contains(&key.len());
        let Some(key) = key.to_str().ok().filter(is_key) else {
            return Err(bad_parameter("Idempotency-Key", "A text of 1 to 255 ASCII characters."));
        };
        // Different senders may choose the same key.
        let sender = caller.token().map_or(0, |(id, _)| id);
        Ok(Some(Self { id: hash(format!("{sender}\n{key}").as_bytes()), body: hash(body) }))
    }

    /// The answer of the first request with this key; for the first request itself, what `process` returns. An answer
    /// that asks the sender to try again is not kept.
    pub(crate) async fn answer<T: Serialize>(
        self,
        state: &AppState,
        process: impl Future<Output = Result<T, ApiError>>,
    ) -> Result<Response, ApiError> {
        match state.store.claim_idempotency_key(&self.id, &self.body, now()).await? {
            KeyClaim::New => {}
            KeyClaim::InProgress => return Err(ApiError::KeyInUse),
            KeyClaim::OtherBody => return Err(ApiError::KeyReused),
            KeyClaim::Answered { status, answer } => return Ok(replayed(status, answer)),
        }
        let done = process.await;
        let kept = match &done {
            Ok(body) => Some((StatusCode::OK, serde_json::to_string(body))),
            Err(error @ ApiError::Refused { .. }) if error.status().0.is_client_error() => {
                Some((error.status().0, serde_json::to_string(&error.body())))
            }
            Err(_) => None,
        };
        let saved = match kept {
            Some((status, Ok(answer))) => {
                state.store.save_idempotent_answer(&self.id, status.as_u16().into(), &answer).await
            }
            _ => state.store.release_idempotency_key(&self.id).await,
        };
        if let Err(error) = saved {
            // The orders are stored. A repetition is recognized by its body as well.
            tracing::warn!(%error, "cannot keep the answer to an Idempotency-Key");
        }
        done.map(|body| Json(body).into_response())
    }
}

fn replayed(status: i32, answer: String) -> Response {
    let status = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok());
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (REPLAYED, HeaderValue::from_static("true")),
    ];
    (status.unwrap_or(StatusCode::OK), headers, answer).into_response()
}

fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
