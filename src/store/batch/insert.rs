//! Rows into a table, many in one statement, and the ids that they get.

use std::fmt::Write;

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, Statement, Value};

use super::MAX_ROWS;
use crate::store::{StoreError, rows};

/// Inserts rows in statements of power-of-two sizes, so that few statements are prepared, and
/// gives how many were written. `tail` stands behind the values.
///
/// Nothing is returned of the rows: SQLite's thread would wake this one for each. Who needs their
/// ids takes [`fresh_ids`] before.
pub(in crate::store) async fn insert(
    transaction: &DatabaseTransaction,
    table: &str,
    columns: &[&str],
    rows: impl Iterator<Item = Vec<Value>>,
    tail: &str,
) -> Result<u64, StoreError> {
    let backend = transaction.get_database_backend();
    let mut rows: Vec<Vec<Value>> = rows.collect();
    let mut written = 0;
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
        written += transaction.execute_raw(statement).await?.rows_affected();
        rows = behind;
    }
    Ok(written)
}

/// Ids that no row of a table has had, smallest first.
pub(super) async fn fresh_ids(
    transaction: &DatabaseTransaction,
    table: &str,
    count: usize,
) -> Result<Vec<i64>, StoreError> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let backend = transaction.get_database_backend();
    let ask = |sql, values: Vec<Value>| Statement::from_sql_and_values(backend, sql, values);
    if backend != DbBackend::Postgres {
        // The last id that was given. Nobody else writes before this transaction ends.
        let ask = ask("SELECT seq FROM sqlite_sequence WHERE name = ?", vec![table.into()]);
        let last = transaction.query_one_raw(ask).await?;
        let last: i64 = last.map_or(Ok(0), |row| row.try_get_by_index(0))?;
        return Ok((last..i64::MAX).skip(1).take(count).collect());
    }
    let sql = "SELECT nextval(pg_get_serial_sequence($1, 'id')) AS id FROM generate_series(1, $2)";
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let rows = transaction.query_all_raw(ask(sql, vec![table.into(), count.into()])).await?;
    let mut ids = rows.iter().map(|row| row.try_get("", "id")).collect::<Result<Vec<i64>, DbErr>>()?;
    ids.sort_unstable();
    Ok(ids)
}

/// `(?, ?), (?, ?)`, or `($1, $2), ($3, $4)`.
fn placeholders(backend: DbBackend, rows: usize, columns: usize) -> String {
    let mut list = String::new();
    for mark in 0..rows * columns {
        list.push_str(match (mark, mark % columns) {
            (0, _) => "(",
            (_, 0) => "), (",
            _ => ", ",
        });
        match backend {
            // Writing to a text cannot fail.
            DbBackend::Postgres => drop(write!(list, "${}", mark + 1)),
            _ => list.push('?'),
        }
    }
    list.push(')');
    list
}

fn storable(value: Value) -> Value {
    match value {
        Value::String(Some(text)) => rows::storable(text).into(),
        other => other,
    }
}
