//! A receiver of webhooks on loopback: records each request, and answers as it was told to.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::{Bytes, to_bytes},
    extract::Request,
    http::{HeaderMap, Method},
    response::{IntoResponse, Response},
};
use serde_json::Value;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::app::until_ok;

/// A running receiver.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
    server: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    requests: Mutex<Vec<Received>>,
    answers: Mutex<VecDeque<Answer>>,
    /// Lets go of the requests that are held.
    release: Notify,
}

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) method: Method,
    /// Path and query.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// This status, these headers and this body.
    Status(u16, Vec<(&'static str, String)>, String),
    /// None, until [`Receiver::release`].
    Hold,
}

impl Answer {
    pub(crate) fn status(status: u16) -> Self {
        Self::Status(status, Vec::new(), String::new())
    }
}

impl Received {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }
}

/// A free port of loopback on which nothing listens. The socket keeps it free of others.
pub(crate) fn closed_port() -> (SocketAddr, TcpSocket) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    (socket.local_addr().unwrap(), socket)
}

impl Receiver {
    /// Starts on a free port.
    pub(crate) async fn start() -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    /// Starts on a port that [`closed_port`] reserved.
    pub(crate) fn open(socket: TcpSocket) -> Self {
        Self::on(socket.listen(64).unwrap())
    }

    fn on(listener: TcpListener) -> Self {
        let address = listener.local_addr().unwrap();
        let state = Arc::<State>::default();
        let shared = Arc::clone(&state);
        let router = Router::new().fallback(move |request: Request| receive(Arc::clone(&shared), request));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, state, server }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Answers the next requests like this. Without an answer, a request gets 200 and `ok`.
    pub(crate) fn answers(&self, answers: impl IntoIterator<Item = Answer>) {
        self.state.answers.lock().unwrap().extend(answers);
    }

    /// Answers the requests that are held.
    pub(crate) fn release(&self) {
        self.state.release.notify_waiters();
    }

    /// The requests so far.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.state.requests.lock().unwrap().clone()
    }

    /// Waits until there have been this many requests.
    pub(crate) async fn until(&self, count: usize) -> Vec<Received> {
        let ask = async || {
            let received = self.received();
            if received.len() >= count { Ok(received) } else { Err(received) }
        };
        until_ok(&format!("{count} requests"), ask).await
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn receive(state: Arc<State>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let released = state.release.notified();
    let answer = state.answers.lock().unwrap().pop_front();
    let received =
        Received { method: parts.method, path: parts.uri.to_string(), headers: parts.headers, body };
    state.requests.lock().unwrap().push(received);
    match answer {
        None => "ok".into_response(),
        Some(Answer::Hold) => {
            released.await;
            "ok".into_response()
        }
        Some(Answer::Status(status, headers, body)) => {
            let mut response = body.into_response();
            *response.status_mut() = status.try_into().unwrap();
            for (name, value) in headers {
                response.headers_mut().insert(name, value.parse().unwrap());
            }
            response
        }
    }
}
