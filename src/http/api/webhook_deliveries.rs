//! Deliveries: what ROMS sends to webhook endpoints and relays, and the answers.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::webhook_endpoints::{Queued, find, queued};
use crate::clock::now;
use crate::http::AppState;
use crate::http::cross_site::SameOrigin;
use crate::http::error::{ApiError, EndpointErrors, bad_parameter};
use crate::http::query::{Name, Named, NoParameters, PathSegment, Query, cut_page, row_limit};
use crate::store::{Delivery, DeliveryFilter, DeliveryState, Target};

impl Named for DeliveryState {
    fn all() -> impl Iterator<Item = (&'static str, Self)> {
        Self::ALL.into_iter().map(|state| (state.as_str(), state))
    }
}

type StateName = Name<DeliveryState>;

/// Query parameters of the deliveries.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListDeliveries {
    /// Number of rows in the answer (default 50)
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    /// Next page: pass the answer's `next`. Only older rows follow
    before: Option<i64>,
    /// Only those to this endpoint: its name or row id
    endpoint: Option<String>,
    /// Only those in this state
    #[param(inline, value_type = StateName, required = false)]
    state: Option<StateName>,
}

/// A page of deliveries.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeliveryPage {
    /// Newest first.
    deliveries: Vec<DeliveryBody>,
    /// Pass this as `before` to get the next page; `null` on the last page.
    next: Option<i64>,
}

/// Something that ROMS sends to others.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Delivery, example = json!({
    "id": 1, "endpoint_id": 1, "relay_token_id": null, "event": "order.created", "subject_id": 7,
    "webhook_id": "msg_00000000000000000000000000000001", "state": "delivered", "attempts": 1,
    "due_at": "2026-01-31T17:56:00Z", "created_at": "2026-01-31T17:56:00Z", "attempted_at": "2026-01-31T17:56:00Z",
    "status": 200, "answer": "ok", "error": null, "message_id": null
}))]
pub(crate) struct DeliveryBody {
    /// Row id.
    id: i64,
    /// The endpoint; `null` for a relayed card.
    endpoint_id: Option<i64>,
    /// The URL token whose cards are passed on to Discord; `null` for an event.
    relay_token_id: Option<i64>,
    /// The type of the event, `card` or `test`.
    event: String,
    /// The row of the order's history, or of the webhook log for a card; 0 for a test.
    subject_id: i64,
    /// The header `webhook-id`, the same for every attempt.
    webhook_id: String,
    #[schema(inline, value_type = StateName)]
    state: &'static str,
    /// How often it was sent since it was queued.
    attempts: i64,
    /// When it is sent next, if it is pending.
    due_at: DateTime<Utc>,
    /// When it was queued.
    created_at: DateTime<Utc>,
    /// When it was last sent.
    attempted_at: Option<DateTime<Utc>>,
    /// The status code of the last answer.
    status: Option<i64>,
    /// The beginning of the last answer, without e-mail addresses and credentials.
    answer: Option<String>,
    /// Why the last attempt failed.
    error: Option<String>,
    /// The Discord message that a relayed card became, as text because it is too large for a JavaScript number.
    message_id: Option<String>,
}

impl From<Delivery> for DeliveryBody {
    fn from(delivery: Delivery) -> Self {
        let (endpoint_id, relay_token_id) = match delivery.target {
            Target::Endpoint(id) => (Some(id), None),
            Target::Relay(token) => (None, Some(token)),
        };
        Self {
            id: delivery.id,
            endpoint_id,
            relay_token_id,
            event: delivery.event,
            subject_id: delivery.subject,
            webhook_id: delivery.key,
            state: delivery.state.as_str(),
            attempts: delivery.attempts,
            due_at: delivery.due_at,
            created_at: delivery.created_at,
            attempted_at: delivery.attempted_at,
            status: delivery.status,
            answer: delivery.answer,
            error: delivery.error,
            message_id: delivery.message_id.map(|id| id.to_string()),
        }
    }
}

/// List deliveries, newest first
#[utoipa::path(
    get, path = "/api/v2/webhook-deliveries", tag = "Outgoing webhooks", operation_id = "list_webhook_deliveries",
    params(ListDeliveries),
    responses((status = 200, description = "A page of deliveries", body = DeliveryPage), EndpointErrors)
)]
pub(crate) async fn list(
    State(state): State<Arc<AppState>>,
    Query(query): Query<ListDeliveries>,
) -> Result<Json<DeliveryPage>, ApiError> {
    let limit = row_limit(query.limit)?;
    let target = match query.endpoint {
        Some(endpoint) => Some(Target::Endpoint(find(&state, &endpoint).await?.id)),
        None => None,
    };
    let only = query.state.map(|Name(state)| state);
    let filter = DeliveryFilter { target, state: only, before: query.before, id: None };
    let mut rows = state.store.deliveries(&filter, limit + 1).await?;
    let has_next = cut_page(&mut rows, limit);
    let next = rows.last().map(|row| row.id).filter(|_| has_next);
    Ok(Json(DeliveryPage { deliveries: rows.into_iter().map(DeliveryBody::from).collect(), next }))
}

/// Send a delivery again
///
/// Starts a new series of attempts with the same `webhook-id`, also if it has arrived before.
#[utoipa::path(
    post, path = "/api/v2/webhook-deliveries/{id}/replay", tag = "Outgoing webhooks",
    operation_id = "replay_webhook_delivery",
    params(("id" = i64, Path, description = "Row id")),
    responses((status = 202, description = "It is queued; `queued` is 0 if it is already waiting", body = Queued), EndpointErrors)
)]
pub(crate) async fn replay(
    _: SameOrigin,
    State(state): State<Arc<AppState>>,
    PathSegment(id): PathSegment,
    _: Query<NoParameters>,
) -> Result<(StatusCode, Json<Queued>), ApiError> {
    let id = id.parse().map_err(|_| bad_parameter("id", "Not a whole number."))?;
    let filter = DeliveryFilter { id: Some(id), ..DeliveryFilter::default() };
    if state.store.deliveries(&filter, 1).await?.is_empty() {
        return Err(ApiError::NotFound("delivery"));
    }
    let count = state.store.retry_deliveries(&filter, now()).await?;
    Ok(queued(&state, count))
}
