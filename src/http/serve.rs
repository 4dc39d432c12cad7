//! Accepts connections, turns away requests beyond the limit, and shuts down without losing a request
//! that was already accepted.
//!
//! The limit counts requests that are being processed. An idle connection costs only an open file and some memory, and
//! thousands may be open, so idle clients cannot keep others from sending orders.
//!
//! `axum::serve` cannot be used: it has no timeout for request headers, and its graceful shutdown
//! neither waits for `WebSockets` nor closes them.

use std::{io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{
    Extension, Router,
    extract::{Request, State},
    http::{HeaderValue, header::CONNECTION},
    middleware::{Next, from_fn, from_fn_with_state, map_request, map_response},
    response::{IntoResponse, Response},
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
    sync::Semaphore,
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::{Layer, Service};
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};

use super::{
    AppState,
    address_limit::{AddressLimit, OpenConnection},
    api::{health, metrics},
    body,
    connection::Connection,
    error::{ApiError, BUSY_DELAY},
    peer::Peer,
    request_id::remove_unusable,
    router::{complete_response, router},
};
use crate::metrics::Metrics;

/// Requests processed at the same time. The writer is busy with far fewer. Further ones are answered with 503.
const MAX_REQUESTS: usize = 512;
/// Open connections, as far as the limit of open files permits. Further ones wait in the kernel's accept queue.
const MAX_CONNECTIONS: usize = 16_384;
/// Open connections of the listener for metrics.
const METRICS_CONNECTIONS: usize = 16;
/// Files that are left for everything else, such as the database.
const OTHER_FILES: usize = 256;
/// Connections for which there are always files.
const MIN_CONNECTIONS: usize = 64;
/// The longest time that the headers of a request may take, and that a connection may be idle.
const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum size of a request's head, approximately. Together with the limit of connections, it bounds the memory that
/// clients can occupy before ROMS has checked a token.
const MAX_HEAD_BYTES: usize = 64 * 1024;
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
    serve_at_most(MAX_REQUESTS, listener, state, stop).await;
}

/// Like [`serve`], with another limit of requests that are processed at the same time.
pub async fn serve_at_most(
    requests: usize,
    listener: TcpListener,
    mut state: AppState,
    stop: CancellationToken,
) {
    let metrics_listener = state.metrics_listener.take();
    let state = Arc::new(state);
    let (closing, tasks) = (state.closing.clone(), state.tasks.clone());
    let (auth, store, tokens_end) = (Arc::clone(&state.auth), state.store.clone(), closing.clone());
    tasks.spawn(async move { auth.run(&store, &tokens_end).await });
    if let Some(listener) = metrics_listener {
        let router = metrics::router(Arc::clone(&state));
        let server = Server::new(router, METRICS_CONNECTIONS, Arc::default(), closing.clone());
        tasks.spawn(async move { server.closing.run_until_cancelled(server.accept(&listener)).await });
    }
    if state.metrics.is_on() {
        let (metrics, end) = (state.metrics.clone(), closing.clone());
        tasks.spawn(async move { end.run_until_cancelled(metrics.keep_small()).await });
    }
    let (limit, addresses) = (RequestLimit::new(requests, &state.metrics), Arc::clone(&state.addresses));
    // The rest of a body is read outside the limit: an answered request does not count, even if its body arrives slowly.
    let router =
        router(state).layer(from_fn_with_state(limit, limit_requests)).layer(from_fn(body::read_rest));
    let server = Server::new(router, max_connections(), addresses, closing.clone());
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

struct Server {
    router: Router,
    connections: TaskTracker,
    /// One permit for each open connection.
    open: Arc<Semaphore>,
    addresses: Arc<AddressLimit>,
    closing: CancellationToken,
}

impl Server {
    fn new(
        router: Router,
        connections: usize,
        addresses: Arc<AddressLimit>,
        closing: CancellationToken,
    ) -> Self {
        let open = Arc::new(Semaphore::new(connections));
        Self { router, connections: TaskTracker::new(), open, addresses, closing }
    }

    async fn accept(&self, listener: &TcpListener) {
        // The semaphore is never closed, so this loop never ends.
        while let Ok(open) = Arc::clone(&self.open).acquire_owned().await {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    // Dropping the stream closes the connection.
                    let Some(counted) = self.addresses.admit(peer.ip()) else { continue };
                    let (router, closing) = (self.router.clone(), self.closing.clone());
                    let connection = Connection::new(Some(open), counted);
                    self.connections.spawn(serve_connection(stream, peer, connection, router, closing));
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
            let connection = Connection::new(None, OpenConnection::default());
            self.connections.spawn(serve_connection(stream, peer, connection, router, closing));
        }
    }
}

/// Serves one connection until either side ends it.
async fn serve_connection(
    stream: TcpStream,
    peer: SocketAddr,
    connection: Connection,
    router: Router,
    closing: CancellationToken,
) {
    let service = Extension(Peer(peer.ip())).layer(Extension(connection.clone()).layer(router));
    let service = TowerToHyperService::new(service);
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(error = &error as &dyn std::error::Error, "cannot set TCP_NODELAY");
    }
    let mut exchange = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_READ_TIMEOUT)
            .max_buf_size(MAX_HEAD_BYTES)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades()
    );
    let shutdown = async {
        closing.cancelled().await;
        sleep(SHUTDOWN_GRACE).await;
    };
    let served = async {
        tokio::select! {
            ended = exchange.as_mut() => ended,
            () = shutdown => {
                exchange.as_mut().graceful_shutdown();
                exchange.await
            }
        }
    };
    if let Some(Err(error)) = connection.abort.run_until_cancelled(served).await {
        tracing::debug!(error = &error as &dyn std::error::Error, "connection broke off");
    }
    // A WebSocket outlives its connection. It has a limit of its own, but counts for its address.
    connection.release_slot();
    connection.abort.cancel();
}

