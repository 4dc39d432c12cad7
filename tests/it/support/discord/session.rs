//! Gateway sessions: sequence numbers, events to replay, connections, and planned failures.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use axum::extract::ws::Utf8Bytes;
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;

use super::{
    permissions::VIEW_CHANNEL,
    state::State,
    wire::{Fate, Switch},
};

pub(super) const GUILDS: u64 = 1;
pub(super) const GUILD_MESSAGES: u64 = 1 << 9;
pub(super) const GUILD_MESSAGE_REACTIONS: u64 = 1 << 10;
pub(super) const MESSAGE_CONTENT: u64 = 1 << 15;

/// How many events a session keeps for a RESUME.
const REPLAYED: usize = 20_000;

/// A frame for a connection to send.
#[derive(Debug)]
pub(super) enum Out {
    Text(Utf8Bytes),
    /// A close frame, with or without a code.
    Close(Option<u16>),
}

/// An answer to IDENTIFY or RESUME instead of the normal one.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    /// A close frame with this code.
    Close(u16),
    /// Op 9, resumable or not.
    InvalidSession(bool),
    /// The end of the TCP connection (FIN).
    HangUp,
    /// No answer.
    Silence,
}

/// A live WebSocket connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) out: UnboundedSender<Out>,
    pub(super) switch: Arc<Switch>,
    /// The session that this connection identified or resumed.
    pub(super) session: Option<String>,
}

/// A session. It can outlive its connection.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) intents: u64,
    pub(super) seq: u64,
    /// Sequence number of the newest event that can no longer be replayed.
    pub(super) forgotten: u64,
    pub(super) kept: VecDeque<(u64, Utf8Bytes)>,
    pub(super) connection: Option<u64>,
}

/// The gateway's part of the state, with the planned failures.
#[derive(Debug)]
pub(crate) struct GatewayState {
    /// `127.0.0.1:port`.
    pub(super) address: String,
    pub(super) heartbeat: Duration,
    pub(super) says_hello: bool,
    pub(super) acknowledges: bool,
    /// The WebSocket handshake is never answered.
    pub(super) black_hole: bool,
    /// The WebSocket handshake is answered with this status.
    pub(super) handshake_status: Option<u16>,
    pub(super) at_identify: VecDeque<Answer>,
    pub(super) at_resume: VecDeque<Answer>,
    pub(super) limit_total: u64,
    pub(super) limit_remaining: u64,
    pub(super) limit_reset_after: Duration,
    pub(super) handshakes: usize,
    pub(super) identifies: usize,
    pub(super) resumes: usize,
    pub(super) heartbeats: usize,
    pub(super) readies: usize,
    pub(super) next: u64,
    pub(super) connections: BTreeMap<u64, Connection>,
    pub(super) sessions: BTreeMap<String, Session>,
}

impl GatewayState {
    pub(super) fn new(address: String) -> Self {
        Self {
            address,
            heartbeat: Duration::from_millis(41_250),
            says_hello: true,
            acknowledges: true,
            black_hole: false,
            handshake_status: None,
            at_identify: VecDeque::new(),
            at_resume: VecDeque::new(),
            limit_total: 1000,
            limit_remaining: 1000,
            limit_reset_after: Duration::ZERO,
            handshakes: 0,
            identifies: 0,
            resumes: 0,
            heartbeats: 0,
            readies: 0,
            next: 0,
            connections: BTreeMap::new(),
            sessions: BTreeMap::new(),
        }
    }

    /// Whether a session has a connection.
    pub(super) fn is_ready(&self) -> bool {
        self.sessions.values().any(|session| session.connection.is_some())
    }

    pub(super) fn summary(&self) -> String {
        format!(
            "gateway: {} handshakes, {} IDENTIFYs, {} RESUMEs, {} READYs, {} heartbeats, connected: {}",
            self.handshakes,
            self.identifies,
            self.resumes,
            self.readies,
            self.heartbeats,
            self.is_ready()
        )
    }

