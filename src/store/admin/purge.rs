//! Removes a person from everything that is stored, by their e-mail address.
//!
//! An order keeps number, product, price, status and dates. Everything personal is emptied, in the order, its history
//! and the webhook log. The orders come last, because their address leads to everything else: an interrupted purge can
//! simply be run again. Messages about these orders that arrive meanwhile are looked for before it ends.

mod tables;

use std::collections::HashSet;
use std::time::{Duration, Instant};

use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, QueryFilter, QueryOrder, QuerySelect, Statement};
use tokio::time::sleep;

use super::connect;
use crate::order::EmailAddress;
use crate::store::connection::rights;
use crate::store::entity::{discord_views, order_events, orders, saved_views, webhook_logs};
use crate::store::{Store, StoreError};
use tables::Table;

/// Columns about the person who ordered.
const PERSONAL: [&str; 8] = [
    "email",
    "customer_name",
    "shipping_address",
    "profile",
    "proxy_list",
    "proxy_host",
    "notes",
    "owner_id",
];
/// Rows read at a time, and at most emptied in one transaction. Raw messages may be large.
const PAGE_SIZE: u64 = 100;
/// Pause between two transactions, so that a running ROMS can write.
const PAUSE: Duration = Duration::from_millis(20);
/// How long to try for a lock: a busy ROMS releases it only for short moments.
const LOCK_TIMEOUT: Duration = Duration::from_mins(1);
/// How often to look for messages about the orders that arrived meanwhile.
const MAX_ROUNDS: usize = 10;

/// How many rows of each table contain a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// Orders.
    pub orders: u64,
    /// Order events.
    pub events: u64,
    /// Rows of the webhook log.
    pub logs: u64,
    /// Filters of lists in Discord.
    pub views: u64,
}

/// The person to remove.
struct Person<'a> {
    address: &'a EmailAddress,
    /// Row ids of the orders with this address at the start. Orders that get the address later keep it, so that another
    /// purge finds them.
    orders: HashSet<i64>,
}

/// The last row that was examined in each table.
#[derive(Default)]
struct Progress {
    logs: i64,
    events: i64,
}

impl Store {
    /// Counts the rows that [`Self::purge`] would change.
    pub async fn preview_purge(&self, address: &EmailAddress) -> Result<Purged, StoreError> {
        self.sweep(address, false).await
    }

    /// Removes a person from orders, history and log, then rewrites the database so that nothing remains in free space.
    /// Orders that arrive later are not examined.
    ///
    /// # Errors
    /// If the database fails, or another process holds its lock for very long. A second run continues the work.
    pub async fn purge(&self, address: &EmailAddress) -> Result<Purged, StoreError> {
        let is_sqlite = self.writer.get_database_backend() == DbBackend::Sqlite;
        if is_sqlite {
            self.writer.execute_unprepared("PRAGMA secure_delete = ON").await?;
        }
        if let Some(server) = &self.server {
            rights::check_vacuum(server, &self.writer).await?;
        }
        let purged = self.sweep(address, true).await?;
        if is_sqlite {
            retry_while_busy(async || self.rewrite_search_index().await).await?;
            connect::keep_undo_in_memory(&self.writer, false).await?;
            retry_while_busy(async || Ok(self.writer.execute_unprepared("VACUUM").await.map(drop)?)).await?;
            connect::keep_undo_in_memory(&self.writer, true).await?;
            self.empty_log_file().await?;
        } else if let Some(server) = &self.server {
            connect::vacuum(server).await?;
        }
        Ok(purged)
    }

