//! Statements for many rows or keys at once, and the ids of new rows.

use std::fmt::Write;

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement, Value};

use crate::card::message::without_nul;
use crate::store::StoreError;

/// Rows per statement: as many as a batch has messages. Rows of 44 values stay far below SQLite's limit of 32,766
/// values per statement.
pub(crate) const MAX_ROWS: usize = 64;
/// Bytes of a statement for PostgreSQL, unless a single row is larger. This fits into one TLS record, which is sent
/// at once. sqlx 0.9.0 leaves Nagle's algorithm on: a second record waits up to 40 ms for the acknowledgement of the
/// first (<https://github.com/transact-rs/sqlx/pull/4336>).
const MAX_POSTGRES_BYTES: usize = 15 * 1024;

/// The keys of a condition, with the last one repeated up to a power of two, so that few statements are prepared.
pub(crate) fn padded<T>(keys: &[T]) -> impl Iterator<Item = &T> {
    let missing = keys.len().next_power_of_two() - keys.len();
    keys.iter().chain(keys.last().into_iter().cycle().take(missing))
}

/// Inserts rows, many per statement. `tail` follows the values. Returns the number of rows written.
///
/// There is no `RETURNING id`: SQLite's thread would wake this task once per row. A caller that needs the ids
/// reserves them with [`reserve_ids`].
pub(crate) async fn insert(
    transaction: &impl ConnectionTrait,
    table: &str,
    columns: &[&str],
    rows: impl Iterator<Item = Vec<Value>>,
    tail: &str,
) -> Result<u64, StoreError> {
    let backend = transaction.get_database_backend();
    let mut rows: Vec<Vec<Value>> = rows.collect();
    let mut written = 0;
    while !rows.is_empty() {
        let size = size(backend, &rows);
        let rest = rows.split_off(size);
        let sql = format!(
            "INSERT INTO {table} ({}) VALUES {}{tail}",
            columns.join(", "),
            placeholders(backend, size, columns.len()),
        );
        let values = rows.into_iter().flatten().map(without_nul_value);
        let statement = Statement::from_sql_and_values(backend, sql, values);
        written += transaction.execute_raw(statement).await?.rows_affected();
        rows = rest;
    }
    Ok(written)
}

/// The number of rows in the next statement, at least one. Each size is a statement of its own in the cache of prepared
/// statements, and a large one takes much memory.
fn size(backend: DbBackend, rows: &[Vec<Value>]) -> usize {
    let mut bytes = 0;
    let fits = |row: &&Vec<Value>| {
        bytes += row.iter().map(wire_size).sum::<usize>();
        backend != DbBackend::Postgres || bytes <= MAX_POSTGRES_BYTES
    };
    let fitting = rows.iter().take(MAX_ROWS).take_while(fits).count().max(1);
    match backend {
        DbBackend::Postgres => 1 << fitting.ilog2(),
        _ if fitting <= 32 => fitting,
        _ => fitting / 16 * 16,
    }
}

/// Bytes of a value in PostgreSQL's protocol, with its length and format. Rounded up for numbers.
fn wire_size(value: &Value) -> usize {
    match value {
        Value::String(Some(text)) => text.len() + 6,
        _ => 16,
    }
}

/// Reserves ids that no row of the table has had, in ascending order.
pub(crate) async fn reserve_ids(
    transaction: &impl ConnectionTrait,
    table: &str,
    count: usize,
) -> Result<Vec<i64>, StoreError> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let backend = transaction.get_database_backend();
    let query = |sql: &str, values: Vec<Value>| Statement::from_sql_and_values(backend, sql, values);
    if backend != DbBackend::Postgres {
        // Counts from the last id that was assigned, or written by hand. No other connection writes before this
        // transaction ends.
        let sql = format!(
            "SELECT max(coalesce((SELECT max(seq) FROM sqlite_sequence WHERE name = ?), 0), \
             coalesce((SELECT max(id) FROM {table}), 0))"
        );
        let last = transaction.query_one_raw(query(&sql, vec![table.into()])).await?;
        let last: i64 = last.map_or(Ok(0), |row| row.try_get_by_index(0))?;
        let last_new = i64::try_from(count).ok().and_then(|count| last.checked_add(count));
        return last_new.map(|end| (last + 1..=end).collect()).ok_or(StoreError::Corrupt("id"));
    }
    let sql = "SELECT nextval(pg_get_serial_sequence($1, 'id')) AS id FROM generate_series(1, $2)";
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let rows = transaction.query_all_raw(query(sql, vec![table.into(), count.into()])).await?;
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
            // Writing to a `String` cannot fail.
            DbBackend::Postgres => drop(write!(list, "${}", mark + 1)),
            _ => list.push('?'),
        }
    }
    list.push(')');
    list
}

/// PostgreSQL accepts no NUL in a text, and SQLite's functions end there. Messages have none by now; this is for
/// edits.
fn without_nul_value(value: Value) -> Value {
    match value {
        Value::String(Some(text)) => without_nul(text).into(),
        other => other,
    }
}
