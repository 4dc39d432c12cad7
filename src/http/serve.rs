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

use super::{AppState, router};

/// How many connections are served at once; more wait in the system's queue.
const MAX_CONNECTIONS: usize = 1024;
/// How long a request's head may take, and how long a connection may be idle.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// How long to wait where the system cannot give another connection, such as for want of file
/// descriptors: it would refuse again at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// How long a connection may still bring a request that was on its way when the stop came.
const LAST_CALL: Duration = Duration::from_millis(100);
/// How long everything may take to end after a stop.
const DEADLINE: Duration = Duration::from_secs(8);

/// Serves until `stop` is cancelled, then answers what was accepted, closes the sockets and
/// returns, at the latest eight seconds after.
pub async fn serve(listener: TcpListener, state: AppState, stop: CancellationToken) {
    let server = Server {
        service: TowerToHyperService::new(router(state.clone())),
        connections: TaskTracker::new(),
        slots: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
        closing: state.closing.clone(),
    };
    tokio::select! {
        () = server.accept(&listener) => {}
        () = stop.cancelled() => server.accept_waiting(&listener),
    }
    drop(listener);
    state.closing.cancel();

    let ended = async {
        server.connections.close();
        server.connections.wait().await;
        state.tasks.close();
        state.tasks.wait().await;
    };
    if timeout(DEADLINE, ended).await.is_err() {
        let (connections, tasks) = (server.connections.len(), state.tasks.len());
        tracing::warn!(connections, tasks, "gave up waiting for connections to end");
    }
}

struct Server {
    service: TowerToHyperService<Router>,
    connections: TaskTracker,
    slots: Arc<Semaphore>,
    closing: CancellationToken,
}

impl Server {
    /// Accepts for ever.
    async fn accept(&self, listener: &TcpListener) {
        // The semaphore is never closed, so that there is always a slot to wait for.
        while let Ok(slot) = Arc::clone(&self.slots).acquire_owned().await {
            match listener.accept().await {
                Ok((stream, _)) => {
                    let connection = converse(stream, self.service.clone(), self.closing.clone());
                    self.connections.spawn(async move {
                        connection.await;
                        drop(slot);
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
        for _ in 0..MAX_CONNECTIONS {
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