    /// Counts the rows that contain the person, and empties them if `empties` is set.
    async fn sweep(&self, address: &EmailAddress, empties: bool) -> Result<Purged, StoreError> {
        let mut person = Person { address, orders: HashSet::new() };
        let mut after = 0;
        loop {
            let page = self.page::<orders::Entity>(after).await?;
            let Some(last) = page.last() else { break };
            after = last.id;
            let owned = |row: &orders::Model| row.email.as_deref().is_some_and(|email| address.is_in(email));
            person.orders.extend(page.iter().filter(|row| owned(row)).map(|row| row.id));
        }
        let mut progress = Progress::default();
        let mut purged = self.sweep_history(&person, empties, &mut progress).await?;
        purged.views = self.sweep_table::<discord_views::Entity>(&person, empties, &mut 0).await?;
        purged.views += self.sweep_table::<saved_views::Entity>(&person, empties, &mut 0).await?;
        if empties {
            // The files of imports that are not finished may hold data of the person.
            retry_while_busy(async || self.forget_import_files().await).await?;
        }
        for round in 0..MAX_ROUNDS {
            let orders = self.sweep_table::<orders::Entity>(&person, empties, &mut 0).await?;
            if round == 0 {
                purged.orders = orders;
            }
            if !empties {
                break;
            }
            let later = self.sweep_history(&person, empties, &mut progress).await?;
            if later == Purged::default() {
                break;
            }
            purged.logs += later.logs;
            purged.events += later.events;
        }
        Ok(purged)
    }

    /// Goes through the rest of the log and of the order events.
    async fn sweep_history(
        &self,
        person: &Person<'_>,
        empties: bool,
        progress: &mut Progress,
    ) -> Result<Purged, StoreError> {
        Ok(Purged {
            logs: self.sweep_table::<webhook_logs::Entity>(person, empties, &mut progress.logs).await?,
            events: self.sweep_table::<order_events::Entity>(person, empties, &mut progress.events).await?,
            ..Purged::default()
        })
    }

    /// Goes through the rows of a table after `after`, except those that arrive meanwhile, and returns how many contain
    /// the person.
    async fn sweep_table<T: Table>(
        &self,
        person: &Person<'_>,
        empties: bool,
        after: &mut i64,
    ) -> Result<u64, StoreError> {
        let newest = T::find().select_only().column(T::ID).order_by_desc(T::ID);
        let newest = newest.into_tuple::<i64>().one(&self.readers).await?.unwrap_or(0);
        let mut found = 0;
        while *after < newest {
            let page = self.page::<T>(*after).await?;
            let Some(last) = page.last() else { break };
            *after = T::id(last);
            let ids: Vec<i64> = page.iter().filter(|row| T::contains(row, person)).map(T::id).collect();
            found += ids.len() as u64;
            if empties && !ids.is_empty() {
                retry_while_busy(async || self.empty::<T>(&ids, person).await).await?;
                sleep(PAUSE).await;
            }
        }
        Ok(found)
    }

    async fn page<T: Table>(&self, after: i64) -> Result<Vec<T::Model>, StoreError> {
        Ok(T::find().filter(T::ID.gt(after)).order_by_asc(T::ID).limit(PAGE_SIZE).all(&self.readers).await?)
    }

    /// Empties rows in one transaction.
    async fn empty<T: Table>(&self, ids: &[i64], person: &Person<'_>) -> Result<(), StoreError> {
        let mut batch = self.begin().await?;
        T::empty(&mut batch, ids, person).await?;
        batch.commit().await
    }

    /// Moves SQLite's write-ahead log into the file and truncates it.
    async fn empty_log_file(&self) -> Result<(), StoreError> {
        retry_while_busy(async || {
            let truncate = Statement::from_string(DbBackend::Sqlite, "PRAGMA wal_checkpoint(TRUNCATE)");
            let row = self.writer.query_one_raw(truncate).await?;
            let is_busy = row.map_or(Ok(0), |row| row.try_get_by_index::<i32>(0))? != 0;
            if is_busy { Err(StoreError::LogInUse) } else { Ok(()) }
        })
        .await
    }
}

/// Tries again while another connection holds the lock.
async fn retry_while_busy<T>(action: impl AsyncFn() -> Result<T, StoreError>) -> Result<T, StoreError> {
    let deadline = Instant::now() + LOCK_TIMEOUT;
    loop {
        match action().await {
            Err(error) if error.is_busy() && Instant::now() < deadline => sleep(PAUSE).await,
            done => return done,
        }
    }
}
