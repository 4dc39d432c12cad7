//! Webhook links of Discord's form, so that everything that posts to a Discord webhook can post to ROMS instead.
//!
//! <https://discord.com/developers/docs/resources/webhook>
//!
//! A link sends cards and reads nothing: an answer repeats only what the same request has sent. Whoever posts to
//! Discord expects success for every message, so a message that is no readable order is kept in the webhook log and
//! accepted too. Only a body that Discord would refuse is refused.

use std::sync::Arc;

use axum::{
    Json,
    body::Body,
    extract::{FromRequestParts, RawPathParams, State},
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE, request::Parts},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::{Mutex, MutexGuard};
use utoipa::{IntoParams, ToSchema};

use crate::card::decode::{discord::payload_object, edited};
use crate::card::message::{LINK_ENDPOINT, Message, SLACK};
use crate::card::outcome::{CardOutcome, Outcome, Receipt, RejectionCode};
use crate::clock::now;
use crate::http::AppState;
use crate::http::auth::Caller;
use crate::http::body::{MAX_BODY_BYTES, MAX_MULTIPART_BYTES};
use crate::http::discord_error::DiscordErrors;
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::http::request_id::request_id;
use crate::http::submission::{finish, read};

/// Discord's numbers for an incoming webhook and for a message of the usual kind.
const INCOMING_WEBHOOK: u8 = 1;
const DEFAULT_MESSAGE: u8 = 0;
/// The answer of a Slack-compatible webhook.
const SLACK_OK: &str = "ok";

/// Query parameters of a message. Discord has more; they mean nothing here.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Execute {
    /// Whether to answer with the message: `true` or `false` (default)
    wait: Option<String>,
}

/// The webhook, as Discord describes one.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DiscordWebhook)]
pub(crate) struct WebhookBody {
    /// Id of the webhook.
    id: String,
    /// Always 1: an incoming webhook.
    #[serde(rename = "type")]
    kind: u8,
    /// The token's name.
    name: String,
    avatar: Option<String>,
    /// ROMS has no channels; the webhook's id.
    channel_id: String,
    guild_id: Option<String>,
    application_id: Option<String>,
}

/// The message that was sent, as Discord describes one.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DiscordMessage)]
pub(crate) struct MessageBody {
    /// Id of the message: with it the sender can edit and delete the message.
    id: String,
    #[serde(rename = "type")]
    kind: u8,
    /// The text of this request.
    content: String,
    channel_id: String,
    webhook_id: String,
    author: AuthorBody,
    /// The embeds of this request.
    embeds: Vec<Value>,
    /// The components of this request.
    components: Vec<Value>,
    attachments: Vec<Value>,
    mentions: Vec<Value>,
    mention_roles: Vec<Value>,
    mention_everyone: bool,
    pinned: bool,
    tts: bool,
    flags: u32,
    timestamp: DateTime<Utc>,
    edited_timestamp: Option<DateTime<Utc>>,
}

/// The sender of a message.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DiscordAuthor)]
struct AuthorBody {
    id: String,
    /// The name that the request gives, or else the token's.
    username: String,
    discriminator: &'static str,
    avatar: Option<String>,
    bot: bool,
}

/// Extractor for the message id at the end of a path.
pub(crate) struct MessageId(i64);

impl<S: Send + Sync> FromRequestParts<S> for MessageId {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let path =
            RawPathParams::from_request_parts(parts, state).await.map_err(|_| ApiError::UnknownRoute)?;
        let id = path.iter().find(|(name, _)| *name == "message").and_then(|(_, id)| id.parse().ok());
        id.map(Self).ok_or(ApiError::NotFound("message"))
    }
}

/// Number of locks for all messages.
const LOCKS: usize = 64;

/// Lets edits of one message wait for each other.
#[derive(Debug)]
pub(crate) struct LinkEdits([Mutex<()>; LOCKS]);

impl Default for LinkEdits {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::default()))
    }
}

impl LinkEdits {
    async fn lock(&self, message: i64) -> Option<MutexGuard<'_, ()>> {
        let lock = self.0.get(usize::try_from(message).ok()? % LOCKS)?;
        Some(lock.lock().await)
    }
}

/// The token of a link, for answers and for the webhook log.
#[derive(Clone)]
struct Link {
    id: i64,
    name: String,
}

impl Link {
    fn of(caller: &Caller) -> Result<Self, ApiError> {
        let (id, name) = caller.token().ok_or(ApiError::UnknownLink)?;
        Ok(Self { id, name: name.to_owned() })
    }

    /// The endpoint in the webhook log: the path, with the token's name in the place of the token.
    fn endpoint(&self) -> String {
        format!("{LINK_ENDPOINT}{}/{}", self.id, self.name)
    }

