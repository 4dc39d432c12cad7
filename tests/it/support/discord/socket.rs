//! One WebSocket connection of the gateway: incoming frames and their answers.

use std::sync::Arc;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{
    payload,
    session::{Answer, Connection, GUILDS, MESSAGE_CONTENT, Out, Session},
    state::{FLAG_MESSAGE_CONTENT, FLAG_MESSAGE_CONTENT_LIMITED, Shared, State},
    wire::{Fate, Switch},
};

/// Every intent that exists: bits 0 to 16, 20, 21, 24 and 25.
const KNOWN_INTENTS: u64 = 0x0331_FFFF;
/// `GUILD_MEMBERS` and `GUILD_PRESENCES`. They are always off in the double's developer portal.
const OTHER_PRIVILEGED: u64 = 1 << 1 | 1 << 8;

/// Serves a connection until either side ends it.
pub(super) async fn serve(shared: Arc<Shared>, socket: WebSocket, switch: Arc<Switch>) {
    let (out, mut orders) = mpsc::unbounded_channel();
    let me = shared.with(|state| state.gateway.open(Connection { out, switch, session: None }));
    let (mut sink, mut stream) = socket.split();
    let writing = async {
        while let Some(order) = orders.recv().await {
            let message = match order {
                Out::Text(text) => Message::Text(text),
                Out::Close(code) => {
                    Message::Close(code.map(|code| CloseFrame { code, reason: Utf8Bytes::from_static("") }))
                }
            };
            let last = matches!(message, Message::Close(_));
            let sent = sink.feed(message).await;
            if sent.is_err() || (orders.is_empty() && sink.flush().await.is_err()) || last {
                break;
            }
        }
        drop(sink.flush().await);
    };
    let reading = async {
        while let Some(Ok(message)) = stream.next().await {
            match message {
                Message::Text(text) => shared.with(|state| state.hear(me, &text)),
                Message::Close(frame) => {
                    let ends_session = frame.is_some_and(|frame| matches!(frame.code, 1000 | 1001));
                    return ends_session;
                }
                Message::Binary(_) | Message::Ping(_) | Message::Pong(_) => {}
            }
        }
        false
    };
    // After sending a close frame, keep reading until the client has closed its side.
    let (reading, writing) = (std::pin::pin!(reading), std::pin::pin!(writing));
    let ends_session = match futures_util::future::select(reading, writing).await {
        futures_util::future::Either::Left((ends_session, _)) => ends_session,
        futures_util::future::Either::Right(((), reading)) => reading.await,
    };
    shared.with(|state| state.gateway.gone(me, ends_session));
}

impl super::session::GatewayState {
    /// Registers a connection and sends HELLO.
    fn open(&mut self, connection: Connection) -> u64 {
        self.next += 1;
        let me = self.next;
        self.connections.insert(me, connection);
        if self.says_hello {
            let interval = u64::try_from(self.heartbeat.as_millis()).expect("a short time");
            self.send_op(me, 10, &json!({"heartbeat_interval": interval}));
        }
        me
    }

    /// Removes a connection, and its session if the client ended it.
    fn gone(&mut self, me: u64, ends_session: bool) {
        let Some(Connection { session: Some(id), .. }) = self.connections.remove(&me) else { return };
        // Another connection may have resumed the session and owns it now.
        let ours = |session: &&mut Session| session.connection.is_none_or(|connection| connection == me);
        if let Some(session) = self.sessions.get_mut(&id).filter(ours) {
            session.connection = None;
            if ends_session {
                self.sessions.remove(&id);
            }
        }
    }

    /// Answers as a planned failure says.
    fn answer(&self, me: u64, answer: Answer) {
        match answer {
            Answer::Close(code) => self.send(me, Out::Close(Some(code))),
            Answer::InvalidSession(resumable) => self.send_op(me, 9, &json!(resumable)),
            Answer::HangUp => self.connections[&me].switch.turn(Fate::Ended),
            Answer::Silence => {}
        }
    }

    /// Attaches a session to a connection, which then receives its events.
    fn attach(&mut self, me: u64, id: &str) {
        if let (Some(connection), Some(session)) = (self.connections.get_mut(&me), self.sessions.get_mut(id))
        {
            connection.session = Some(id.to_owned());
            session.connection = Some(me);
        }
    }
}