    /// Sends to a connection. Does nothing if it has ended.
    pub(super) fn send(&self, connection: u64, out: Out) {
        if let Some(connection) = self.connections.get(&connection) {
            drop(connection.out.send(out));
        }
    }

    /// Sends an op without a sequence number.
    pub(super) fn send_op(&self, connection: u64, op: u8, data: &Value) {
        self.send(
            connection,
            Out::Text(json!({"op": op, "d": data, "s": null, "t": null}).to_string().into()),
        );
    }

    /// Separates all sessions from their connections. Later events wait for a RESUME.
    pub(super) fn detach_all(&mut self) {
        self.sessions.values_mut().for_each(|session| session.connection = None);
    }

    /// Turns the switch of every gateway connection.
    pub(super) fn turn(&self, fate: Fate) {
        self.connections.values().for_each(|connection| connection.switch.turn(fate));
    }

    /// Numbers an event for a session, keeps it, and sends it if the session is connected.
    pub(super) fn dispatch(&mut self, session: &str, kind: &str, data: &Value) {
        let Some(state) = self.sessions.get_mut(session) else { return };
        state.seq += 1;
        let frame: Utf8Bytes = json!({"op": 0, "s": state.seq, "t": kind, "d": data}).to_string().into();
        state.kept.push_back((state.seq, frame.clone()));
        if state.kept.len() > REPLAYED
            && let Some((seq, _)) = state.kept.pop_front()
        {
            state.forgotten = seq;
        }
        if let Some(connection) = state.connection {
            self.send(connection, Out::Text(frame));
        }
    }
}

impl State {
    /// Sends an event to every session that has the intent for it and may view the channel. Without the
    /// Message Content intent, messages are sent without their content.
    pub(super) fn emit(&mut self, kind: &str, channel: Option<u64>, data: &Value) {
        if channel.is_some_and(|channel| !self.bot_may(channel, VIEW_CHANNEL)) {
            return;
        }
        let needed = intent_for(kind);
        let is_message = matches!(kind, "MESSAGE_CREATE" | "MESSAGE_UPDATE");
        let is_bare = |intents| is_message && intents & MESSAGE_CONTENT == 0;
        let redacted = if self.gateway.sessions.values().any(|session| is_bare(session.intents)) {
            self.redacted(data.clone())
        } else {
            Value::Null
        };
        let sessions: Vec<(String, u64)> =
            self.gateway.sessions.iter().map(|(id, session)| (id.clone(), session.intents)).collect();
        for (id, intents) in sessions {
            if intents & needed == needed {
                self.gateway.dispatch(&id, kind, if is_bare(intents) { &redacted } else { data });
            }
        }
    }

    /// A message as an application without Message Content receives it. Its own messages and those that
    /// mention it keep their content.
    pub(super) fn redacted(&self, mut message: Value) -> Value {
        let bot = Value::from(self.application.bot_id.to_string());
        let mentioned =
            message["mentions"].as_array().is_some_and(|all| all.iter().any(|user| user["id"] == bot));
        if message["author"]["id"] == bot || mentioned {
            return message;
        }
        for (key, empty) in [
            ("content", json!("")),
            ("embeds", json!([])),
            ("attachments", json!([])),
            ("components", json!([])),
        ] {
            if let Some(value) = message.get_mut(key) {
                *value = empty;
            }
        }
        message
    }
}

/// The intent that an event needs.
fn intent_for(kind: &str) -> u64 {
    match kind {
        kind if kind.starts_with("MESSAGE_REACTION_") => GUILD_MESSAGE_REACTIONS,
        kind if kind.starts_with("MESSAGE_") => GUILD_MESSAGES,
        kind if ["GUILD_", "CHANNEL_", "THREAD_"].iter().any(|start| kind.starts_with(start)) => GUILDS,
        _ => 0,
    }
}
