//! SQL by hand, through a connection of its own: what somebody with `sqlite3` or `psql` sees.

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

/// A connection.
pub(crate) enum Sql {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// A row: each column's name and value.
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

    /// What says the same in the two engines' SQL.
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

    /// Lets nobody else write until [`Self::unlock`], while reads go on.
    pub(crate) async fn lock(&mut self) {
        let tables = "BEGIN; LOCK TABLE orders, order_events, webhook_logs IN EXCLUSIVE MODE";
        self.run(self.either("BEGIN IMMEDIATE", tables)).await;
    }

    pub(crate) async fn unlock(&mut self) {
        self.run("COMMIT").await;
    }

    /// Refuses orders from now on of which this is true; `event` is `INSERT` or `UPDATE`.
    pub(crate) async fn refuse(&mut self, event: &str, condition: &str) {
        let sqlite = format!(
            "CREATE TRIGGER refuse_bad BEFORE {event} ON orders WHEN {condition} \
             BEGIN SELECT RAISE(ABORT, 'no such order, please'); END"
        );
        let postgres = format!(
            "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'no such order, please'; END $$; \
             CREATE TRIGGER refuse_bad BEFORE {event} ON orders FOR EACH ROW \
             WHEN ({condition}) EXECUTE FUNCTION refuse()"
        );
        self.run(self.either(&sqlite, &postgres)).await;
    }

    /// Refuses nothing any more.
    pub(crate) async fn allow(&mut self) {
        self.run(self.either("DROP TRIGGER refuse_bad", "DROP TRIGGER refuse_bad ON orders")).await;
    }

    /// The rows, each value as it is stored: numbers as they read, times in one form.
    pub(crate) async fn rows(&mut self, sql: &str) -> Vec<Map<String, Value>> {
        self.cells(sql).await.into_iter().map(|cells| cells.into_iter().collect()).collect()
    }

    /// The rows without their names.
    pub(crate) async fn values(&mut self, sql: &str) -> Vec<Vec<Value>> {
        let rows = self.cells(sql).await;
        rows.into_iter().map(|cells| cells.into_iter().map(|(_, value)| value).collect()).collect()
    }

    /// The only value of the only row.
    pub(crate) async fn value(&mut self, sql: &str) -> Value {
        let rows = self.values(sql).await;
        assert!(rows.len() == 1 && rows[0].len() == 1, "{sql}: {rows:?}");
        rows[0][0].clone()
    }

    pub(crate) async fn count(&mut self, table: &str) -> u64 {
        self.value(&format!("SELECT count(*) FROM {table}")).await.as_u64().unwrap()
    }

    /// The database finds no fault in itself, and the sums are those of the orders.
    pub(crate) async fn assert_sound(&mut self) {
        if matches!(self, Self::Sqlite(_)) {
            assert_eq!(self.value("PRAGMA integrity_check").await, "ok");
        }
        let summed = "SELECT coalesce(CAST(sum(orders) AS bigint), 0) - (SELECT count(*) FROM orders) FROM order_sums \
                      WHERE kind = 'status'";
        assert_eq!(self.value(summed).await, 0, "the sums follow the orders");
    }

    /// The columns of a table, in order.
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
        other => panic!("{other} has no business here"),
    }
}

/// As SQLite has it: a number for true and false, and a text for a time.
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
        other => panic!("{other} has no business here"),
    }
}
