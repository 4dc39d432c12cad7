//! The webhook: receives checkout cards and answers with the outcome of each card.

use std::sync::Arc;

use axum::{
    Json,
    body::Body,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::card::message::Message;
use crate::card::outcome::{CardOutcome, Outcome, Receipt, Rejection, RejectionCode};
use crate::clock::now;
use crate::http::AppState;
use crate::http::auth::Caller;
use crate::http::body::MAX_BODY_BYTES;
use crate::http::cross_site::SameOrigin;
use crate::http::error::{ApiError, LinkErrors, PageErrors, WebhookErrors};
use crate::http::request_id::request_id;
use crate::http::submission::{IdempotencyKey, finish, read};

const ENDPOINT: &str = "/api/v2/webhooks/orders";

/// The outcome of a message and its cards.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "success": true, "message": "Order received and processed successfully", "order_id": 1,
    "order_number": "BBY01-807102506907", "outcome": "created", "log_id": 1,
    "orders": [{"order_id": 1, "order_number": "BBY01-807102506907", "outcome": "created", "warnings": []}]
}))]
pub(crate) struct Accepted {
    /// Always true.
    success: bool,
    /// The outcome, for people.
    message: String,
    /// Row id of the first order.
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<i64>,
    /// Number of the first order.
    #[serde(skip_serializing_if = "Option::is_none")]
    order_number: Option<String>,
    /// Outcome of the first order, or of the first card if no order was stored.
    outcome: &'static str,
    /// The row in `/api/v2/webhooks/logs` that stores the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    log_id: Option<i64>,
    /// The outcome of each card, in the order of the message. Ignored cards are left out.
    orders: Vec<CardBody>,
}

/// The outcome of one card.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CardBody {
    /// Row id of the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<i64>,
    /// Number of the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    order_number: Option<String>,
    /// `created`, `updated`, `unchanged`, `duplicate` or `rejected`; after a replay also `ignored`.
    outcome: &'static str,
    /// Values that could not be read.
    warnings: Vec<String>,
    /// Why the card was rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<CardError>,
}

/// Why a card was rejected.
#[derive(Debug, Serialize, ToSchema)]
struct CardError {
    /// The reason, for programs.
    code: &'static str,
    /// The reason, for people.
    detail: String,
}

/// The answer of a working webhook.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Operational {
    /// Always `ok`.
    #[schema(example = "ok")]
    status: &'static str,
    /// Always the same.
    #[schema(example = "Webhook endpoint is operational")]
    message: &'static str,
    /// The current time of the server.
    timestamp: DateTime<Utc>,
}

/// Send checkout cards
///
/// The body is Refract's text, a Discord message or webhook body (also as `payload_json` in
/// multipart or a form), a flat JSON object, or an array of these. It has at most 256 KiB. The
/// Content-Type is ignored. The answer comes after the orders are safely stored. If a signing secret is
/// configured, the signature in `X-Webhook-Signature` or in the headers of Standard Webhooks must match.
#[utoipa::path(
    post, path = "/api/v2/webhooks/orders", tag = "Webhook", operation_id = "post_orders",
    params(("Idempotency-Key" = Option<String>, Header, description = "A key of the sender's choice: for 24 hours, the same key with the same body gets the first answer again")),
    // The document and Swagger UI sort by name; so the text card is the first example.
    request_body(description = "The message of the checkout bot", content(
        (String = "text/plain", examples(
            ("Card as text" = (summary = "Card as text, by Refract", value = json!("Successful Checkout | Best Buy US\nProduct\nSTARLINK - Mini Kit\nPrice\n$299.99\nOrder Number\n#BBY01-807102506907\nEmail\nwoozy_byes28@icloud.com"))),
            ("Discord message" = (value = json!(r#"{"embeds": [{"title": "Successful Checkout | Best Buy US", "fields": [{"name": "Order Number", "value": "||#BBY01-807102506907||"}]}]}"#))),
            ("JSON object" = (value = json!(r#"{"order_number": "BBY01-807102506907", "product": "STARLINK - Mini Kit", "price": 299.99}"#))),
        )),
    )),
    responses(
        (status = 200, description = "The orders are stored. `orders` is empty if the cards are not orders, such as a test", body = Accepted),
        WebhookErrors,
    )
)]
pub(crate) async fn receive(
    _: SameOrigin,
    State(state): State<Arc<AppState>>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    submit(state, caller, headers, body, ENDPOINT.to_owned(), None).await
}

/// Send checkout cards to a link
///
/// The same for senders that can only paste a URL: `roms token create --url` makes the token in it.
#[utoipa::path(
    post, path = "/api/v2/webhooks/orders/{token}", tag = "Webhook", operation_id = "post_orders_by_link",
    params(
        ("token" = String, Path, description = "The token of the link"),
        ("Idempotency-Key" = Option<String>, Header, description = "As for the webhook without a token in its path"),
    ),
    request_body(description = "The message of the checkout bot", content((String = "text/plain"))),
    responses(
        (status = 200, description = "The orders are stored. `orders` is empty if the cards are not orders, such as a test", body = Accepted),
        LinkErrors,
    )
)]
pub(crate) async fn receive_by_link(
    State(state): State<Arc<AppState>>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let (token, name) = caller.token().ok_or(ApiError::UnknownLink)?;
    let endpoint = format!("{ENDPOINT}/{name}");
    submit(state, caller, headers, body, endpoint, Some(token)).await
}

/// Reads and stores a message. `link` is the row id of the token in its path.
async fn submit(
    state: Arc<AppState>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
    endpoint: String,
    link: Option<i64>,
) -> Result<Response, ApiError> {
    let submission = {
        let state = Arc::clone(&state);
        async move {
            let received = read(&state, &caller, &headers, body, MAX_BODY_BYTES).await?;
            let key = IdempotencyKey::of(&caller, &headers, &received)?;
            let request_id = request_id(&headers);
            let message = Message { token: link, request_id, ..received.into_message(&endpoint) };
            let process = async { accepted(state.ingest.try_submit(message).await?) };
            match key {
                // Few senders use a key. The box keeps this large future out of the future of every request.
                Some(key) => Box::pin(key.answer(&state, process)).await,
                None => process.await.map(|body| Json(body).into_response()),
            }
        }
    };
    finish(&state, submission).await
}

/// Check that the webhook can be reached
#[utoipa::path(
    get, path = "/api/v2/webhooks/test", tag = "Webhook", operation_id = "test_webhook",
    responses((status = 200, description = "The webhook can be reached", body = Operational), PageErrors)
)]
pub(crate) async fn test() -> Json<Operational> {
    Json(Operational { status: "ok", message: "Webhook endpoint is operational", timestamp: now() })
}

