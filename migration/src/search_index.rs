//! The index for substring search in orders. Migrations only replace it, because the configuration
//! decides whether there is one.
//!
//! SQLite: an FTS5 table with the trigrams of [`COLUMNS`]. It refers to `orders` for the texts, and
//! triggers update it with each order, so `orders` can also be written by hand with any `sqlite3`. It
//! stores which orders contain a trigram and not where, because positions would make writing an order
//! half as expensive again. PostgreSQL: a GIN index on the trigrams of [`POSTGRES_TEXT`].

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{DbBackend, Statement};

/// The columns that are searched.
pub const COLUMNS: [&str; 6] =
    ["order_number", "product", "email", "profile", "tracking_number", "items_text"];

/// The expression that PostgreSQL indexes: all columns in lower case, with [`POSTGRES_SEPARATOR`] between
/// them.
pub const POSTGRES_TEXT: &str = "lower(order_number || chr(31) || coalesce(product, '') || chr(31) || coalesce(email, '') || chr(31) || coalesce(profile, '') || chr(31) || coalesce(tracking_number, '') || chr(31) || coalesce(items_text, ''))";

/// The character between the columns of [`POSTGRES_TEXT`]; nothing is found that contains it.
pub const POSTGRES_SEPARATOR: char = '\u{1f}';

const POSTGRES_INDEX: &str = "orders_search";

/// Whether the index exists.
///
/// # Errors
/// When the database fails.
pub async fn exists(connection: &impl ConnectionTrait) -> Result<bool, DbErr> {
    let backend = connection.get_database_backend();
    let sql = match backend {
        DbBackend::Postgres => "SELECT 1 FROM pg_class WHERE oid = to_regclass('orders_search')",
        _ => "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'orders_search'",
    };
    Ok(connection.query_one_raw(Statement::from_string(backend, sql)).await?.is_some())
}

/// Creates the index and fills it with all orders.
///
/// # Errors
/// When the database fails. PostgreSQL may refuse the extension `pg_trgm`.
pub async fn create(connection: &impl ConnectionTrait) -> Result<(), DbErr> {
    if connection.get_database_backend() == DbBackend::Postgres {
        connection.execute_unprepared("CREATE EXTENSION IF NOT EXISTS pg_trgm").await?;
        // Hosting providers keep extensions in a schema of their own, which may not be in the search path.
        let schema = "SELECT quote_ident(nspname) FROM pg_extension JOIN pg_namespace n ON n.oid = extnamespace \
                      WHERE extname = 'pg_trgm'";
        let schema = connection.query_one_raw(Statement::from_string(DbBackend::Postgres, schema)).await?;
        let schema: String = schema.map_or(Ok(String::new()), |row| row.try_get_by_index(0))?;
        let index = format!(
            "CREATE INDEX {POSTGRES_INDEX} ON orders USING gin (({POSTGRES_TEXT}) {schema}.gin_trgm_ops)"
        );
        return connection.execute_unprepared(&index).await.map(|_| ());
    }
    let existing = existing_columns(connection).await?;
    let each = |sql: fn(&str) -> String, separator| {
        existing.iter().map(|column| sql(column)).collect::<Vec<_>>().join(separator)
    };
    let columns = existing.join(", ");
    let differs = each(|column| format!("new.{column} IS NOT old.{column}"), " OR ");
    let (new, old) =
        (each(|column| format!("new.{column}"), ", "), each(|column| format!("old.{column}"), ", "));
    let add = format!("INSERT INTO orders_search (rowid, {columns}) VALUES (new.id, {new});");
    let remove = format!(
        "INSERT INTO orders_search (orders_search, rowid, {columns}) VALUES ('delete', old.id, {old});"
    );
    let statements = [
        format!(
            "CREATE VIRTUAL TABLE orders_search USING fts5({columns}, content='orders', content_rowid='id', \
             tokenize='trigram', detail=none, columnsize=0)"
        ),
        "INSERT INTO orders_search (orders_search) VALUES ('rebuild')".to_owned(),
        format!("CREATE TRIGGER orders_search_new AFTER INSERT ON orders BEGIN {add} END"),
        format!(
            "CREATE TRIGGER orders_search_changed AFTER UPDATE OF id, {columns} ON orders \
             WHEN new.id IS NOT old.id OR {differs} BEGIN {remove} {add} END"
        ),
        format!("CREATE TRIGGER orders_search_gone AFTER DELETE ON orders BEGIN {remove} END"),
    ];
    for statement in statements {
        connection.execute_unprepared(&statement).await?;
    }
    Ok(())
}

/// The columns that SQLite's `orders` has. Earlier migrations create the index before the last column exists.
async fn existing_columns(connection: &impl ConnectionTrait) -> Result<Vec<&'static str>, DbErr> {
    let sql = "SELECT name FROM pragma_table_info('orders')";
    let rows = connection.query_all_raw(Statement::from_string(DbBackend::Sqlite, sql)).await?;
    let names = rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<Vec<String>, DbErr>>()?;
    Ok(COLUMNS.into_iter().filter(|column| names.iter().any(|name| name == column)).collect())
}

/// Removes the index.
///
/// # Errors
/// When the database fails.
pub async fn drop(connection: &impl ConnectionTrait) -> Result<(), DbErr> {
    let statements: &[&str] = match connection.get_database_backend() {
        DbBackend::Postgres => &["DROP INDEX orders_search"],
        _ => &[
            "DROP TRIGGER orders_search_new",
            "DROP TRIGGER orders_search_changed",
            "DROP TRIGGER orders_search_gone",
            "DROP TABLE orders_search",
        ],
    };
    for statement in statements {
        connection.execute_unprepared(statement).await?;
    }
    Ok(())
}
