//! Notifications between processes on one PostgreSQL database, by LISTEN and NOTIFY. A notification names the process
//! whose writer has committed order events; the others read the events from the database.
//!
//! A pooler in transaction mode hands the session that listens to other clients. Behind one, the listener wakes every
//! second instead. It does not do so everywhere, because a notification arrives at once and costs nothing while nothing
//! happens.

use std::time::Duration;

use sea_orm::sqlx::Executor;
use sea_orm::sqlx::postgres::{PgListener, PgPoolOptions};
use tokio::time::{sleep, timeout};

use crate::store::connection::server::Server;
use crate::store::{Store, StoreError};

/// The channel of the notifications. Their text is the origin of the process that sends them.
pub(crate) const CHANNEL: &str = "roms_orders";
/// After this long without a notification, check the connection.
const CHECK_INTERVAL: Duration = Duration::from_secs(5);
/// How long the server may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(3);
/// Time between two looks for events.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// Pause before connecting again.
const RECONNECT_PAUSE: Duration = Duration::from_secs(1);

/// Receives notifications of other processes.
pub struct Listener {
    store: Store,
    line: Option<PgListener>,
}

impl Store {
    /// Starts to listen; [`Listener::next`] tries again if the database cannot be reached. With SQLite there are no other
    /// processes, so nothing is ever received.
    pub async fn listen(&self) -> Listener {
        let line = match &self.server {
            Some(server) if !server.is_pooled() => connect(server).await.ok(),
            _ => None,
        };
        Listener { store: self.clone(), line }
    }
}

impl Listener {
    /// Returns when another process may have committed order events. Dropping the future loses nothing, if the caller
    /// then reads the events anyway.
    pub async fn next(&mut self) {
        let Some(server) = self.store.server.clone() else { return std::future::pending().await };
        let mut replaced = server.replaced();
        loop {
            if server.is_pooled() {
                self.line = None;
                return sleep(POLL_INTERVAL).await;
            }
            let Some(line) = &mut self.line else {
                match connect(&server).await {
                    Ok(line) => {
                        self.line = Some(line);
                        // Notifications may have been missed.
                        return;
                    }
                    Err(_) => sleep(RECONNECT_PAUSE).await,
                }
                continue;
            };
            let received = tokio::select! {
                received = timeout(CHECK_INTERVAL, line.try_recv()) => received,
                // The sender lives as long as the server.
                _ = replaced.changed() => {
                    self.line = None;
                    continue;
                }
            };
            match received {
                Ok(Ok(Some(received))) => {
                    if received.payload() != &*self.store.origin {
                        return;
                    }
                }
                Ok(Ok(None) | Err(_)) => self.line = None,
                Err(_) => {
                    if !matches!(timeout(ANSWER_TIMEOUT, line.execute("SELECT 1")).await, Ok(Ok(_))) {
                        self.line = None;
                    }
                }
            }
        }
    }
}

/// Opens a new connection each time, because an old one may hang.
async fn connect(server: &Server) -> Result<PgListener, StoreError> {
    let connecting = async {
        let generation = server.generation();
        let pool = PgPoolOptions::new().max_connections(1).max_lifetime(None).idle_timeout(None);
        let pool = pool.connect_with(server.options()).await?;
        let mut line = PgListener::connect_with(&pool).await?;
        line.eager_reconnect(false);
        server.verify(&mut line, generation).await?;
        line.listen(CHANNEL).await?;
        Ok(line)
    };
    match timeout(ANSWER_TIMEOUT, connecting).await {
        Ok(connected) => connected.map_err(|error: sea_orm::sqlx::Error| server.refused(&error)),
        Err(_) => Err(StoreError::Silent),
    }
}