    /// The answer about a message with this content.
    fn message(&self, id: i64, sent: &Map<String, Value>, edited: Option<DateTime<Utc>>) -> MessageBody {
        let text = |key: &str| sent.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let list = |key: &str| sent.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
        let username = Some(text("username")).filter(|name| !name.is_empty());
        MessageBody {
            id: id.to_string(),
            kind: DEFAULT_MESSAGE,
            content: text("content"),
            channel_id: self.id.to_string(),
            webhook_id: self.id.to_string(),
            author: AuthorBody {
                id: self.id.to_string(),
                username: username.unwrap_or_else(|| self.name.clone()),
                discriminator: "0000",
                avatar: None,
                bot: true,
            },
            embeds: list("embeds"),
            components: list("components"),
            attachments: Vec::new(),
            mentions: Vec::new(),
            mention_roles: Vec::new(),
            mention_everyone: false,
            pinned: false,
            tts: false,
            flags: 0,
            timestamp: now(),
            edited_timestamp: edited,
        }
    }
}

/// Send a card as to a Discord webhook
///
/// Takes what Discord's webhooks take: JSON, or multipart with `payload_json` and files of together at most 10 MiB,
/// which are dropped. The card itself has at most 256 KiB. The answer comes after the message is safely stored, and is
/// a success for a message that is no readable order as well: the webhook log keeps it. The path may have a version, as
/// Discord's libraries write it: `/api/v10/webhooks/{id}/{token}`.
#[utoipa::path(
    post, path = "/api/webhooks/{id}/{token}", tag = "Webhook", operation_id = "execute_discord_webhook",
    params(("id" = i64, Path, description = "Id of the webhook"), ("token" = String, Path, description = "Its token"), Execute),
    request_body(description = "A message, as for a Discord webhook", content(
        (Value = "application/json", example = json!({"embeds": [{"title": "Successful Checkout | Best Buy US", "fields": [{"name": "Order Number", "value": "||#BBY01-807102506907||"}]}]})),
    )),
    responses(
        (status = 200, description = "The message, if `wait` is true", body = MessageBody),
        (status = 204, description = "The message is stored"),
        DiscordErrors,
    )
)]
pub(crate) async fn execute(
    State(state): State<Arc<AppState>>,
    caller: Caller,
    Query(query): Query<Execute>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let (link, sent, receipt) = submit(state, caller, headers, body, "").await?;
    let waits = query.wait.is_some_and(|wait| ["true", "1"].contains(&wait.to_ascii_lowercase().as_str()));
    if !waits {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let id = receipt.log_id.unwrap_or_default();
    Ok(Json(link.message(id, &sent.unwrap_or_default(), None)).into_response())
}

/// Send a card as to a Slack webhook
///
/// Takes what Slack's incoming webhooks take: `text`, `blocks`, and `attachments` with fields or blocks, as JSON or in
/// the form field `payload`. Otherwise like the route without `/slack`, which reads such bodies too.
#[utoipa::path(
    post, path = "/api/webhooks/{id}/{token}/slack", tag = "Webhook", operation_id = "execute_slack_webhook",
    params(("id" = i64, Path, description = "Id of the webhook"), ("token" = String, Path, description = "Its token")),
    request_body(description = "A message, as for a Slack webhook", content(
        (Value = "application/json", example = json!({"text": "Successful Checkout | Store", "attachments": [{"fields": [{"title": "Order Number", "value": "TEST-001"}]}]})),
    )),
    responses(
        (status = 200, description = "The message is stored", body = String, content_type = "text/plain", example = "ok"),
        DiscordErrors,
    )
)]
pub(crate) async fn execute_slack(
    State(state): State<Arc<AppState>>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<&'static str, ApiError> {
    submit(state, caller, headers, body, SLACK).await?;
    Ok(SLACK_OK)
}

/// Describe a webhook as Discord does
///
/// Senders use it to find out whether a link works.
#[utoipa::path(
    get, path = "/api/webhooks/{id}/{token}", tag = "Webhook", operation_id = "get_discord_webhook",
    params(("id" = i64, Path, description = "Id of the webhook"), ("token" = String, Path, description = "Its token")),
    responses((status = 200, description = "The webhook", body = WebhookBody), DiscordErrors)
)]
pub(crate) async fn get(caller: Caller) -> Result<Json<WebhookBody>, ApiError> {
    let Link { id, name } = Link::of(&caller)?;
    Ok(Json(WebhookBody {
        id: id.to_string(),
        kind: INCOMING_WEBHOOK,
        name,
        avatar: None,
        channel_id: id.to_string(),
        guild_id: None,
        application_id: None,
    }))
}