/// Whether the client gave up before its connection was accepted. The next one may succeed at once.
fn is_client_error(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// How many requests may be processed, and what answers the others.
#[derive(Clone)]
struct RequestLimit {
    /// One permit for each request that is processed.
    requests: Arc<Semaphore>,
    busy: Router,
}

impl RequestLimit {
    /// Requests beyond the limit get 503 `busy`. The liveness check still works, so that a supervisor does not restart a
    /// busy process.
    fn new(requests: usize, metrics: &Metrics) -> Self {
        let mut busy = Router::new()
            .route("/health/live", get(health::live))
            .fallback(answer_busy)
            .layer(from_fn(complete_response))
            .layer(map_response(close_connection))
            .layer(PropagateRequestIdLayer::x_request_id())
            .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
            .layer(map_request(async |request| remove_unusable(request)));
        if metrics.is_on() {
            busy = busy.layer(from_fn_with_state(metrics.clone(), metrics::count));
        }
        Self { requests: Arc::new(Semaphore::new(requests)), busy }
    }
}

async fn limit_requests(
    State(RequestLimit { requests, mut busy }): State<RequestLimit>,
    request: Request,
    next: Next,
) -> Response {
    match requests.try_acquire() {
        Ok(_permit) => next.run(request).await,
        Err(_) => busy.call(request).await.into_response(),
    }
}

/// How many connections may be open. Raises the limit of open files as far as the system permits.
fn max_connections() -> usize {
    let files = open_files().unwrap_or(MAX_CONNECTIONS);
    files.saturating_sub(OTHER_FILES).clamp(MIN_CONNECTIONS, MAX_CONNECTIONS)
}

#[cfg(unix)]
fn open_files() -> Option<usize> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {
        tracing::debug!(%error, "cannot raise the limit of open files");
    }
    usize::try_from(getrlimit(Resource::Nofile).current?).ok()
}

#[cfg(not(unix))]
const fn open_files() -> Option<usize> {
    None
}

async fn answer_busy() -> ApiError {
    sleep(BUSY_DELAY).await;
    ApiError::Busy
}

/// Makes room for the next connection.
async fn close_connection(mut response: Response) -> Response {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
