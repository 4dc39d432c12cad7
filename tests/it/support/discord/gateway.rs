//! The gateway as tests use it: counters, and every kind of failure.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::{
    Answer,
    session::Out,
    state::{Shared, State},
    wire::Fate,
};

/// The gateway of a double.
#[derive(Clone, Debug)]
pub(crate) struct Gateway {
    shared: Arc<Shared>,
}

impl Gateway {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Sets the heartbeat interval of later HELLOs. The default is 41.25 s.
    pub(crate) fn heartbeat_every(&self, interval: Duration) {
        self.shared.with(|state| state.gateway.heartbeat = interval);
    }

    /// Sets whether new connections get a HELLO.
    pub(crate) fn says_hello(&self, says: bool) {
        self.shared.with(|state| state.gateway.says_hello = says);
    }

    /// Sets whether heartbeats are acknowledged. Events are sent either way.
    pub(crate) fn acknowledges(&self, does: bool) {
        self.shared.with(|state| state.gateway.acknowledges = does);
    }

    /// Sets how many IDENTIFYs `/gateway/bot` reports as left. Each IDENTIFY reduces the number; zero has
    /// no effect.
    pub(crate) fn set_start_limit(&self, remaining: u64, reset_after: Duration) {
        self.shared.with(|state| {
            state.gateway.limit_remaining = remaining;
            state.gateway.limit_reset_after = reset_after;
        });
    }

    /// Op 7: asks the bot to reconnect and resume. Later events wait for its RESUME.
    pub(crate) fn reconnect(&self) {
        self.to_all(|state, connection| state.gateway.send_op(connection, 7, &Value::Null));
    }

    /// Op 9: declares the session invalid. If `resumable`, it can still be resumed. Otherwise it is
    /// removed, and later messages are only in the history.
    pub(crate) fn invalidate(&self, resumable: bool) {
        self.to_all(|state, connection| {
            state.gateway.send_op(connection, 9, &json!(resumable));
            if !resumable {
                state.gateway.sessions.clear();
            }
        });
    }

    /// Removes all sessions without sending anything: connections get no more events, and a RESUME is
    /// answered with op 9 false.
    pub(crate) fn forget_sessions(&self) {
        self.shared.with(|state| state.gateway.sessions.clear());
    }

    /// Ends every connection with a close frame, with or without a code. The sessions stay.
    pub(crate) fn close(&self, code: Option<u16>) {
        self.to_all(|state, connection| state.gateway.send(connection, Out::Close(code)));
    }

    /// Ends the TCP connections (FIN) without a close frame. The sessions stay.
    pub(crate) fn hang_up(&self) {
        self.cut(Fate::Ended);
    }

    /// Resets the TCP connections (RST). The sessions stay.
    pub(crate) fn reset(&self) {
        self.cut(Fate::Reset);
    }

    /// Stalls the current connections, like a pulled cable: nothing is read or written, and neither side
    /// is notified.
    pub(crate) fn stall(&self) {
        self.shared.with(|state| state.gateway.turn(Fate::Stalled));
    }

    /// Ends the stall. Everything written meanwhile arrives.
    pub(crate) fn unstall(&self) {
        self.shared.with(|state| state.gateway.turn(Fate::Open));
    }

    /// Sets whether new connections get no answer: TCP is accepted, but the handshake is not answered.
    /// Handshakes that hang stay that way when this ends.
    pub(crate) fn black_hole(&self, is: bool) {
        self.shared.with(|state| state.gateway.black_hole = is);
    }

    /// Answers WebSocket handshakes with an HTTP status, while REST works. `None` ends this.
    /// For refused TCP see [`super::Discord::refuse_connections`].
    pub(crate) fn refuse_handshakes(&self, status: Option<u16>) {
        self.shared.with(|state| state.gateway.handshake_status = status);
    }

    /// Answers the next IDENTIFYs with these answers, one each.
    pub(crate) fn at_identify(&self, answers: &[Answer]) {
        self.shared.with(|state| state.gateway.at_identify.extend(answers));
    }