/// Builds the answer from the receipt. It is an error if cards were rejected and none was stored.
fn accepted(Receipt { log_id, cards }: Receipt) -> Result<Accepted, ApiError> {
    let Some(first) = cards.first() else {
        let detail = "The message holds no checkout card.".to_owned();
        return Err(ApiError::Refused { why: Rejection { code: RejectionCode::NotAnOrder, detail }, log_id });
    };
    if !cards.iter().any(|card| is_stored(&card.outcome))
        && let Some(why) = cards.iter().find_map(|card| rejection(&card.outcome))
    {
        return Err(ApiError::Refused { why: why.clone(), log_id });
    }
    let lead = cards.iter().find(|card| is_stored(&card.outcome)).unwrap_or(first);
    Ok(Accepted {
        success: true,
        message: summary(&cards),
        order_id: lead.order.as_ref().map(|(id, _)| *id),
        order_number: lead.order.as_ref().map(|(_, number)| number.to_string()),
        outcome: lead.outcome.as_str(),
        log_id,
        orders: cards
            .into_iter()
            .filter(|card| !matches!(card.outcome, Outcome::Ignored(_)))
            .map(CardBody::from)
            .collect(),
    })
}

/// The `message` of the answer.
fn summary(cards: &[CardOutcome]) -> String {
    let ignored = cards.iter().map(|card| match &card.outcome {
        Outcome::Ignored(why) => Some(why.to_string()),
        _ => None,
    });
    if let Some(reasons) = ignored.collect::<Option<Vec<_>>>() {
        return reasons.join("; ");
    }
    match cards {
        [CardOutcome { outcome: Outcome::Created, .. }] => {
            "Order received and processed successfully".to_owned()
        }
        [CardOutcome { outcome: Outcome::Updated, .. }] => "Order updated successfully".to_owned(),
        [CardOutcome { outcome: Outcome::Unchanged, .. }] => "Order received; nothing changed".to_owned(),
        [CardOutcome { outcome: Outcome::Duplicate, .. }] => "Message already received".to_owned(),
        _ => {
            let counts = Outcome::NAMES.into_iter().filter_map(|name| {
                let count = cards.iter().filter(|card| card.outcome.as_str() == name).count();
                (count > 0).then(|| format!("{count} {name}"))
            });
            format!("{} cards received: {}", cards.len(), counts.collect::<Vec<_>>().join(", "))
        }
    }
}

const fn is_stored(outcome: &Outcome) -> bool {
    !matches!(outcome, Outcome::Ignored(_) | Outcome::Rejected(_))
}

const fn rejection(outcome: &Outcome) -> Option<&Rejection> {
    match outcome {
        Outcome::Rejected(why) => Some(why),
        _ => None,
    }
}

impl From<CardOutcome> for CardBody {
    fn from(CardOutcome { order, outcome, warnings }: CardOutcome) -> Self {
        let (order_id, order_number) = order.map(|(id, number)| (id, number.to_string())).unzip();
        let error =
            rejection(&outcome).map(|why| CardError { code: why.code.as_str(), detail: why.detail.clone() });
        Self { order_id, order_number, outcome: outcome.as_str(), warnings, error }
    }
}
