//! The database, and the only part of ROMS that uses SeaORM. It stores and finds rows; which rows to store is
//! decided in [`crate::ingest`].
//!
//! - `write/`: the batch transaction of the writer, and the small writes beside it (cursors, identifies, deleted
//!   messages, views of lists).
//! - `read/`: single orders, pages, statistics, the webhook log and autocompletion.
//! - `search/`: the search index. The database keeps it up to date in the transaction of the order.
//! - `connection/`: pools of connections and transactions, for either engine.
//! - `cluster/`: leader election and notifications between processes on one PostgreSQL database.
//! - `access/`: API tokens, sessions of the web page, and the record of their use.
//! - `outgoing/`: the endpoints of outgoing webhooks, and the outbox.
//! - `imports/`: the files that people imported, and what they changed.
//! - `saved_views`: lists of orders that the group saved under a name.
//! - `admin/`: connecting, migrating, backup, restore, retention and purge.
//! - `entity/`: the tables as SeaORM entities, and orders as rows.

mod access;
mod admin;
mod cluster;
mod connection;
mod database_file;
mod entity;
mod error;
mod imports;
mod outgoing;
mod read;
mod saved_views;
mod search;
mod write;

use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::{Duration, Instant};

use chrono_tz::Tz;
use sea_orm::{ConnectionTrait, DbBackend};
use tokio::time::timeout;
use tokio_util::sync::DropGuard;

use connection::{Connection, server::Server};
use database_file::DatabaseFile;

use crate::config::{Config, DatabaseUrl};

pub use access::idempotency::KeyClaim;
pub use access::links::DELETION;
pub use access::log::{AccessEvent, AccessEventKind, AccessFilter};
pub use access::sessions::{Holder, KnownLevel, NewSession, Session};
pub use access::tokens::{CreatedToken, NewToken, Token, TokenUse};
pub use admin::backup::{Contents, backup};
pub(crate) use admin::connect::retry;
pub use admin::legacy::{LegacyDatabase, LegacyMessage};
pub use admin::purge::Purged;
pub use admin::restore::{Restored, restore};
pub use cluster::leader::{Leadership, Lease};
pub use cluster::notify::Listener;
pub use connection::PoolUsage;
pub use error::StoreError;
pub use imports::claims::ImportPosition;
pub(crate) use imports::claims::{CLAIM_LIFETIME, Claim};
pub use imports::mappings::SavedMapping;
pub use imports::{Import, ImportState, NewImport};
pub use outgoing::deliveries::DeliveryFilter;
pub use outgoing::endpoints::{Endpoint, EndpointSettings};
pub use outgoing::queue::{Attempt, Delivery, DeliveryState, NewDelivery, NextStep, OutboxCounts, Target};
pub use read::attention::Attention;
pub(crate) use read::attention::AttentionName;
pub(crate) use read::buckets::{Bucket, buckets};
pub use read::filter::OrderFilter;
pub use read::logs::{LogEntry, LogFilter};
pub use read::orders::OrderEvent;
pub use read::pages::{OrderPage, PageStart};
pub(crate) use read::period::{NamedPeriod, PeriodError, read_period};
pub use read::replay::ReplayFilter;
pub use read::sorted::SortBy;
pub(crate) use read::sorted::{MAX_ARRANGED, ProductTotals};
pub use read::stats::{GroupBy, Period, Total};
pub(crate) use read::totals::{CurrencyTotal, Totals};
pub use read::totals::{Spend, StatRow};
pub use saved_views::SavedView;
pub use write::batch::{Batch, NewEvent};
pub use write::cursors::{Cursor, DueReaction};
pub(crate) use write::legacy::LEGACY_EVENT;
pub use write::logs::{LoggedMessage, key_of_edits};
pub use write::renumber::{Absorbed, Renumbered};
pub use write::state::{BatchKeys, Origin, StoredState};
pub(crate) use write::sums::SumKind;
pub use write::versions::{EditKey, StoredVersion};

/// How long closing waits for a server, or for other users of the same file.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// The database; cheap to clone.
///
/// SQLite has one connection that writes, PostgreSQL a few. Both have a pool of connections that read, which see
/// committed transactions only.
#[derive(Clone, Debug)]
pub struct Store {
    writer: Connection,
    readers: Connection,
    engine: String,
    timezone: Tz,
    has_search_index: bool,
    schema_change: SchemaChange,
    /// The file of an SQLite database.
    file: DatabaseFile,
    /// How to connect to PostgreSQL; `None` for SQLite.
    server: Option<Server>,
    /// A random id of this process, for notifications and the leader's lease.
    origin: Arc<str>,
    /// The epoch in which this process became the leader most recently; 0 if it never did.
    epoch: Arc<AtomicI64>,
}

