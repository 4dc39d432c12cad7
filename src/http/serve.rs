//! Accepts connections, and closes them again without losing what was accepted.
//!
//! The loop is our own because `axum::serve` sets no time limit on a request's head, and on
//! its way out neither waits for a WebSocket nor closes it.

use std::{io, pin::pin, sync::Arc, time::Duration};

use axum::Router;
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

use super::{AppState, busy, router};

/// How many connections are served at once: many times as many as keep the writer at work, and
/// few enough for the 1,024 files that a process may usually have open.
const SERVED: usize = 512;
/// How many more are told at the same time to come back later; beyond these they wait in the
/// system's queue.
const TURNED_AWAY: usize = 128;
/// How long a request's head may take, and how long a connection may be idle.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// How long to wait where the system cannot give another connection, such as for want of file
/// descriptors: it would refuse again at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// How long a connection may still bring a request that was on its way when the stop came.
const LAST_CALL: Duration = Duration::from_millis(100);
/// How long everything may take to end after a stop.
const DEADLINE: Duration = Duration::from_secs(7);

/// Serves until `stop` is cancelled, then answers what was accepted, closes the sockets and
/// returns, at the latest seven seconds after.
pub async fn serve(listener: TcpListener, state: AppState, stop: CancellationToken) {
    serve_at_most(SERVED, listener, state, stop).await;
}

/// As [`serve`], with so many connections served at once.
pub async fn serve_at_most(
    connections: usize,
    listener: TcpListener,
    state: AppState,
    stop: CancellationToken,
) {
    let (closing, tasks) = (state.closing.clone(), state.tasks.clone());
    let server = Server {
        service: TowerToHyperService::new(router(state)),
        refusal: TowerToHyperService::new(busy::router()),
        connections: TaskTracker::new(),
        slots: Arc::new(Semaphore::new(connections)),
        places: Arc::new(Semaphore::new(connections + TURNED_AWAY)),
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
    if timeout(DEADLINE, ended).await.is_err() {
        let (connections, tasks) = (server.connections.len(), tasks.len());
        tracing::warn!(connections, tasks, "gave up waiting for connections to end");
    }
}

struct Server {
    service: TowerToHyperService<Router>,
    refusal: TowerToHyperService<Router>,
    connections: TaskTracker,
    /// One permit for each connection that is served.
    slots: Arc<Semaphore>,
    /// One permit for each connection, served or refused.
    places: Arc<Semaphore>,
    closing: CancellationToken,
}

impl Server {
    /// Accepts for ever.
    async fn accept(&self, listener: &TcpListener) {
        // The semaphore is never closed, so that there is always a place to wait for.
        while let Ok(place) = Arc::clone(&self.places).acquire_owned().await {
            match listener.accept().await {
                Ok((stream, _)) => {
                    let slot = Arc::clone(&self.slots).try_acquire_owned().ok();
                    let service = if slot.is_some() { &self.service } else { &self.refusal };
                    let connection = converse(stream, service.clone(), self.closing.clone());
                    self.connections.spawn(async move {
                        connection.await;
                        drop((slot, place));
                    });
                }
                Err(error) if is_of_the_client(&error) => {}
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "cannot accept connections");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// Accepts those that wait in the system's queue: their clients have long sent their
    /// requests, and a closed listener would reset them.
    fn accept_waiting(&self, listener: &TcpListener) {
        for _ in 0..SERVED {
            let Some(Ok((stream, _))) = listener.accept().now_or_never() else { break };
            self.connections.spawn(converse(stream, self.service.clone(), self.closing.clone()));
        }
    }
}

/// Serves one connection until either side ends it.
async fn converse(stream: TcpStream, service: TowerToHyperService<Router>, closing: CancellationToken) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(error = &error as &dyn std::error::Error, "cannot set TCP_NODELAY");
    }
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIME)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades()
    );
    let last_call = async {
        closing.cancelled().await;
        sleep(LAST_CALL).await;
    };
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = last_call => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error = &error as &dyn std::error::Error, "connection broke off");
    }
}

/// Whether the connection failed before it was accepted, which says nothing about the next.
fn is_of_the_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
