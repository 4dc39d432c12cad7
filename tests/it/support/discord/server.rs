//! The port: accepts connections, gives each a switch, and passes requests to REST or gateway.

use std::{
    convert::Infallible,
    io,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use axum::{
    Extension, Router,
    extract::{State, WebSocketUpgrade},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tower::Service;

use super::{
    rest, socket,
    state::Shared,
    wire::{Fate, Switch, Wire},
};

/// All accepted connections, so that tests can break them.
#[derive(Clone, Debug, Default)]
pub(super) struct Connections(Arc<Mutex<Vec<Weak<Switch>>>>);

impl Connections {
    fn add(&self, switch: &Arc<Switch>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|switch| switch.strong_count() > 0);
        all.push(Arc::downgrade(switch));
    }

    /// Turns the switch of each connection.
    pub(super) fn turn(&self, fate: Fate) {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().filter_map(Weak::upgrade).for_each(|switch| switch.turn(fate));
    }
}

/// A socket that is bound to the port but does not listen: connections are refused, and no other process
/// can take the port.
pub(super) fn reserve(port: u16) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(([127, 0, 0, 1], port).into())?;
    Ok(socket)
}

/// Accepts connections until it is dropped.
pub(super) async fn accept(shared: Arc<Shared>, listener: TcpListener, connections: Connections) {
    let router = router(shared);
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            let switch = Switch::new();
            connections.add(&switch);
            tokio::spawn(connection(router.clone(), stream, switch));
        }
    }
}

async fn connection(router: Router, stream: TcpStream, switch: Arc<Switch>) {
    drop(stream.set_nodelay(true));
    let wire = TokioIo::new(Wire::new(stream, Arc::clone(&switch)));
    let service = hyper::service::service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(Arc::clone(&switch));
        let answer = router.clone().call(request);
        async move { Ok::<_, Infallible>(answer.await.into_response()) }
    });
    drop(hyper::server::conn::http1::Builder::new().serve_connection(wire, service).with_upgrades().await);
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new().route("/", get(gateway)).fallback(rest::answer).with_state(shared)
}

/// The WebSocket handshake.
async fn gateway(
    State(shared): State<Arc<Shared>>,
    Extension(switch): Extension<Arc<Switch>>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let (black_hole, status) = shared.with(|state| {
        state.gateway.handshakes += 1;
        (state.gateway.black_hole, state.gateway.handshake_status)
    });
    if black_hole {
        std::future::pending::<()>().await;
    }
    match status {
        Some(status) => StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY).into_response(),
        None => upgrade.on_upgrade(move |socket| socket::serve(shared, socket, switch)),
    }
}