/// Edit a message as in Discord
///
/// The members of the body replace those of the message; the rest of the message stays. The card is read again.
#[utoipa::path(
    patch, path = "/api/webhooks/{id}/{token}/messages/{message}", tag = "Webhook", operation_id = "edit_discord_webhook_message",
    params(
        ("id" = i64, Path, description = "Id of the webhook"), ("token" = String, Path, description = "Its token"),
        ("message" = String, Path, description = "Id of the message"),
    ),
    request_body(description = "The members to replace", content((Value = "application/json", example = json!({"content": "Order Number\nTEST-001\nStatus\nshipped"})))),
    responses((status = 200, description = "The message, with what this request has sent", body = MessageBody), DiscordErrors)
)]
pub(crate) async fn edit(
    State(state): State<Arc<AppState>>,
    caller: Caller,
    MessageId(id): MessageId,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<MessageBody>, ApiError> {
    let link = Link::of(&caller)?;
    let endpoint = link.endpoint();
    state.store.linked_message(&endpoint, id).await?.ok_or(ApiError::NotFound("message"))?;
    let submission = {
        let (state, token) = (Arc::clone(&state), link.id);
        async move {
            let received = read(&state, &caller, &headers, body, limit_of(&headers)).await?;
            let request_id = request_id(&headers);
            let message = Message { request_id: request_id.clone(), ..received.into_message(&endpoint) };
            let Some(sent) = payload_object(&message.raw).filter(|_| message.refused.is_none()) else {
                let receipt = state.ingest.try_submit(Message { token: Some(token), ..message }).await?;
                return Err(refusal(&receipt, None).unwrap_or_else(not_json));
            };
            // Another edit of the message must not begin before this one is stored, or one of them would be lost.
            let _turn = state.link_edits.lock(id).await;
            let earlier = state.store.linked_message(&endpoint, id).await?;
            let earlier = earlier.ok_or(ApiError::NotFound("message"))?;
            let edited = edited(payload_object(&earlier.payload).unwrap_or_default(), sent.clone());
            let edited = Value::Object(edited).to_string();
            let message = Message {
                // The time is that of the turn: a later edit must not be older than the version that it changes.
                at: now(),
                discord_id: Some(id),
                request_id,
                token: Some(token),
                ..Message::from_payload(&edited, &endpoint, message.received_at)
            };
            let receipt = state.ingest.try_submit(message).await?;
            refusal(&receipt, Some(&sent)).map_or(Ok(sent), Err)
        }
    };
    let sent = finish(&state, submission).await?;
    Ok(Json(link.message(id, &sent, Some(now()))))
}

/// Delete a message as in Discord
///
/// The webhook log marks the message as deleted. Its order stays, as after a deletion in Discord.
#[utoipa::path(
    delete, path = "/api/webhooks/{id}/{token}/messages/{message}", tag = "Webhook", operation_id = "delete_discord_webhook_message",
    params(
        ("id" = i64, Path, description = "Id of the webhook"), ("token" = String, Path, description = "Its token"),
        ("message" = String, Path, description = "Id of the message"),
    ),
    responses((status = 204, description = "The message is marked as deleted"), DiscordErrors)
)]
pub(crate) async fn delete(
    State(state): State<Arc<AppState>>,
    caller: Caller,
    MessageId(id): MessageId,
) -> Result<StatusCode, ApiError> {
    let link = Link::of(&caller)?;
    if state.store.delete_linked_message(link.id, &link.endpoint(), id, now()).await? {
        // The deletion may have to be passed on.
        state.ingest.outbox().wake();
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(ApiError::NotFound("message"))
    }
}

/// Reads and stores a message. Returns its JSON as well. `form` ends the endpoint in the webhook log.
async fn submit(
    state: Arc<AppState>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
    form: &str,
) -> Result<(Link, Option<Map<String, Value>>, Receipt), ApiError> {
    let link = Link::of(&caller)?;
    let (endpoint, token) = (link.endpoint() + form, link.id);
    let submission = {
        let state = Arc::clone(&state);
        async move {
            let received = read(&state, &caller, &headers, body, limit_of(&headers)).await?;
            let message = received.into_message(&endpoint);
            let sent = payload_object(&message.raw);
            // An id in the body is that of another service.
            let request_id = request_id(&headers);
            let message = Message { discord_id: None, request_id, token: Some(token), ..message };
            let receipt = state.ingest.try_submit(message).await?;
            refusal(&receipt, sent.as_ref()).map_or(Ok((sent, receipt)), Err)
        }
    };
    let (sent, receipt) = finish(&state, submission).await?;
    Ok((link, sent, receipt))
}

/// A card may have files beside it.
fn limit_of(headers: &HeaderMap) -> usize {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_multipart = content_type.trim_start().to_ascii_lowercase().starts_with("multipart/");
    if is_multipart { MAX_MULTIPART_BYTES } else { MAX_BODY_BYTES }
}

/// Why Discord would refuse a message with this receipt, if it would.
fn refusal(Receipt { log_id, cards }: &Receipt, sent: Option<&Map<String, Value>>) -> Option<ApiError> {
    let mut rejections = Vec::new();
    for CardOutcome { outcome, .. } in cards {
        let Outcome::Rejected(why) = outcome else { return None };
        rejections.push(why);
    }
    let why = rejections.first()?;
    match (why.code, sent) {
        (
            RejectionCode::NotAnOrder | RejectionCode::MissingOrderNumber | RejectionCode::BadOrderNumber,
            _,
        ) => None,
        (RejectionCode::EmptyMessage, None) => Some(ApiError::BadBody(why.detail.clone())),
        _ => Some(ApiError::Refused { why: (*why).clone(), log_id: *log_id }),
    }
}

fn not_json() -> ApiError {
    ApiError::BadBody("A JSON object.".to_owned())
}
