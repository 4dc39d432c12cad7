//! PostgreSQL: creates a database for each run on the server of `TEST_DATABASE_URL`, and runs the plain
//! loop (c) there.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use sea_orm::sqlx::postgres::{PgConnectOptions, PgSslMode};
use sea_orm::sqlx::{self, AssertSqlSafe, Connection, PgConnection, Row};
use url::Url;

use super::plain_loop::{BATCH, Cell, LoopResult, TABLES, renumbered, repeat, unique_value, with_one_order};

/// The server's URL, if `TEST_DATABASE_URL` is set. Its user needs the right to create databases.
pub(crate) fn server() -> Option<String> {
    std::env::var("TEST_DATABASE_URL").ok()
}

/// Creates an empty database and returns its URL.
pub(crate) async fn create_database() -> Result<String> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("bench_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let server = server().context("no TEST_DATABASE_URL")?;
    let mut connection = PgConnection::connect(&server).await?;
    sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await?;
    let mut url = Url::parse(&server)?;
    url.set_path(&name);
    Ok(url.into())
}

/// A table, and the row that the loop inserts again and again, as text.
struct Table {
    insert: String,
    cells: Vec<(String, Option<String>)>,
}

/// Inserts orders for this long.
pub(crate) async fn run(database: String, time: Duration) -> Result<LoopResult> {
    // With TLS, a large statement is split into records and arrives later.
    let options = database.parse::<PgConnectOptions>()?.ssl_mode(PgSslMode::Disable);
    with_one_order(database).await?.close().await?;
    let mut connection = PgConnection::connect_with(&options).await?;
    let mut tables = Vec::new();
    for name in TABLES {
        tables.push(Table::read(&mut connection, name).await?);
    }
    repeat(time, async |ids| {
        let mut transaction = connection.begin().await?;
        for table in &tables {
            let mut query = sqlx::query(AssertSqlSafe(table.insert.as_str()));
            for id in ids.clone() {
                for (name, cell) in &table.cells {
                    query = query.bind(value(name, cell.as_deref(), id));
                }
            }
            query.execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    })
    .await
}

/// The value of a column for order `id`.
fn value(column: &str, cell: Option<&str>, id: i64) -> Option<String> {
    match unique_value(column, id) {
        Some(Cell::Integer(value)) => Some(value.to_string()),
        Some(Cell::Text(text)) => Some(text),
        _ => cell.map(|text| renumbered(text, id)),
    }
}

impl Table {
    async fn read(connection: &mut PgConnection, name: &str) -> Result<Self> {
        let columns = "SELECT column_name::text, udt_name::text FROM information_schema.columns \
                       WHERE table_name = $1 AND table_schema = current_schema() ORDER BY ordinal_position";
        let columns: Vec<(String, String)> =
            sqlx::query_as(columns).bind(name).fetch_all(&mut *connection).await?;
        let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
        let texts: Vec<String> = names.iter().map(|name| format!("{name}::text")).collect();
        let row = format!("SELECT {} FROM {name} WHERE id = 1", texts.join(", "));
        let row = sqlx::query(AssertSqlSafe(row)).fetch_one(connection).await?;
        let cells = names.iter().enumerate().map(|(at, name)| Ok(((*name).to_owned(), row.try_get(at)?)));
        let cells = cells.collect::<Result<_>>()?;
        let mark = |row: usize| {
            let marks = columns.iter().zip(1..).map(|((_, kind), at)| {
                let number = row * columns.len() + at;
                format!("${number}::text::{kind}")
            });
            format!("({})", marks.collect::<Vec<_>>().join(", "))
        };
        let rows: Vec<String> = (0..usize::try_from(BATCH)?).map(mark).collect();
        let insert = format!("INSERT INTO {name} ({}) VALUES {}", names.join(", "), rows.join(", "));
        Ok(Self { insert, cells })
    }
}
