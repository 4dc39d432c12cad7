//! What other processes on the same PostgreSQL have stored: LISTEN and NOTIFY. A notification is
//! sent with the commit of what it tells of, and names orders by their ids.

use std::fmt::Write;
use std::time::Duration;

use sea_orm::sqlx::Executor;
use sea_orm::sqlx::postgres::{PgListener, PgPoolOptions};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use tokio::time::{sleep, timeout};

use crate::store::admin::connect::Server;
use crate::store::{Batch, Store, StoreError};

/// The longest notification, in bytes: less than PostgreSQL's limit of 8000.
const MAX_BYTES: usize = 7900;
/// Without a notification for so long, the server is asked whether it is there.
const PULSE: Duration = Duration::from_secs(5);
/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// Before connecting again.
const PAUSE: Duration = Duration::from_secs(1);

/// An order that changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangedOrder {
    /// Its row id.
    pub id: i64,
    /// Whether it is new.
    pub created: bool,
}

/// What is heard of other processes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notification {
    /// They have stored these.
    OrdersChanged(Vec<ChangedOrder>),
    /// They may have stored something that was not heard: the connection was gone.
    Missed,
}

/// Hears of other processes.
pub struct Listener {
    store: Store,
    line: Option<PgListener>,
}

impl Store {
    /// Listens from now on. With SQLite there is nobody to be heard.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn listen(&self) -> Result<Listener, StoreError> {
        let line = match &self.server {
            Some(server) => Some(connect(server).await?),
            None => None,
        };
        Ok(Listener { store: self.clone(), line })
    }
}

impl Batch {
    /// Lets the other processes know of changed orders, once all of this is committed.
    ///
    /// # Errors
    /// When the database fails.
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
    /// Waits for what is next. It may be dropped while it waits: nothing is lost by that.
    pub async fn next(&mut self) -> Notification {
        let Some(server) = self.store.server.clone() else { return std::future::pending().await };
        loop {
            let Some(line) = &mut self.line else {
                match connect(&server).await {
                    Ok(line) => {
                        self.line = Some(line);
                        return Notification::Missed;
                    }
                    Err(_) => sleep(PAUSE).await,
                }
                continue;
            };
            match timeout(PULSE, line.try_recv()).await {
                Ok(Ok(Some(told))) => {
                    let changed = read(&self.store.origin, told.payload());
                    if !changed.is_empty() {
                        return Notification::OrdersChanged(changed);
                    }
                }
                Ok(Ok(None) | Err(_)) => self.line = None,
                Err(_) => {
                    if !matches!(timeout(PATIENCE, line.execute("SELECT 1")).await, Ok(Ok(_))) {
                        self.line = None;
                    }
                }
            }
        }
    }
}

/// A new connection each time: one that hangs is left behind.
async fn connect(server: &Server) -> Result<PgListener, StoreError> {
    let connecting = async {
        let pool = PgPoolOptions::new().max_connections(1).max_lifetime(None).idle_timeout(None);
        let pool = pool.connect_with(server.options(&[])).await?;
        let mut line = PgListener::connect_with(&pool).await?;
        line.eager_reconnect(false);
        line.listen("roms_orders").await?;
        Ok(line)
    };
    match timeout(PATIENCE, connecting).await {
        Ok(connected) => connected.map_err(|error: sea_orm::sqlx::Error| server.refused(&error)),
        Err(_) => Err(StoreError::Silent),
    }
}

/// Notifications: the process that they are of, then ids, with a `+` behind those of new orders.
fn payloads(origin: &str, changed: &[ChangedOrder]) -> Vec<String> {
    let mut payloads: Vec<String> = Vec::new();
    for ChangedOrder { id, created } in changed {
        let mark = if *created { "+" } else { "" };
        match payloads.last_mut().filter(|payload| payload.len() < MAX_BYTES - 22) {
            // Writing to a text cannot fail.
            Some(payload) => drop(write!(payload, " {id}{mark}")),
            None => payloads.push(format!("{origin} {id}{mark}")),
        }
    }
    payloads
}

/// What a notification tells of, unless it is one of our own.
fn read(origin: &str, payload: &str) -> Vec<ChangedOrder> {
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
    use super::{ChangedOrder, payloads, read};

    #[test]
    fn many_orders_are_told_of_in_few_notifications_that_postgresql_takes() {
        let changed: Vec<_> =
            (0..2000).map(|at| ChangedOrder { id: i64::MAX - at, created: at % 3 == 0 }).collect();
        let payloads = payloads("0123456789abcdef", &changed);
        assert!(payloads.len() < 7 && payloads.iter().all(|payload| payload.len() < 8000));
        let heard: Vec<_> = payloads.iter().flat_map(|payload| read("somebody", payload)).collect();
        assert_eq!(heard, changed);
        assert!(read("0123456789abcdef", &payloads[0]).is_empty(), "one's own are no news");
    }
}