impl State {
    /// Handles a frame of the client.
    fn hear(&mut self, me: u64, text: &str) {
        let frame: Value = match serde_json::from_str(text) {
            Ok(frame) => frame,
            Err(_) => return self.gateway.send(me, Out::Close(Some(4002))),
        };
        match frame["op"].as_u64() {
            Some(1) => {
                self.gateway.heartbeats += 1;
                if self.gateway.acknowledges {
                    self.gateway.send_op(me, 11, &Value::Null);
                }
            }
            Some(2) => self.identify(me, &frame["d"]),
            Some(6) => self.resume(me, &frame["d"]),
            Some(3 | 4 | 8) => {}
            _ => self.gateway.send(me, Out::Close(Some(4001))),
        }
    }

    fn identify(&mut self, me: u64, data: &Value) {
        self.gateway.identifies += 1;
        self.gateway.limit_remaining = self.gateway.limit_remaining.saturating_sub(1);
        if let Some(answer) = self.gateway.at_identify.pop_front() {
            return self.gateway.answer(me, answer);
        }
        let intents = data["intents"].as_u64().unwrap_or(u64::MAX);
        let content = FLAG_MESSAGE_CONTENT | FLAG_MESSAGE_CONTENT_LIMITED;
        let content_is_off = self.application.flags & content == 0;
        let refusal = if !self.is_token(&data["token"]) {
            Some(4004)
        } else if self.gateway.connections[&me].session.is_some() {
            Some(4005)
        } else if intents & !KNOWN_INTENTS != 0 {
            Some(4013)
        } else if intents & OTHER_PRIVILEGED != 0 || (intents & MESSAGE_CONTENT != 0 && content_is_off) {
            Some(4014)
        } else {
            None
        };
        match refusal {
            Some(code) => self.gateway.send(me, Out::Close(Some(code))),
            None => self.greet(me, intents),
        }
    }

    /// Starts a session: READY, then the guilds.
    fn greet(&mut self, me: u64, intents: u64) {
        let id = format!("{:032x}", self.ids.now());
        let session = Session {
            intents,
            seq: 0,
            forgotten: 0,
            kept: std::collections::VecDeque::new(),
            connection: None,
        };
        // A new IDENTIFY gives up the earlier session.
        self.gateway.sessions.retain(|_, session| session.connection.is_some());
        self.gateway.sessions.insert(id.clone(), session);
        self.gateway.attach(me, &id);
        let guilds: Vec<u64> =
            self.guilds.iter().filter(|(_, it)| it.bot_is_member).map(|(id, _)| *id).collect();
        let unavailable =
            guilds.iter().map(|id| json!({"id": id.to_string(), "unavailable": true})).collect::<Vec<_>>();
        let ready = json!({
            "v": 10, "user": self.application.bot(), "guilds": unavailable, "session_id": id,
            "resume_gateway_url": format!("ws://{}", self.gateway.address), "shard": [0, 1],
            "private_channels": [], "_trace": [],
            "application": {"id": self.application.id.to_string(), "flags": self.application.flags},
        });
        self.gateway.dispatch(&id, "READY", &ready);
        self.gateway.readies += 1;
        if intents & GUILDS != 0 {
            for guild in guilds {
                let whole = payload::guild_create(self, guild);
                self.gateway.dispatch(&id, "GUILD_CREATE", &whole);
            }
        }
    }

    fn resume(&mut self, me: u64, data: &Value) {
        self.gateway.resumes += 1;
        if let Some(answer) = self.gateway.at_resume.pop_front() {
            return self.gateway.answer(me, answer);
        }
        if !self.is_token(&data["token"]) {
            return self.gateway.send(me, Out::Close(Some(4004)));
        }
        let (id, seq) =
            (data["session_id"].as_str().unwrap_or_default(), data["seq"].as_u64().unwrap_or(u64::MAX));
        let Some(session) = self.gateway.sessions.get(id).filter(|session| session.forgotten <= seq) else {
            return self.gateway.send_op(me, 9, &json!(false));
        };
        if seq > session.seq {
            return self.gateway.send(me, Out::Close(Some(4007)));
        }
        let missed = session.kept.iter().filter(|(number, _)| *number > seq).map(|(_, frame)| frame.clone());
        for frame in missed.collect::<Vec<_>>() {
            self.gateway.send(me, Out::Text(frame));
        }
        self.gateway.attach(me, id);
        // serenity accepts only an object here.
        self.gateway.dispatch(id, "RESUMED", &json!({"_trace": []}));
    }

    /// Whether this is the bot's token, with or without `Bot `.
    pub(super) fn is_token(&self, written: &Value) -> bool {
        let written = written.as_str().unwrap_or_default();
        written.strip_prefix("Bot ").unwrap_or(written) == self.application.token
    }
}
