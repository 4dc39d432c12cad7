//! Rows into a table, many in one statement.

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, QueryResult, Statement, Value};

use super::MAX_ROWS;
use crate::store::{StoreError, rows};

/// Inserts rows in statements of power-of-two sizes, so that few statements are prepared, and
/// gives what they return. `tail` stands behind the values.
pub(in crate::store) async fn insert(
    transaction: &DatabaseTransaction,
    table: &str,
    columns: &[&str],
    rows: impl Iterator<Item = Vec<Value>>,
    tail: &str,
) -> Result<Vec<QueryResult>, StoreError> {
    let backend = transaction.get_database_backend();
    let mut rows: Vec<Vec<Value>> = rows.collect();
    let mut returned = Vec::with_capacity(rows.len());
    while !rows.is_empty() {
        let size = (1 << rows.len().ilog2()).min(MAX_ROWS);
        let behind = rows.split_off(size);
        let sql = format!(
            "INSERT INTO {table} ({}) VALUES {}{tail}",
            columns.join(", "),
            placeholders(backend, size, columns.len()),
        );
        let values = rows.into_iter().flatten().map(storable);
        let statement = Statement::from_sql_and_values(backend, sql, values);
        returned.extend(transaction.query_all_raw(statement).await?);
        rows = behind;
    }
    Ok(returned)
}

/// `(?, ?), (?, ?)`, or `($1, $2), ($3, $4)`.
fn placeholders(backend: DbBackend, rows: usize, columns: usize) -> String {
    let mark = |at: usize| match backend {
        DbBackend::Postgres => format!("${}", at + 1),
        _ => "?".to_owned(),
    };
    let row = |row: usize| {
        let marks: Vec<_> = (0..columns).map(|column| mark(row * columns + column)).collect();
        format!("({})", marks.join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

fn storable(value: Value) -> Value {
    match value {
        Value::String(Some(text)) => rows::storable(text).into(),
        other => other,
    }
}
