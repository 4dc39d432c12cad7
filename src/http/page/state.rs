//! The state of ROMS: Discord, channels, queue, database, tokens and sessions.

use std::sync::Arc;

use askama::Template;
use axum::{extract::State, response::Html};
use chrono::{DateTime, Utc};

use super::cells::Moment;
use super::frame::{Frame, Head, Viewer};
use super::render;
use crate::clock::now;
use crate::http::AppState;
use crate::http::api::health::{self, Health};
use crate::http::api::live::MAX_CLIENTS;
use crate::http::error::ApiError;

#[derive(Template)]
#[template(path = "state.html", config = "src/http/page/askama.toml")]
struct StatePage {
    head: Head,
    frame: Frame,
    health: Health,
    engine: String,
    zone: chrono_tz::Tz,
    /// Messages and edits that wait for the writer.
    waiting: u64,
    live_clients: usize,
    tokens: Vec<TokenRow>,
    sessions: Vec<SessionRow>,
    requires_tokens: bool,
}

/// A browser that is signed in.
struct SessionRow {
    id: i64,
    name: String,
    kind: String,
    since: Moment,
    last_used: Moment,
    from: String,
    /// Whether it is the session of the reader.
    is_own: bool,
}

/// A token, without its secret.
struct TokenRow {
    name: String,
    scopes: String,
    last_four: String,
    last_used: Option<Moment>,
    from: String,
    expires: Option<Moment>,
}

impl StatePage {
    fn moment(&self, at: &DateTime<Utc>) -> Moment {
        Moment::of(*at, self.zone)
    }
}

pub(crate) async fn show(
    viewer: Viewer,
    State(state): State<Arc<AppState>>,
) -> Result<Html<String>, ApiError> {
    let zone = state.timezone;
    let (_, health) = health::check(&state).await;
    // While the database does not answer, the page shows everything else.
    let tokens = state.store.tokens().await.unwrap_or_default();
    let tokens = tokens.into_iter().map(|token| TokenRow {
        scopes: token.scopes.to_string(),
        name: token.name,
        last_four: token.last_four,
        last_used: token.last_used_at.map(|at| Moment::of(at, zone)),
        from: token.last_used_from.unwrap_or_default(),
        expires: token.expires_at.map(|at| Moment::of(at, zone)),
    });
    let own = viewer.caller.session().map(|session| session.id);
    let sessions = state.store.sessions(now()).await.unwrap_or_default();
    let sessions = sessions.into_iter().map(|session| SessionRow {
        id: session.id,
        kind: match session.level() {
            Some(level) => format!("Discord, {}", level.as_str()),
            None => "token".to_owned(),
        },
        since: Moment::of(session.created_at, zone),
        last_used: Moment::of(session.last_used_at, zone),
        is_own: own == Some(session.id),
        from: session.peer.unwrap_or_default(),
        name: session.name,
    });
    render(&StatePage {
        head: viewer.head(),
        frame: viewer.frame("State", "State"),
        health,
        engine: state.store.engine().to_owned(),
        zone,
        waiting: state.ingest.waiting(),
        live_clients: MAX_CLIENTS.saturating_sub(state.live_clients.available_permits()),
        tokens: tokens.collect(),
        sessions: sessions.collect(),
        requires_tokens: state.auth.is_required(),
    })
}
