//! Webhook endpoints: the receivers of order events. Everything here needs the scope `admin`.

use std::sync::Arc;

use axum::{Json, body::Body, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::clock::now;
use crate::http::auth::Caller;
use crate::http::cross_site::SameOrigin;
use crate::http::error::{ApiError, EndpointChangeErrors, EndpointErrors, EndpointListErrors, bad_field};
use crate::http::query::{NoParameters, PathSegment, Query, read_time};
use crate::http::{AppState, body};
use crate::order::dates::DayEdge;
use crate::outbox::{self, TEST};
use crate::store::{Endpoint, EndpointSettings, NewDelivery, StoreError, Target};
use crate::token::SigningSecret;
use crate::webhook::{EventType, EventTypes};

/// Why an endpoint was disabled here.
const BY_HAND: &str = "by hand";

/// A webhook endpoint. Its secret is only in the answer that creates or changes it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": 1, "name": "n8n", "url": "https://n8n.example.net/***", "event_types": ["order.created"],
    "personal_data": false, "allow_private": false, "created_by": "cli", "created_at": "2026-01-31T17:56:00Z",
    "disabled_at": null, "disabled_reason": null, "failing_since": null
}))]
pub(crate) struct EndpointBody {
    /// Row id.
    id: i64,
    name: String,
    /// The address. Its path is hidden, because it may be a secret.
    url: String,
    /// The events that it receives.
    event_types: Vec<&'static str>,
    /// Whether its orders hold personal data. Otherwise they are masked, as without `read:pii`.
    personal_data: bool,
    /// Whether its address may be private.
    allow_private: bool,
    /// The person or token that created it.
    created_by: String,
    created_at: DateTime<Utc>,
    /// Since when it receives nothing; `null` if it is in use.
    disabled_at: Option<DateTime<Utc>>,
    /// Why it receives nothing.
    disabled_reason: Option<String>,
    /// Since when every message has failed; `null` if the last one arrived.
    failing_since: Option<DateTime<Utc>>,
}

/// All endpoints.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EndpointList {
    /// Oldest first.
    endpoints: Vec<EndpointBody>,
}

/// A new endpoint.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "n8n", "url": "https://n8n.example.net/webhook/orders"}))]
pub(crate) struct NewEndpoint {
    /// Letters, digits, `-`, `_` or `.`
    #[schema(max_length = 64)]
    name: String,
    /// Where events are posted
    url: String,
    /// The events that it receives (default: all)
    event_types: Option<Vec<String>>,
    /// Whether its orders hold personal data (default: false)
    #[serde(default)]
    personal_data: bool,
    /// Whether its address may be private (default: false)
    #[serde(default)]
    allow_private: bool,
}

/// The new settings of an endpoint. What is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"disabled": true}))]
pub(crate) struct EndpointPatch {
    /// Where events are posted
    url: Option<String>,
    /// The events that it receives
    event_types: Option<Vec<String>>,
    /// Whether its orders hold personal data
    personal_data: Option<bool>,
    /// Whether its address may be private
    allow_private: Option<bool>,
    /// Whether it receives nothing
    disabled: Option<bool>,
}

/// An endpoint with its secret, which cannot be shown again.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EndpointWithSecret {
    #[serde(flatten)]
    endpoint: EndpointBody,
    /// The key with which ROMS signs its messages.
    #[schema(example = "whsec_…")]
    secret: String,
}

/// How many messages were queued.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Queued {
    pub(crate) queued: u64,
}

/// Query parameters of the replay.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplaySince {
    /// Only changes on or after this date, or at or after this time (RFC 3339)
    since: String,
}

impl EndpointBody {
    fn new(endpoint: Endpoint) -> Self {
        let EndpointSettings { url, event_types, personal_data, allow_private } = endpoint.settings;
        Self {
            id: endpoint.id,
            name: endpoint.name,
            url: url.to_string(),
            event_types: event_types.iter().map(EventType::as_str).collect(),
            personal_data,
            allow_private,
            created_by: endpoint.created_by,
            created_at: endpoint.created_at,
            disabled_at: endpoint.disabled_at,
            disabled_reason: endpoint.disabled_reason,
            failing_since: endpoint.failing_since,
        }
    }
}

impl EndpointWithSecret {
    fn new(endpoint: Endpoint, secret: &SigningSecret) -> Self {
        Self { endpoint: EndpointBody::new(endpoint), secret: secret.expose().to_owned() }
    }
}

/// List webhook endpoints
#[utoipa::path(
    get, path = "/api/v2/webhook-endpoints", tag = "Outgoing webhooks", operation_id = "list_webhook_endpoints",
    responses((status = 200, description = "All endpoints", body = EndpointList), EndpointListErrors)
)]
pub(crate) async fn list(
    State(state): State<Arc<AppState>>,
    _: Query<NoParameters>,
) -> Result<Json<EndpointList>, ApiError> {
    let endpoints = state.store.endpoints(now()).await?.into_iter().map(EndpointBody::new).collect();
    Ok(Json(EndpointList { endpoints }))
}

