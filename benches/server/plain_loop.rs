//! (c) A plain loop that inserts the three rows of an order with sqlx, 64 orders per transaction. The
//! column values are copied from a database in which ROMS stored one order.

use std::ops::Range;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use chrono::Utc;
use roms::card::message::Message;
use roms::feed::Feed;
use roms::ingest::Ingest;
use roms::store::Store;
use sea_orm::sqlx::query::Query;
use sea_orm::sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteRow};
use sea_orm::sqlx::{
    self, AssertSqlSafe, Column, Connection, Row, Sqlite, SqliteConnection, TypeInfo, ValueRef,
};
use serde::{Deserialize, Serialize};

use super::bodies::{Form, NUMBER};
use super::process::Processor;
use super::servers::open;

/// Rows per statement, and orders per transaction.
pub(crate) const BATCH: i64 = 64;
/// The tables that get one row per order.
pub(crate) const TABLES: [&str; 3] = ["orders", "webhook_logs", "order_events"];

/// The result of a loop, which its process prints as JSON.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct LoopResult {
    pub(crate) orders: u32,
    pub(crate) seconds: f64,
    pub(crate) cpu_seconds: f64,
}

/// A table, and the row that the loop inserts again and again.
struct Table {
    insert: String,
    cells: Vec<(String, Cell)>,
}

/// A column value.
#[derive(Clone, Debug)]
pub(crate) enum Cell {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
}

/// Inserts orders for this long.
pub(crate) async fn run(database: String, time: Duration) -> Result<LoopResult> {
    let mut connection = connect_to_new_database(database).await?;
    let mut tables = Vec::new();
    for name in TABLES {
        tables.push(Table::read(&mut connection, name).await?);
    }
    repeat(time, async |ids| {
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        for table in &tables {
            let mut query = sqlx::query(AssertSqlSafe(table.insert.as_str()));
            for id in ids.clone() {
                query = table.bind(query, id);
            }
            query.execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    })
    .await
}

/// Calls `write` for this long. Its argument is the ids of the next batch.
pub(crate) async fn repeat(
    time: Duration,
    mut write: impl AsyncFnMut(Range<i64>) -> Result<()>,
) -> Result<LoopResult> {
    let (began, before) = (Instant::now(), Processor::of(std::process::id()));
    // Order 1 exists already.
    let mut ids = 2..2 + BATCH;
    let mut orders = 0;
    while began.elapsed() < time {
        write(ids.clone()).await?;
        ids = ids.end..ids.end + BATCH;
        orders += u32::try_from(BATCH)?;
    }
    let cpu_seconds = Processor::of(std::process::id()).since(&before).total();
    Ok(LoopResult { orders, seconds: began.elapsed().as_secs_f64(), cpu_seconds })
}

/// The value of a column that differs for each order: ids, and the deduplication key. The key is random,
/// so that index pages are hit as randomly as by ROMS's SHA-256 keys.
pub(crate) fn unique_value(column: &str, id: i64) -> Option<Cell> {
    match column {
        "id" | "order_id" | "log_id" => Some(Cell::Integer(id)),
        "order_ids" => Some(Cell::Text(format!("[{id}]"))),
        "source_key" => {
            Some(Cell::Text(format!("webhook:{:032x}{:032x}", fastrand::u128(..), fastrand::u128(..))))
        }
        _ => None,
    }
}

/// A text value with the order number of order `id`.
pub(crate) fn renumbered(text: &str, id: i64) -> String {
    text.replace(NUMBER, &format!("BARE-{id:08}"))
}

/// Connects to a new database that has the schema and settings of ROMS and holds one order.
async fn connect_to_new_database(database: String) -> Result<SqliteConnection> {
    let mut options: SqliteConnectOptions = database.parse()?;
    let store = with_one_order(database).await?;
    for name in ["journal_mode", "synchronous", "foreign_keys", "journal_size_limit", "temp_store"] {
        let [value, _] = store.pragma(name).await?;
        options = options.pragma(name, value);
    }
    store.close().await?;
    Ok(SqliteConnection::connect_with(&options).await?)
}

/// Creates a database in which ROMS stored one order.
pub(crate) async fn with_one_order(database: String) -> Result<Store> {
    let (store, orders) = open(database).await?;
    let (ingest, writer) = Ingest::start(store.clone(), Feed::new(1), orders);
    ingest.submit(Message::from_payload(&Form::Text.body()?, "/api/v2/webhooks/orders", Utc::now())).await?;
    ingest.close();
    writer.await?;
    Ok(store)
}

impl Table {
    async fn read(connection: &mut SqliteConnection, name: &str) -> Result<Self> {
        let query = format!("SELECT * FROM {name} WHERE id = 1");
        let row = sqlx::query(AssertSqlSafe(query)).fetch_one(connection).await?;
        let columns = row.columns().iter().enumerate();
        let cells: Vec<(String, Cell)> = columns
            .map(|(at, column)| Ok((column.name().to_owned(), cell(&row, at)?)))
            .collect::<Result<_>>()?;
        let names: Vec<&str> = cells.iter().map(|(name, _)| name.as_str()).collect();
        let marks = format!("({})", vec!["?"; names.len()].join(", "));
        let marks = vec![marks; usize::try_from(BATCH)?].join(", ");
        Ok(Self { insert: format!("INSERT INTO {name} ({}) VALUES {marks}", names.join(", ")), cells })
    }

    /// Binds the row of order `id`.
    fn bind<'q>(
        &'q self,
        mut query: Query<'q, Sqlite, SqliteArguments>,
        id: i64,
    ) -> Query<'q, Sqlite, SqliteArguments> {
        for (name, cell) in &self.cells {
            query = match unique_value(name, id).as_ref().unwrap_or(cell) {
                Cell::Null => query.bind(None::<i64>),
                Cell::Integer(value) => query.bind(*value),
                Cell::Real(value) => query.bind(*value),
                Cell::Text(text) => query.bind(renumbered(text, id)),
            };
        }
        query
    }
}

fn cell(row: &SqliteRow, at: usize) -> Result<Cell> {
    let raw = row.try_get_raw(at)?;
    if raw.is_null() {
        return Ok(Cell::Null);
    }
    Ok(match raw.type_info().name() {
        "INTEGER" => Cell::Integer(row.try_get_unchecked(at)?),
        "REAL" => Cell::Real(row.try_get_unchecked(at)?),
        "TEXT" => Cell::Text(row.try_get_unchecked(at)?),
        other => bail!("unexpected column type {other}"),
    })
}
