//! SQL by hand, through a connection of its own: what somebody with the `sqlite3` program sees.

use std::path::Path;

use sea_orm::sqlx::{
    self, AssertSqlSafe, Column, Connection, Row, SqliteConnection, TypeInfo, ValueRef,
    sqlite::{SqliteConnectOptions, SqliteRow},
};
use serde_json::{Map, Value};

/// A connection.
pub(crate) struct Sql(SqliteConnection);

impl Sql {
    pub(crate) async fn open(path: &Path) -> Self {
        let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
        Self(SqliteConnection::connect_with(&options).await.unwrap())
    }

    pub(crate) async fn run(&mut self, sql: &str) {
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut self.0).await.unwrap();
    }

    /// The rows, each value as it is stored.
    pub(crate) async fn rows(&mut self, sql: &str) -> Vec<Map<String, Value>> {
        let rows = sqlx::query(AssertSqlSafe(sql.to_owned())).fetch_all(&mut self.0).await.unwrap();
        rows.iter().map(named).collect()
    }

    /// The rows without their names.
    pub(crate) async fn values(&mut self, sql: &str) -> Vec<Vec<Value>> {
        let rows = sqlx::query(AssertSqlSafe(sql.to_owned())).fetch_all(&mut self.0).await.unwrap();
        rows.iter().map(|row| (0..row.len()).map(|at| value(row, at)).collect()).collect()
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
}

fn named(row: &SqliteRow) -> Map<String, Value> {
    row.columns().iter().enumerate().map(|(at, column)| (column.name().to_owned(), value(row, at))).collect()
}

fn value(row: &SqliteRow, at: usize) -> Value {
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
