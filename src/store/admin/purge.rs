//! A person removed from everything that is stored, by their e-mail address.
//!
//! What an order says of the deal stays: number, product, price, status, dates. What it says of
//! the person is emptied, here, in the history and in the log. The log comes first and the orders
//! last, because their address is what all else is found by: a run that breaks off can be run
//! again. What is said of these orders meanwhile is looked for before it ends.

mod tables;

use std::collections::HashSet;
use std::time::{Duration, Instant};

use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, QueryFilter, QueryOrder, QuerySelect, Statement};
use tokio::time::sleep;

use super::connect;
use crate::order::EmailAddress;
use crate::store::entity::{discord_views, order_events, orders, webhook_logs};
use crate::store::{Store, StoreError};
use tables::Table;

/// Columns that speak of the person who ordered.
const PERSONAL: [&str; 6] = ["email", "customer_name", "shipping_address", "profile", "proxy_list", "notes"];
/// Rows that are looked at in one go, and at most emptied in one transaction. Raw messages may
/// be large.
const PAGE: u64 = 100;
/// Between two transactions, for the writer of a ROMS that serves.
const PAUSE: Duration = Duration::from_millis(20);
/// How long to go on asking for a lock: a busy ROMS leaves only short gaps.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often to look again at what was said of the orders meanwhile.
const MOST_ROUNDS: usize = 10;

/// In how many rows a person was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// Orders.
    pub orders: u64,
    /// Steps of the orders' history.
    pub events: u64,
    /// Messages in the log.
    pub logs: u64,
    /// Filters of lists shown in Discord.
    pub views: u64,
}

/// Who is removed.
struct Person<'a> {
    address: &'a EmailAddress,
    /// The orders with this address. Others that have it now came in afterwards, or are new to it:
    /// they keep it, so that another run finds what belongs to them.
    orders: HashSet<i64>,
}

/// Up to which row each table has been looked at.
#[derive(Default)]
struct Looked {
    logs: i64,
    events: i64,
}

impl Store {
    /// Counts the rows that [`Self::purge`] would change.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn preview_purge(&self, address: &EmailAddress) -> Result<Purged, StoreError> {
        self.sweep(address, false).await
    }

    /// Removes a person from orders, history and log, then rewrites what held them, so that
    /// nothing is left in free space. Orders that come in afterwards are not looked at.
    ///
    /// # Errors
    /// When the database fails, or somebody else holds its lock for very long. Run again, it goes
    /// on where it was.
    pub async fn purge(&self, address: &EmailAddress) -> Result<Purged, StoreError> {
        let is_sqlite = self.writer.get_database_backend() == DbBackend::Sqlite;
        if is_sqlite {
            self.writer.execute_unprepared("PRAGMA secure_delete = ON").await?;
        }
        let purged = self.sweep(address, true).await?;
        if is_sqlite {
            patiently(async || self.rewrite_search_index().await).await?;
            connect::keep_undo_in_memory(&self.writer, false).await?;
            patiently(async || Ok(self.writer.execute_unprepared("VACUUM").await.map(drop)?)).await?;
            connect::keep_undo_in_memory(&self.writer, true).await?;
            self.empty_log_file().await?;
        } else {
            let tables = ["orders", "order_events", "webhook_logs", "order_sums", "discord_views"];
            connect::vacuum(&self.writer, &tables).await?;
        }
        Ok(purged)
    }

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
        let mut looked = Looked::default();
        let mut purged = self.sweep_history(&person, empties, &mut looked).await?;
        purged.views = self.sweep_table::<discord_views::Entity>(&person, empties, &mut 0).await?;
        for round in 0..MOST_ROUNDS {
            let orders = self.sweep_table::<orders::Entity>(&person, empties, &mut 0).await?;
            if round == 0 {
                purged.orders = orders;
            }
            if !empties {
                break;
            }
            let later = self.sweep_history(&person, empties, &mut looked).await?;
            if later == Purged::default() {
                break;
            }
            purged.logs += later.logs;
            purged.events += later.events;
        }
        Ok(purged)
    }

    /// Goes through the log and the orders' history, from where it was before.
    async fn sweep_history(
        &self,
        person: &Person<'_>,
        empties: bool,
        looked: &mut Looked,
    ) -> Result<Purged, StoreError> {
        Ok(Purged {
            logs: self.sweep_table::<webhook_logs::Entity>(person, empties, &mut looked.logs).await?,
            events: self.sweep_table::<order_events::Entity>(person, empties, &mut looked.events).await?,
            ..Purged::default()
        })
    }

    /// Goes through the rows of a table behind one, but those that come in meanwhile, in the order of
    /// ids, and gives how many hold the person.
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
            let ids: Vec<i64> = page.iter().filter(|row| T::holds(row, person)).map(T::id).collect();
            found += ids.len() as u64;
            if empties && !ids.is_empty() {
                patiently(async || self.empty::<T>(&ids, person).await).await?;
                sleep(PAUSE).await;
            }
        }
        Ok(found)
    }

    async fn page<T: Table>(&self, after: i64) -> Result<Vec<T::Model>, StoreError> {
        Ok(T::find().filter(T::ID.gt(after)).order_by_asc(T::ID).limit(PAGE).all(&self.readers).await?)
    }

    /// Empties rows in one transaction.
    async fn empty<T: Table>(&self, ids: &[i64], person: &Person<'_>) -> Result<(), StoreError> {
        let mut batch = self.begin().await?;
        T::empty(&mut batch, ids, person).await?;
        batch.commit().await
    }

    /// Leaves nothing in SQLite's write-ahead log.
    async fn empty_log_file(&self) -> Result<(), StoreError> {
        patiently(async || {
            let fold = Statement::from_string(DbBackend::Sqlite, "PRAGMA wal_checkpoint(TRUNCATE)");
            let row = self.writer.query_one_raw(fold).await?;
            let is_busy = row.map_or(Ok(0), |row| row.try_get_by_index::<i32>(0))? != 0;
            if is_busy { Err(StoreError::LogInUse) } else { Ok(()) }
        })
        .await
    }
}

/// Does something again while somebody else holds the lock.
async fn patiently<T>(action: impl AsyncFn() -> Result<T, StoreError>) -> Result<T, StoreError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match action().await {
            Err(error) if error.is_busy() && Instant::now() < deadline => sleep(PAUSE).await,
            done => return done,
        }
    }
}
