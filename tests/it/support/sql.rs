//! A plain SQL connection to ROMS's database. It shows what a user of `sqlite3` or `psql` sees.

use std::path::Path;

use chrono::{DateTime, Utc};
use roms::config::DatabaseUrl;
use rust_decimal::Decimal;
use sea_orm::sqlx::{
    self, AssertSqlSafe, Column, Connection, PgConnection, Row, SqliteConnection, TypeInfo, ValueRef,
    postgres::PgRow,
    sqlite::{SqliteConnectOptions, SqliteRow},
};
use serde_json::{Map, Value};

use super::app::until_ok;

/// A connection to either engine.
pub(crate) enum Sql {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// The columns of one row: name and value.
type Cells = Vec<(String, Value)>;

impl Sql {
    pub(crate) async fn open(url: &DatabaseUrl) -> Self {
        match url.sqlite_path() {
            Some(path) => Self::file(path).await,
            None => Self::Postgres(PgConnection::connect(url.expose()).await.unwrap()),
        }
    }

    /// A connection to an SQLite file.
    pub(crate) async fn file(path: &Path) -> Self {
        let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
        Self::Sqlite(SqliteConnection::connect_with(&options).await.unwrap())
    }

    /// Chooses the SQL text for the engine of this connection.
    pub(crate) fn either<'a>(&self, sqlite: &'a str, postgres: &'a str) -> &'a str {
        match self {
            Self::Sqlite(_) => sqlite,
            Self::Postgres(_) => postgres,
        }
    }

    pub(crate) async fn run(&mut self, sql: &str) {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        match self {
            Self::Sqlite(connection) => drop(sql.execute(connection).await.unwrap()),
            Self::Postgres(connection) => drop(sql.execute(connection).await.unwrap()),
        }
    }

    /// Blocks all other writers until [`Self::unlock`]. Others can still read.
    pub(crate) async fn lock(&mut self) {
        let tables = "BEGIN; LOCK TABLE orders, order_events, webhook_logs, discord_views IN EXCLUSIVE MODE";
        self.run(self.either("BEGIN IMMEDIATE", tables)).await;
    }

    pub(crate) async fn unlock(&mut self) {
        self.run("COMMIT").await;
    }

    /// Makes the database reject orders that match a condition. `event` is `INSERT` or `UPDATE`.
    pub(crate) async fn reject_orders(&mut self, event: &str, condition: &str) {
        let sqlite = format!(
            "CREATE TRIGGER reject_order BEFORE {event} ON orders WHEN {condition} \
             BEGIN SELECT RAISE(ABORT, 'the test rejects this order'); END"
        );
        let postgres = format!(
            "CREATE OR REPLACE FUNCTION reject_order() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'the test rejects this order'; END $$; \
             CREATE TRIGGER reject_order BEFORE {event} ON orders FOR EACH ROW \
             WHEN ({condition}) EXECUTE FUNCTION reject_order()"
        );
        self.run(self.either(&sqlite, &postgres)).await;
    }

    /// Makes each new order take some milliseconds, so that a test can act while many are being stored. Ends with
    /// [`Self::add_orders_fast`].
    pub(crate) async fn add_orders_slowly(&mut self) {
        let sqlite = "CREATE TRIGGER slow_order BEFORE INSERT ON orders BEGIN SELECT length(hex(randomblob(1000000))); END";
        let postgres = "CREATE OR REPLACE FUNCTION slow_order() RETURNS trigger LANGUAGE plpgsql AS \
                        $$ BEGIN PERFORM pg_sleep(0.01); RETURN NEW; END $$; \
                        CREATE TRIGGER slow_order BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION slow_order()";
        self.run(self.either(sqlite, postgres)).await;
    }

    pub(crate) async fn add_orders_fast(&mut self) {
        self.run(self.either("DROP TRIGGER slow_order", "DROP TRIGGER slow_order ON orders")).await;
    }

    /// Waits until no other session of PostgreSQL uses the database.
    pub(crate) async fn until_alone(&mut self) {
        let others = "pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend' \
                      AND pid <> pg_backend_pid()";
        if matches!(self, Self::Postgres(_)) {
            until_ok("the other sessions end", async || match self.count(others).await {
                0 => Ok(()),
                sessions => Err(sessions),
            })
            .await;
        }
    }

    /// Ends [`Self::reject_orders`].
    pub(crate) async fn accept_all_orders(&mut self) {
        self.run(self.either("DROP TRIGGER reject_order", "DROP TRIGGER reject_order ON orders")).await;
    }