/// How to open a database. By default, an existing database keeps its settings, and a new one counts days in UTC
/// and has a search index.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// The time zone that decides on which day an order falls.
    pub timezone: Option<Tz>,
    /// Whether substring search has an index.
    pub search_index: Option<bool>,
    /// How long to wait for a PostgreSQL that cannot be used yet; 5 seconds by default.
    pub wait: Option<Duration>,
}

impl Options {
    /// The options of the configuration.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        Self {
            timezone: Some(config.orders.timezone),
            search_index: Some(config.database.search_index),
            wait: Some(Duration::from_secs(config.database.wait)),
        }
    }
}

/// The changes that opening a database made to its tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaChange {
    /// Nothing: they are those of this release.
    None,
    /// Created them: there were none.
    Created,
    /// Updated them from an earlier release.
    Updated,
}

/// A page of a list, newest first.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The rows of this page.
    pub items: Vec<T>,
    /// How many rows the whole list has.
    pub total: Total,
}

impl Store {
    /// Opens the database with the default options, which change nothing: other processes may be using it.
    pub async fn open(url: &DatabaseUrl) -> Result<Self, StoreError> {
        Self::open_with(url, Options::default()).await
    }

    /// Opens the database, creates it if it does not exist, and applies missing migrations.
    ///
    /// # Errors
    /// If the file or server is not usable. The error says in one line what to do.
    pub async fn open_with(url: &DatabaseUrl, options: Options) -> Result<Self, StoreError> {
        admin::connect::open(url, options).await
    }

    /// The name of the engine, for PostgreSQL with its version.
    #[must_use]
    pub fn engine(&self) -> &str {
        &self.engine
    }

    /// Whether the engine is SQLite, which has one writer at a time.
    #[must_use]
    pub fn is_sqlite(&self) -> bool {
        self.writer.get_database_backend() == DbBackend::Sqlite
    }

    /// The changes that opening the database made to its tables.
    #[must_use]
    pub fn schema_change(&self) -> SchemaChange {
        self.schema_change
    }

    /// The names of the pools of connections, and how many of their connections exist.
    #[must_use]
    pub fn connections(&self) -> [(&'static str, PoolUsage); 2] {
        [("writer", self.writer.usage()), ("readers", self.readers.usage())]
    }

    /// How long a small read takes.
    pub async fn ping(&self) -> Result<Duration, StoreError> {
        let started = Instant::now();
        self.file.check()?;
        self.readers.execute_unprepared("SELECT 1 FROM seaql_migrations LIMIT 1").await?;
        Ok(started.elapsed())
    }

    /// Whether the database can be written to, and how fast: writes a little, and removes it again.
    pub async fn ping_writer(&self) -> Result<Duration, StoreError> {
        let started = Instant::now();
        self.probe_writer().await?;
        Ok(started.elapsed())
    }

    /// The value of an SQLite setting, on the writing connection and on a reading one.
    pub async fn pragma(&self, name: &str) -> Result<[String; 2], StoreError> {
        Ok([
            admin::connect::pragma(&self.writer, name).await?,
            admin::connect::pragma(&self.readers, name).await?,
        ])
    }

    /// Watches where the address of a PostgreSQL database leads, until the guard is dropped. A process that runs for
    /// long needs this to notice that its connections lead to an old primary.
    #[must_use]
    pub fn watch_primary(&self) -> Option<DropGuard> {
        let server = self.server.clone()?;
        Some(cluster::primary::watch(server, [self.writer.clone(), self.readers.clone()]))
    }

    /// Closes all connections; SQLite first moves the write-ahead log into the file. Waits a second at most: a
    /// server ends remaining sessions itself, and the next start reads a remaining log.
    ///
    /// # Errors
    /// If the last write fails. Committed data stays.
    pub async fn close(self) -> Result<(), StoreError> {
        let closed = async {
            if self.writer.get_database_backend() == DbBackend::Sqlite {
                self.readers.close().await?;
                self.writer.execute_unprepared("PRAGMA wal_checkpoint(TRUNCATE)").await?;
                return Ok(self.writer.close().await?);
            }
            self.release_leases().await;
            // If the server is gone, there is nothing to close.
            drop(tokio::join!(self.readers.close(), self.writer.close()));
            Ok(())
        };
        timeout(CLOSE_TIMEOUT, closed).await.unwrap_or(Ok(()))
    }
}