    /// Answers the next RESUMEs in this way.
    pub(crate) fn at_resume(&self, answers: &[Answer]) {
        self.shared.with(|state| state.gateway.at_resume.extend(answers));
    }

    /// Sends an event exactly as given to every session, whatever its intents. It is numbered and kept for
    /// a RESUME like any other.
    #[expect(clippy::needless_pass_by_value, reason = "a call with json!({…}) reads better without &")]
    pub(crate) fn dispatch(&self, kind: &str, data: Value) {
        self.shared.with(|state| {
            let sessions: Vec<String> = state.gateway.sessions.keys().cloned().collect();
            for session in sessions {
                state.gateway.dispatch(&session, kind, &data);
            }
        });
    }

    /// Sends a text frame exactly as given.
    pub(crate) fn send_text(&self, text: &str) {
        self.shared.with(|state| {
            for connection in state.gateway.connections.keys() {
                state.gateway.send(*connection, Out::Text(text.into()));
            }
        });
    }

    /// How many WebSocket handshakes arrived.
    pub(crate) fn handshakes(&self) -> usize {
        self.shared.read(|state| state.gateway.handshakes)
    }

    /// How many IDENTIFYs arrived, including refused ones.
    pub(crate) fn identifies(&self) -> usize {
        self.shared.read(|state| state.gateway.identifies)
    }

    /// How many RESUMEs arrived, including refused ones.
    pub(crate) fn resumes(&self) -> usize {
        self.shared.read(|state| state.gateway.resumes)
    }

    /// How many heartbeats arrived.
    pub(crate) fn heartbeats(&self) -> usize {
        self.shared.read(|state| state.gateway.heartbeats)
    }

    /// Whether a session is connected.
    pub(crate) fn is_ready(&self) -> bool {
        self.shared.read(|state| state.gateway.is_ready())
    }

    /// Waits for [`Self::is_ready`]. After a failure that separates the session from its connection (all
    /// except a missing answer and a stall) this waits for the next READY or RESUMED.
    pub(crate) async fn until_ready(&self) {
        self.shared.until("a bot that is ready", |state| state.gateway.is_ready().then_some(())).await;
    }

    /// Waits until `times` READYs were sent since the start.
    pub(crate) async fn until_readies(&self, times: usize) {
        self.count(times, "READYs", |state| state.gateway.readies).await;
    }

    /// Waits until `times` IDENTIFYs arrived since the start.
    pub(crate) async fn until_identifies(&self, times: usize) {
        self.count(times, "IDENTIFYs", |state| state.gateway.identifies).await;
    }

    /// Waits until `times` RESUMEs arrived since the start.
    pub(crate) async fn until_resumes(&self, times: usize) {
        self.count(times, "RESUMEs", |state| state.gateway.resumes).await;
    }

    /// Waits until `times` handshakes arrived since the start.
    pub(crate) async fn until_handshakes(&self, times: usize) {
        self.count(times, "handshakes", |state| state.gateway.handshakes).await;
    }

    /// Waits until `times` heartbeats arrived since the start.
    pub(crate) async fn until_heartbeats(&self, times: usize) {
        self.count(times, "heartbeats", |state| state.gateway.heartbeats).await;
    }

    /// Waits until every connection has ended.
    pub(crate) async fn until_gone(&self) {
        let gone = |state: &State| state.gateway.connections.is_empty().then_some(());
        self.shared.until("the end of every gateway connection", gone).await;
    }

    async fn count(&self, times: usize, what: &str, count: impl Fn(&State) -> usize) {
        self.shared.until(&format!("{times} {what}"), |state| (count(state) >= times).then_some(())).await;
    }

    fn cut(&self, fate: Fate) {
        self.shared.with(|state| {
            state.gateway.detach_all();
            state.gateway.turn(fate);
        });
    }

    /// Applies an action to every connection, and separates the sessions from them.
    fn to_all(&self, act: impl Fn(&mut State, u64)) {
        self.shared.with(|state| {
            let all: Vec<u64> = state.gateway.connections.keys().copied().collect();
            for connection in all {
                act(state, connection);
            }
            state.gateway.detach_all();
        });
    }
}
