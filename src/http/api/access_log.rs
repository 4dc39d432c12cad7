//! The access log: how tokens were created, revoked and used, who signed in, and which requests were refused.

use std::sync::Arc;

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::http::AppState;
use crate::http::error::{ApiError, ListErrors};
use crate::http::query::{Name, Named, Query, cut_page, row_limit};
use crate::store::{AccessEvent, AccessEventKind, AccessFilter};

impl Named for AccessEventKind {
    fn all() -> impl Iterator<Item = (&'static str, Self)> {
        Self::ALL.into_iter().map(|kind| (kind.as_str(), kind))
    }
}

type KindName = Name<AccessEventKind>;

/// Query parameters of the access log.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListAccess {
    /// Number of entries in the answer (default 50)
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    /// Next page: pass the answer's `next`. Only older entries follow.
    before: Option<i64>,
    /// Only entries of this kind
    #[param(inline, value_type = KindName, required = false)]
    event: Option<KindName>,
    /// Only entries about the token with this name
    token: Option<String>,
}

/// A page of the access log.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AccessPage {
    /// Newest first.
    events: Vec<AccessBody>,
    /// Largest number of entries on a page.
    limit: u64,
    /// Whether there are older entries.
    has_next: bool,
    /// Pass this as `before` to get the next page; `null` on the last page.
    next: Option<i64>,
}

/// An entry of the access log.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AccessEvent, example = json!({
    "id": 3, "event": "refused", "token": "sheet", "peer": "203.0.113.9",
    "detail": "missing_scope GET /api/v2/webhooks/logs", "actor": null, "count": 12, "created_at": "2026-01-31T12:00:00Z"
}))]
struct AccessBody {
    /// Row id.
    id: i64,
    #[schema(inline, value_type = KindName)]
    event: &'static str,
    /// Name of the token; `null` if a refused request had none that ROMS knows.
    token: Option<String>,
    /// Address of the client; `null` if there was none.
    peer: Option<String>,
    /// The scopes of a new token, the reason and route of refused requests, or the person of a session.
    detail: Option<String>,
    /// The person: `discord:` and a user id, `token:` and a name, `cli`, or `roms` itself.
    actor: Option<String>,
    /// How many requests the entry stands for: the same refusal is written at most once a minute.
    count: i64,
    created_at: DateTime<Utc>,
}

/// List the access log, newest first
#[utoipa::path(
    get, path = "/api/v2/access-log", tag = "Access", operation_id = "list_access",
    params(ListAccess),
    responses((status = 200, description = "A page of the access log", body = AccessPage), ListErrors)
)]
pub(crate) async fn list(
    State(state): State<Arc<AppState>>,
    Query(query): Query<ListAccess>,
) -> Result<Json<AccessPage>, ApiError> {
    let limit = row_limit(query.limit)?;
    let filter =
        AccessFilter { before: query.before, kind: query.event.map(|Name(kind)| kind), token: query.token };
    let mut events = state.store.access_events(&filter, limit + 1).await?;
    let has_next = cut_page(&mut events, limit);
    Ok(Json(AccessPage {
        next: events.last().map(|event| event.id).filter(|_| has_next),
        events: events.into_iter().map(AccessBody::from).collect(),
        limit,
        has_next,
    }))
}

impl From<AccessEvent> for AccessBody {
    fn from(event: AccessEvent) -> Self {
        let AccessEvent { id, kind, token, peer, detail, actor, count, at } = event;
        Self { id, event: kind.as_str(), token, peer, detail, actor, count, created_at: at }
    }
}
