//! The REST API: records each request, and answers it from the state unless a rule makes it fail.
//!
//! [`route`] lists all endpoints. The modules implement them.

mod body;
mod channels;
mod guilds;
mod interactions;
mod oauth;
mod reply;
mod webhooks;

use std::{sync::Arc, time::Instant};

use axum::{
    extract::{Request, State as Extracted},
    response::Response,
};
use serde_json::json;

pub(crate) use self::body::File;
pub(crate) use self::oauth::OAuth;
use self::{body::Ask, reply::Reply};
use super::{
    faults::{self, Fault},
    payload,
    state::{Shared, State},
};

/// Largest accepted body: a message with its files.
const LARGEST_BODY: usize = 32 << 20;

/// Answers a request. This is the router's fallback.
pub(super) async fn answer(Extracted(shared): Extracted<Arc<Shared>>, request: Request) -> Response {
    let ask = match Ask::read(request, LARGEST_BODY).await {
        Ok(ask) => ask,
        Err(refusal) => return refusal.into(),
    };
    let (number, mut fault) = shared.with(|state| {
        state.requests.push(faults::Request {
            method: ask.method.clone(),
            path: ask.path.clone(),
            body: ask.body.clone(),
            at: Instant::now(),
            status: None,
            known: true,
        });
        let hit = state.rules.iter_mut().find_map(|rule| rule.apply(&ask.method, &ask.path));
        (state.requests.len() - 1, hit)
    });
    match fault {
        Some(Fault::Hang) => std::future::pending().await,
        Some(Fault::Late(by)) => {
            tokio::time::sleep(by).await;
            fault = None;
        }
        _ => {}
    }
    shared.with(|state| {
        let reply = fault.map_or_else(|| route(state, &ask), Reply::of_fault);
        let request = &mut state.requests[number];
        request.status = Some(reply.status);
        request.known = !reply.unknown_route;
        reply.into()
    })
}

/// The endpoints.
fn route(state: &mut State, ask: &Ask) -> Reply {
    let segments: Vec<&str> = ask.segments.iter().map(String::as_str).collect();
    // The page that asks people is not part of the API.
    if ask.method == "GET" && ask.path.starts_with("/oauth2/authorize?") {
        return oauth::authorize(state, ask);
    }
    if ask.method == "POST" && segments == ["oauth2", "token"] {
        return oauth::token(state, ask);
    }
    if let Some(token) = ask.authorization.as_deref().and_then(|header| header.strip_prefix("Bearer ")) {
        return oauth::as_person(state, token, &segments);
    }
    // These endpoints have a token in the path instead of the header.
    match (ask.method.as_str(), segments.as_slice()) {
        ("GET", ["gateway"]) => return Reply::ok(json!({"url": format!("ws://{}", state.gateway.address)})),
        ("GET", ["webhooks", id, token]) => return webhooks::show(state, id, token),
        ("POST", ["webhooks", id, token]) => return webhooks::execute(state, ask, id, token),
        (_, ["webhooks", application, token, "messages", message]) => {
            return interactions::message(state, ask, application, token, message);
        }
        ("POST", ["interactions", id, token, "callback"]) => {
            return interactions::callback(state, ask, id, token);
        }
        _ => {}
    }
    if !ask
        .authorization
        .as_deref()
        .is_some_and(|header| header.starts_with("Bot ") && state.is_token(&json!(header)))
    {
        return Reply::unauthorized();
    }
    match (ask.method.as_str(), segments.as_slice()) {
        ("GET", ["gateway", "bot"]) => Reply::ok(gateway_bot(state)),
        ("GET", ["applications", "@me"] | ["oauth2", "applications", "@me"]) => {
            Reply::ok(payload::application(state))
        }
        ("GET", ["users", "@me"]) => Reply::ok(guilds::me(state)),
        ("GET", ["users", "@me", "guilds"]) => Reply::ok(guilds::mine(state)),
        ("GET", ["guilds", guild, rest @ ..]) => guilds::show(state, guild, rest),
        ("GET", ["channels", channel]) => channels::show(state, channel),
        ("GET", ["channels", channel, "threads", "archived", "public"]) => {
            channels::archived_threads(state, ask, channel)
        }
        ("GET", ["channels", channel, "messages"]) => channels::page(state, ask, channel),
        ("POST", ["channels", channel, "messages"]) => channels::post(state, ask, channel),
        (_, ["channels", channel, "messages", message]) => channels::message(state, ask, channel, message),
        (_, ["channels", channel, "messages", message, "reactions", emoji, "@me"]) => {
            channels::react(state, ask, channel, message, emoji)
        }
        ("PUT" | "GET", ["applications", application, "commands"]) => {
            interactions::commands(state, ask, application, None)
        }
        ("PUT" | "GET", ["applications", application, "guilds", guild, "commands"]) => {
            interactions::commands(state, ask, application, Some(guild))
        }
        _ => Reply::unknown_route(),
    }
}

fn gateway_bot(state: &State) -> serde_json::Value {
    let gateway = &state.gateway;
    json!({
        "url": format!("ws://{}", gateway.address),
        "shards": 1,
        "session_start_limit": {
            "total": gateway.limit_total,
            "remaining": gateway.limit_remaining,
            "reset_after": u64::try_from(gateway.limit_reset_after.as_millis()).unwrap_or(u64::MAX),
            "max_concurrency": 1,
        },
    })
}