/// Create a webhook endpoint
///
/// The answer holds the secret that signs its messages. ROMS cannot show it again.
#[utoipa::path(
    post, path = "/api/v2/webhook-endpoints", tag = "Outgoing webhooks", operation_id = "create_webhook_endpoint",
    request_body(content = NewEndpoint),
    responses((status = 201, description = "The endpoint with its secret", body = EndpointWithSecret), EndpointChangeErrors)
)]
pub(crate) async fn create(
    _: SameOrigin,
    caller: Caller,
    State(state): State<Arc<AppState>>,
    _: Query<NoParameters>,
    body: Body,
) -> Result<(StatusCode, Json<EndpointWithSecret>), ApiError> {
    let new: NewEndpoint = body::read_json(body, &state.closing).await?;
    let settings = EndpointSettings {
        url: new.url.parse().map_err(|error| bad_field("url", sentence(error)))?,
        event_types: new.event_types.map_or(Ok(EventTypes::ALL), |names| read_types(&names))?,
        personal_data: new.personal_data,
        allow_private: new.allow_private,
    };
    check_address(&state, &settings).await?;
    let name = new.name.parse().map_err(|error| bad_field("name", sentence(error)))?;
    let (id, secret) =
        state.store.create_endpoint(&name, settings, &caller.actor(), now()).await.map_err(read_error)?;
    let endpoint = changed(&state, id).await?;
    Ok((StatusCode::CREATED, Json(EndpointWithSecret::new(endpoint, &secret))))
}

/// Read a webhook endpoint
#[utoipa::path(
    get, path = "/api/v2/webhook-endpoints/{endpoint}", tag = "Outgoing webhooks", operation_id = "get_webhook_endpoint",
    params(("endpoint" = String, Path, description = "Name or row id")),
    responses((status = 200, description = "The endpoint", body = EndpointBody), EndpointErrors)
)]
pub(crate) async fn one(
    State(state): State<Arc<AppState>>,
    PathSegment(endpoint): PathSegment,
    _: Query<NoParameters>,
) -> Result<Json<EndpointBody>, ApiError> {
    Ok(Json(EndpointBody::new(find(&state, &endpoint).await?)))
}

/// Change, disable or enable a webhook endpoint
#[utoipa::path(
    patch, path = "/api/v2/webhook-endpoints/{endpoint}", tag = "Outgoing webhooks",
    operation_id = "change_webhook_endpoint",
    params(("endpoint" = String, Path, description = "Name or row id")),
    request_body(content = EndpointPatch),
    responses((status = 200, description = "The endpoint after the change", body = EndpointBody), EndpointChangeErrors)
)]
pub(crate) async fn change(
    _: SameOrigin,
    State(state): State<Arc<AppState>>,
    PathSegment(endpoint): PathSegment,
    _: Query<NoParameters>,
    body: Body,
) -> Result<Json<EndpointBody>, ApiError> {
    let patch: EndpointPatch = body::read_json(body, &state.closing).await?;
    let Endpoint { id, settings: old, disabled_at, .. } = find(&state, &endpoint).await?;
    let changes_address = patch.url.is_some() || patch.allow_private.is_some();
    let settings = EndpointSettings {
        url: match patch.url {
            Some(url) => url.parse().map_err(|error| bad_field("url", sentence(error)))?,
            None => old.url,
        },
        event_types: patch.event_types.map_or(Ok(old.event_types), |names| read_types(&names))?,
        personal_data: patch.personal_data.unwrap_or(old.personal_data),
        allow_private: patch.allow_private.unwrap_or(old.allow_private),
    };
    if changes_address {
        check_address(&state, &settings).await?;
    }
    state.store.change_endpoint(id, settings).await?;
    match patch.disabled {
        Some(true) if disabled_at.is_none() => state.store.disable_endpoint(id, BY_HAND, now()).await?,
        Some(false) => drop(state.store.enable_endpoint(id).await?),
        _ => {}
    }
    Ok(Json(EndpointBody::new(changed(&state, id).await?)))
}

/// Delete a webhook endpoint
///
/// Deletes the record of its deliveries too.
#[utoipa::path(
    delete, path = "/api/v2/webhook-endpoints/{endpoint}", tag = "Outgoing webhooks",
    operation_id = "delete_webhook_endpoint",
    params(("endpoint" = String, Path, description = "Name or row id")),
    responses((status = 204, description = "It is deleted"), EndpointErrors)
)]
pub(crate) async fn delete(
    _: SameOrigin,
    State(state): State<Arc<AppState>>,
    PathSegment(endpoint): PathSegment,
    _: Query<NoParameters>,
) -> Result<StatusCode, ApiError> {
    state.store.delete_endpoint(find(&state, &endpoint).await?.id).await?;
    state.ingest.outbox().refresh(&state.store).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Send a test
///
/// Sends an event of the type `test`. `/api/v2/webhook-deliveries` shows the answer.
#[utoipa::path(
    post, path = "/api/v2/webhook-endpoints/{endpoint}/test", tag = "Outgoing webhooks",
    operation_id = "test_webhook_endpoint",
    params(("endpoint" = String, Path, description = "Name or row id")),
    responses((status = 202, description = "The test is queued", body = Queued), EndpointErrors)
)]
pub(crate) async fn test(
    _: SameOrigin,
    State(state): State<Arc<AppState>>,
    PathSegment(endpoint): PathSegment,
    _: Query<NoParameters>,
) -> Result<(StatusCode, Json<Queued>), ApiError> {
    let target = Target::Endpoint(find(&state, &endpoint).await?.id);
    state.store.queue_deliveries(&[NewDelivery { target, subject: 0, event: TEST }], now()).await?;
    Ok(queued(&state, 1))
}

