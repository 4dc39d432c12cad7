//! The database: what is kept, and the only place that speaks SeaORM.
//!
//! Does not merge and does not decide: the pipeline above does, and hands over whole rows.

mod admin;
mod cluster;
mod database_file;
mod entity;
mod error;
mod read;
mod search;
mod write;

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono_tz::Tz;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend};
use tokio::time::timeout;

use admin::connect::Server;
use database_file::DatabaseFile;

use crate::config::{Config, DatabaseUrl};

pub use admin::backup::{Contents, backup};
pub use admin::purge::Purged;
pub use admin::restore::{Restored, restore};
pub use cluster::leader::Leadership;
pub use cluster::notify::{ChangedOrder, Listener, Notification};
pub use error::StoreError;
pub use read::filter::OrderFilter;
pub use read::logs::{LogEntry, LogFilter};
pub use read::messages::SourceMessage;
pub use read::orders::OrderEvent;
pub use read::pages::{OrderPage, PageStart};
pub use read::replay::ReplayFilter;
pub use read::stats::{GroupBy, Period, Spend, StatRow, Total};
pub use write::batch::{Batch, BatchKeys, NewEvent, StoredState};
pub use write::cursors::Cursor;
pub use write::logs::LoggedMessage;

/// How long a server, or somebody who reads or writes the same file, is waited for at the end.
const GOODBYE: Duration = Duration::from_secs(1);

/// The database; cheap to clone.
///
/// SQLite has one connection that writes, PostgreSQL a few; both have a pool of readers, which
/// never see a transaction that is not committed.
#[derive(Clone, Debug)]
pub struct Store {
    writer: DatabaseConnection,
    readers: DatabaseConnection,
    engine: String,
    timezone: Tz,
    has_search_index: bool,
    /// The file of an SQLite database.
    file: DatabaseFile,
    /// The way to a server, which other processes may use too.
    server: Option<Server>,
    /// What tells this process from others in notifications.
    origin: Arc<str>,
}

/// How a database is opened. By default it stays as it was made: a new one has days in UTC, and a
/// search index.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// The time zone whose days orders fall on.
    pub timezone: Option<Tz>,
    /// Whether substring search has an index.
    pub search_index: Option<bool>,
}

impl Options {
    /// As the configuration says.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        Self { timezone: Some(config.orders.timezone), search_index: Some(config.database.search_index) }
    }
}

/// A page of a list, newest first.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The rows of this page.
    pub items: Vec<T>,
    /// How many rows the list has in all.
    pub total: Total,
}

impl Store {
    /// Opens the database as [`Self::open_with`] does, with the default options: a command that runs
    /// beside a server must not change what the server relies on.
    ///
    /// # Errors
    /// As [`Self::open_with`].
    pub async fn open(url: &DatabaseUrl) -> Result<Self, StoreError> {
        Self::open_with(url, Options::default()).await
    }

    /// Opens the database, makes it where it is missing, and brings its schema up to date.
    ///
    /// # Errors
    /// [`StoreError`] says in one line what is wrong with the file or server and what to do.
    pub async fn open_with(url: &DatabaseUrl, options: Options) -> Result<Self, StoreError> {
        admin::connect::open(url, options).await
    }

    /// What keeps the data, with its version where that is not part of ROMS.
    #[must_use]
    pub fn engine(&self) -> &str {
        &self.engine
    }

    /// Whether the database answers a read, and how fast.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<Duration, StoreError> {
        let asked = Instant::now();
        self.file.check()?;
        self.readers.execute_unprepared("SELECT 1 FROM seaql_migrations LIMIT 1").await?;
        Ok(asked.elapsed())
    }

    /// Whether the database can be written to, and how fast: writes a little, and removes it again.
    ///
    /// # Errors
    /// When it cannot, such as while another process holds the write lock, or on a full disk.
    pub async fn ping_writer(&self) -> Result<Duration, StoreError> {
        let asked = Instant::now();
        self.probe_writer().await?;
        Ok(asked.elapsed())
    }

    /// What an SQLite setting is on the connection that writes and on one that reads.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pragma(&self, name: &str) -> Result<[String; 2], StoreError> {
        Ok([
            admin::connect::pragma(&self.writer, name).await?,
            admin::connect::pragma(&self.readers, name).await?,
        ])
    }

    /// Closes all connections; SQLite first folds the write-ahead log into the file. Waits a second
    /// at most: a server ends what is left of a session, and the next start takes the log as it is.
    ///
    /// # Errors
    /// When the last write fails; what was committed stays.
    pub async fn close(self) -> Result<(), StoreError> {
        let closed = async {
            if self.writer.get_database_backend() == DbBackend::Sqlite {
                self.readers.close().await?;
                self.writer.execute_unprepared("PRAGMA wal_checkpoint(TRUNCATE)").await?;
                return Ok(self.writer.close().await?);
            }
            // A server that is gone is as good as one that took its leave.
            drop(tokio::join!(self.readers.close(), self.writer.close()));
            Ok(())
        };
        timeout(GOODBYE, closed).await.unwrap_or(Ok(()))
    }
}
