//! Notifications about changed orders between processes on one PostgreSQL database, by LISTEN and NOTIFY. The server
//! sends a notification when the transaction of the orders is committed. It contains their ids.
//!
//! A pooler in transaction mode hands the session that listens to other clients. Behind one, [`Poll`] reads the order
//! events every second instead. It is not used everywhere, because a notification arrives at once and costs nothing
//! while nothing happens.

use std::fmt::Write;
use std::time::Duration;

use sea_orm::sqlx::Executor;
use sea_orm::sqlx::postgres::{PgListener, PgPoolOptions};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use tokio::time::{sleep, timeout};

use super::poll::Poll;
use super::{ChangedOrder, Notification};
use crate::store::connection::server::Server;
use crate::store::{Batch, Store, StoreError};

/// Maximum length of a notification in bytes. PostgreSQL's limit is 8000.
const MAX_PAYLOAD: usize = 7900;
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
    poll: Poll,
}

impl Store {
    /// Starts to listen; [`Listener::next`] tries again if the database cannot be reached. With SQLite there are no other
    /// processes, so nothing is ever received.
    pub async fn listen(&self) -> Listener {
        let (mut line, mut poll) = (None, Poll::default());
        match &self.server {
            // Nothing was missed before the first look. If it fails, the next one reports what it may have missed.
            Some(server) if server.is_pooled() => drop(poll.read(self).await),
            Some(server) => line = connect(server).await.ok(),
            None => {}
        }
        Listener { store: self.clone(), line, poll }
    }
}

impl Batch {
    /// Notifies the other processes of changed orders when this batch is committed.
    pub async fn notify(&self, changed: &[ChangedOrder]) -> Result<(), StoreError> {
        if self.backend() != DbBackend::Postgres {
            return Ok(());
        }
        for payload in payloads(&self.origin, changed) {
            let notify = "SELECT pg_notify('roms_orders', $1)";
            let notify = Statement::from_sql_and_values(DbBackend::Postgres, notify, [payload.into()]);
            self.transaction.query_all_raw(notify).await?;
        }
        Ok(())
    }
}

impl Listener {
    /// Waits for the next notification. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Notification {
        let Some(server) = self.store.server.clone() else { return std::future::pending().await };
        let mut replaced = server.replaced();
        loop {
            if server.is_pooled() {
                self.line = None;
                sleep(POLL_INTERVAL).await;
                // The writer uses the same database and logs its failures. The next attempt misses nothing.
                match self.poll.read(&self.store).await {
                    Ok(Some(notification)) => return notification,
                    Ok(None) | Err(_) => continue,
                }
            }
            let Some(line) = &mut self.line else {
                match connect(&server).await {
                    Ok(line) => {
                        self.line = Some(line);
                        return Notification::Missed;
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
                    let changed = parse(&self.store.origin, received.payload());
                    if !changed.is_empty() {
                        return Notification::OrdersChanged(changed);
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
        line.listen("roms_orders").await?;
        Ok(line)
    };
    match timeout(ANSWER_TIMEOUT, connecting).await {
        Ok(connected) => connected.map_err(|error: sea_orm::sqlx::Error| server.refused(&error)),
        Err(_) => Err(StoreError::Silent),
    }
}

/// Notifications consist of the sending process and row ids, with a `+` after those of new orders.
fn payloads(origin: &str, changed: &[ChangedOrder]) -> Vec<String> {
    let mut payloads: Vec<String> = Vec::new();
    for ChangedOrder { id, created } in changed {
        let mark = if *created { "+" } else { "" };
        match payloads.last_mut().filter(|payload| payload.len() < MAX_PAYLOAD - 22) {
            // Writing to a String cannot fail.
            Some(payload) => drop(write!(payload, " {id}{mark}")),
            None => payloads.push(format!("{origin} {id}{mark}")),
        }
    }
    payloads
}

/// The orders of a notification; none if this process sent it.
fn parse(origin: &str, payload: &str) -> Vec<ChangedOrder> {
    let mut words = payload.split(' ');
    if words.next() == Some(origin) {
        return Vec::new();
    }
    let changed = |word: &str| {
        let created = word.ends_with('+');
        word.trim_end_matches('+').parse().ok().map(|id| ChangedOrder { id, created })
    };
    words.filter_map(changed).collect()
}

#[cfg(test)]
mod tests {
    use super::{ChangedOrder, parse, payloads};

    #[test]
    fn many_orders_fit_into_few_notifications() {
        let changed: Vec<_> =
            (0..2000).map(|at| ChangedOrder { id: i64::MAX - at, created: at % 3 == 0 }).collect();
        let payloads = payloads("0123456789abcdef", &changed);
        assert!(payloads.len() < 7 && payloads.iter().all(|payload| payload.len() < 8000));
        let heard: Vec<_> = payloads.iter().flat_map(|payload| parse("somebody", payload)).collect();
        assert_eq!(heard, changed);
        assert!(
            parse("0123456789abcdef", &payloads[0]).is_empty(),
            "a process ignores its own notifications"
        );
    }
}