/// Replace the secret
///
/// For a day, messages carry a signature of the old secret too.
#[utoipa::path(
    post, path = "/api/v2/webhook-endpoints/{endpoint}/secret", tag = "Outgoing webhooks",
    operation_id = "rotate_webhook_secret",
    params(("endpoint" = String, Path, description = "Name or row id")),
    responses((status = 200, description = "The endpoint with its new secret", body = EndpointWithSecret), EndpointErrors)
)]
pub(crate) async fn rotate(
    _: SameOrigin,
    State(state): State<Arc<AppState>>,
    PathSegment(endpoint): PathSegment,
    _: Query<NoParameters>,
) -> Result<Json<EndpointWithSecret>, ApiError> {
    let endpoint = find(&state, &endpoint).await?;
    let secret = state.store.rotate_endpoint_secret(endpoint.id, now()).await?;
    let secret = secret.ok_or(ApiError::NotFound("webhook endpoint"))?;
    Ok(Json(EndpointWithSecret::new(endpoint, &secret)))
}

/// Send what an endpoint has missed
///
/// Queues the changes since a time that the endpoint has not received: because it was disabled, because every attempt
/// failed, or because ROMS did not announce them.
#[utoipa::path(
    post, path = "/api/v2/webhook-endpoints/{endpoint}/replay", tag = "Outgoing webhooks",
    operation_id = "replay_webhook_endpoint",
    params(("endpoint" = String, Path, description = "Name or row id"), ReplaySince),
    responses((status = 202, description = "The changes are queued", body = Queued), EndpointErrors)
)]
pub(crate) async fn replay(
    _: SameOrigin,
    State(state): State<Arc<AppState>>,
    PathSegment(endpoint): PathSegment,
    Query(ReplaySince { since }): Query<ReplaySince>,
) -> Result<(StatusCode, Json<Queued>), ApiError> {
    let since = read_time("since", Some(&since), state.timezone, DayEdge::Start)?.unwrap_or_default();
    let endpoint = find(&state, &endpoint).await?;
    let types = endpoint.settings.event_types;
    let count = state.store.replay_events(endpoint.id, types, since, now()).await?;
    Ok(queued(&state, count))
}

/// Says how many were queued, and wakes the sender.
pub(crate) fn queued(state: &AppState, queued: u64) -> (StatusCode, Json<Queued>) {
    state.ingest.outbox().wake();
    (StatusCode::ACCEPTED, Json(Queued { queued }))
}

/// The endpoint with this name or row id.
pub(crate) async fn find(state: &AppState, endpoint: &str) -> Result<Endpoint, ApiError> {
    let named = state.store.endpoint_named(endpoint, now()).await?;
    let found = match (named, endpoint.parse()) {
        (Some(named), _) => Some(named),
        (None, Ok(id)) => state.store.endpoint(id, now()).await?,
        (None, Err(_)) => None,
    };
    found.ok_or(ApiError::NotFound("webhook endpoint"))
}

/// The endpoint after a change, which takes effect at once in this process.
async fn changed(state: &AppState, id: i64) -> Result<Endpoint, ApiError> {
    state.ingest.outbox().refresh(&state.store).await?;
    state.store.endpoint(id, now()).await?.ok_or(ApiError::NotFound("webhook endpoint"))
}

/// Refuses a private address that is not allowed.
async fn check_address(state: &AppState, settings: &EndpointSettings) -> Result<(), ApiError> {
    let allow_private = settings.allow_private || state.ingest.outbox().allows_private();
    outbox::check_address(settings.url.expose(), allow_private).await.map_err(|_| {
        bad_field(
            "url",
            "Its address is private. Set `allow_private` to true if that is intended.".to_owned(),
        )
    })
}

fn read_types(names: &[String]) -> Result<EventTypes, ApiError> {
    let types = names.iter().map(|name| name.parse::<EventType>()).collect::<Result<Vec<_>, _>>();
    types.and_then(EventTypes::new).map_err(|error| bad_field("event_types", sentence(error)))
}

fn read_error(error: StoreError) -> ApiError {
    match error {
        StoreError::EndpointExists(_) => bad_field("name", sentence(error)),
        error => error.into(),
    }
}

/// An error as a sentence.
fn sentence(error: impl std::fmt::Display) -> String {
    let text = error.to_string();
    let mut chars = text.chars();
    let first: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}.", chars.as_str())
}
