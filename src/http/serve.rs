//! Accepts connections, turns away those beyond the limit, and shuts down without losing a request
//! that was already accepted.
//!
//! `axum::serve` cannot be used: it has no timeout for request headers, and its graceful shutdown
//! neither waits for `WebSockets` nor closes them.

use std::{
    io,
    net::SocketAddr,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Extension, Router,
    body::Body,
    http::{HeaderValue, header::CONNECTION},
    middleware::{from_fn, map_response},
    response::Response,
    routing::get,
};
use futures_util::FutureExt;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::Layer;

use super::{
    AppState,
    api::health,
    body,
    error::{ApiError, BUSY_DELAY},
    peer::Peer,
    router::{complete_response, router},
};

/// Connections served at the same time. The writer is busy with far fewer, and the usual limit of
/// 1,024 open files leaves room for this many.
const MAX_CONNECTIONS: usize = 512;
/// Further connections that are answered with 503 at the same time. Beyond these, connections wait
/// in the kernel's accept queue.
const MAX_TURNED_AWAY: usize = 128;
/// The longest time that the headers of a request may take, and that a connection may be idle.
const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(10);
/// Wait this long before accepting again after an error such as "too many open files", which would
/// otherwise return at once, again and again.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(200);
/// After the shutdown has started, an idle connection stays open this long for a request that is
/// already on its way.
const SHUTDOWN_GRACE: Duration = Duration::from_millis(100);
/// The longest time that a shutdown may take.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(7);

/// Serves until `stop` is cancelled. Then finishes the accepted requests, closes the `WebSockets` and
/// returns, at the latest after seven seconds.
pub async fn serve(listener: TcpListener, state: AppState, stop: CancellationToken) {
    serve_at_most(MAX_CONNECTIONS, listener, state, stop).await;
}

/// Like [`serve`], with another limit of connections that are served at the same time.
pub async fn serve_at_most(
    connections: usize,
    listener: TcpListener,
    state: AppState,
    stop: CancellationToken,
) {
    let (closing, tasks) = (state.closing.clone(), state.tasks.clone());
    let (auth, store, tokens_end) = (Arc::clone(&state.auth), state.store.clone(), closing.clone());
    tasks.spawn(async move { auth.run(&store, &tokens_end).await });
    let server = Server {
        router: router(state),
        busy_router: busy_router(),
        connections: TaskTracker::new(),
        served: Arc::new(Semaphore::new(connections)),
        open: Arc::new(Semaphore::new(connections + MAX_TURNED_AWAY)),
        closing: closing.clone(),
    };
    tokio::select! {
        () = server.accept(&listener) => {}
        () = stop.cancelled() => server.accept_waiting(&listener),
    }
    drop(listener);
    closing.cancel();

    let ended = async {
        server.connections.close();
        server.connections.wait().await;
        tasks.close();
        tasks.wait().await;
    };
    if timeout(SHUTDOWN_TIMEOUT, ended).await.is_err() {
        let (connections, tasks) = (server.connections.len(), tasks.len());
        tracing::warn!(connections, tasks, "gave up waiting for connections to end");
    }
}

/// The connection of a request. Each request has it as an extension.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    slot: Slot,
    /// Closes the connection at once, without waiting for an answer that the client does not read. Cancelled as well
    /// when the connection has ended.
    pub(crate) abort: CancellationToken,
}

impl Connection {
    /// Makes room for another connection. Event streams have a limit of their own.
    pub(crate) fn release_slot(&self) {
        self.slot.release();
    }
}

/// The permits of one connection: that it is served, if it is, and that it is open.
type Permits = (Option<OwnedSemaphorePermit>, OwnedSemaphorePermit);

/// The permits of one connection; empty if they were given back.
#[derive(Clone, Debug, Default)]
struct Slot(Arc<Mutex<Option<Permits>>>);

impl Slot {
    fn release(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

struct Server {
    router: Router,
    /// Answers connections beyond the limit.
    busy_router: Router,
    connections: TaskTracker,
    /// One permit for each connection that is served.
    served: Arc<Semaphore>,
    /// One permit for each open connection, served or turned away.
    open: Arc<Semaphore>,
    closing: CancellationToken,
}

impl Server {
    async fn accept(&self, listener: &TcpListener) {
        // The semaphore is never closed, so this loop never ends.
        while let Ok(open) = Arc::clone(&self.open).acquire_owned().await {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    let served = Arc::clone(&self.served).try_acquire_owned().ok();
                    let router = if served.is_some() { &self.router } else { &self.busy_router };
                    let (router, closing) = (router.clone(), self.closing.clone());
                    let slot = Slot(Arc::new(Mutex::new(Some((served, open)))));
                    self.connections.spawn(serve_connection(stream, peer, slot, router, closing));
                }
                Err(error) if is_client_error(&error) => {}
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "cannot accept connections");
                    sleep(ACCEPT_RETRY_DELAY).await;
                }
            }
        }
    }

    /// Accepts the connections in the kernel's accept queue. Their clients have already sent
    /// requests, and closing the listener would reset them.
    fn accept_waiting(&self, listener: &TcpListener) {
        for _ in 0..MAX_CONNECTIONS {
            let Some(Ok((stream, peer))) = listener.accept().now_or_never() else { break };
            let (router, closing) = (self.router.clone(), self.closing.clone());
            self.connections.spawn(serve_connection(stream, peer, Slot::default(), router, closing));
        }
    }
}

/// Serves one connection until either side ends it.
async fn serve_connection(
    stream: TcpStream,
    peer: SocketAddr,
    slot: Slot,
    router: Router,
    closing: CancellationToken,
) {
    let connection = Connection { slot: slot.clone(), abort: CancellationToken::new() };
    let abort = connection.abort.clone();
    let service = Extension(Peer(peer.ip())).layer(Extension(connection).layer(router));
    let service = TowerToHyperService::new(service);
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(error = &error as &dyn std::error::Error, "cannot set TCP_NODELAY");
    }
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_READ_TIMEOUT)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades()
    );
    let shutdown = async {
        closing.cancelled().await;
        sleep(SHUTDOWN_GRACE).await;
    };
    let served = async {
        tokio::select! {
            ended = connection.as_mut() => ended,
            () = shutdown => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        }
    };
    if let Some(Err(error)) = abort.run_until_cancelled(served).await {
        tracing::debug!(error = &error as &dyn std::error::Error, "connection broke off");
    }
    // A WebSocket outlives its connection, and has the extensions of its request no longer.
    slot.release();
    abort.cancel();
}

/// Whether the client gave up before its connection was accepted. The next one may succeed at once.
fn is_client_error(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// The service for connections beyond the limit: answers 503 `busy`. The liveness check still
/// works, so that a supervisor does not restart a busy process.
fn busy_router() -> Router {
    Router::new()
        .route("/health/live", get(health::live))
        .fallback(answer_busy)
        .layer(from_fn(complete_response))
        .layer(map_response(close_connection))
}

async fn answer_busy(body: Body) -> ApiError {
    body::discard(body.into_data_stream()).await;
    sleep(BUSY_DELAY).await;
    ApiError::Busy
}

/// Makes room for the next connection.
async fn close_connection(mut response: Response) -> Response {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