    /// Adds steps 1 to `count` to the history of an order: each changes the notes to `step` and its number.
    pub(crate) async fn add_events(&mut self, order: i64, count: u32) {
        self.run(&format!(
            "WITH RECURSIVE steps(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM steps WHERE n < {count}) \
             INSERT INTO order_events (order_id, event_type, changes, source, created_at) SELECT {order}, 'updated', \
             '[{{\"field\": \"notes\", \"old\": null, \"new\": \"step ' || n || '\"}}]', 'webhook', \
             '2026-01-31T00:00:00+00:00' FROM steps"
        ))
        .await;
    }

    /// The rows of a query. Numbers are JSON numbers, and times are text.
    pub(crate) async fn rows(&mut self, sql: &str) -> Vec<Map<String, Value>> {
        self.cells(sql).await.into_iter().map(|cells| cells.into_iter().collect()).collect()
    }

    /// The rows of a query, without column names.
    pub(crate) async fn values(&mut self, sql: &str) -> Vec<Vec<Value>> {
        let rows = self.cells(sql).await;
        rows.into_iter().map(|cells| cells.into_iter().map(|(_, value)| value).collect()).collect()
    }

    /// The only value of a query that returns one row with one column.
    pub(crate) async fn value(&mut self, sql: &str) -> Value {
        let rows = self.values(sql).await;
        assert!(rows.len() == 1 && rows[0].len() == 1, "{sql}: {rows:?}");
        rows[0][0].clone()
    }

    pub(crate) async fn count(&mut self, table: &str) -> u64 {
        self.value(&format!("SELECT count(*) FROM {table}")).await.as_u64().unwrap()
    }

    /// Asserts that SQLite finds no damage, and that the rollup counts as many orders as exist.
    pub(crate) async fn assert_sound(&mut self) {
        if matches!(self, Self::Sqlite(_)) {
            assert_eq!(self.value("PRAGMA integrity_check").await, "ok");
        }
        let summed = "SELECT coalesce(CAST(sum(orders) AS bigint), 0) - (SELECT count(*) FROM orders) FROM order_sums \
                      WHERE kind = 'status'";
        assert_eq!(self.value(summed).await, 0, "the rollup counts every order");
    }

    /// The column names of a table, in order.
    pub(crate) async fn columns(&mut self, table: &str) -> Vec<String> {
        let sql = match self {
            Self::Sqlite(_) => format!("SELECT name FROM pragma_table_info('{table}') ORDER BY cid"),
            Self::Postgres(_) => format!(
                "SELECT column_name::text FROM information_schema.columns WHERE table_name = '{table}' \
                 ORDER BY ordinal_position"
            ),
        };
        self.values(&sql).await.iter().map(|row| row[0].as_str().unwrap().to_owned()).collect()
    }

    async fn cells(&mut self, sql: &str) -> Vec<Cells> {
        let query = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Sqlite(connection) => {
                let rows = sqlx::query(query).fetch_all(connection).await.unwrap();
                rows.iter().map(|row| cells(row, sqlite_value)).collect()
            }
            Self::Postgres(connection) => {
                let rows = sqlx::query(query).fetch_all(connection).await.unwrap();
                rows.iter().map(|row| cells(row, postgres_value)).collect()
            }
        }
    }
}

fn cells<R: Row>(row: &R, value: fn(&R, usize) -> Value) -> Cells {
    row.columns().iter().enumerate().map(|(at, column)| (column.name().to_owned(), value(row, at))).collect()
}

fn sqlite_value(row: &SqliteRow, at: usize) -> Value {
    let raw = row.try_get_raw(at).unwrap();
    if raw.is_null() {
        return Value::Null;
    }
    match raw.type_info().name() {
        "INTEGER" => row.get_unchecked::<i64, _>(at).into(),
        "REAL" => row.get_unchecked::<f64, _>(at).into(),
        "TEXT" => row.get_unchecked::<String, _>(at).into(),
        other => panic!("unexpected column type {other}"),
    }
}

/// The value as SQLite would store it: booleans are numbers, and times are text.
fn postgres_value(row: &PgRow, at: usize) -> Value {
    let raw = row.try_get_raw(at).unwrap();
    if raw.is_null() {
        return Value::Null;
    }
    match raw.type_info().name() {
        "INT4" => row.get::<i32, _>(at).into(),
        "INT8" => row.get::<i64, _>(at).into(),
        "NUMERIC" => row.get::<Decimal, _>(at).to_string().parse::<f64>().unwrap().into(),
        "BOOL" => i64::from(row.get::<bool, _>(at)).into(),
        "TEXT" => row.get::<String, _>(at).into(),
        "TIMESTAMPTZ" => row.get::<DateTime<Utc>, _>(at).to_rfc3339().into(),
        other => panic!("unexpected column type {other}"),
    }
}
