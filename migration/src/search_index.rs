//! The index for substring search in orders. No migration makes it, because the configuration
//! says whether there is one.
//!
//! SQLite: an FTS5 table with the trigrams of five columns, under the row id of the order. It
//! holds no text. Triggers do not write into it but into `search_pending`, which costs an order
//! next to nothing; those ids are taken into the index later, many in one go, and until then the
//! search looks at their orders themselves. So `orders` can be written by hand too, with any
//! `sqlite3`. PostgreSQL: a GIN index on the trigrams of [`POSTGRES_TEXT`], which keeps such a list
//! of its own.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{DbBackend, Statement};

/// The columns that are searched.
pub const COLUMNS: [&str; 5] = ["order_number", "product", "email", "profile", "tracking_number"];

/// What PostgreSQL indexes: the columns in one text, in lower case, with a character between them
/// that no search holds.
pub const POSTGRES_TEXT: &str = "lower(order_number || chr(31) || coalesce(product, '') || chr(31) || coalesce(email, '') || chr(31) || coalesce(profile, '') || chr(31) || coalesce(tracking_number, ''))";

/// The character that [`POSTGRES_TEXT`] has between the columns.
pub const POSTGRES_BETWEEN: char = '\u{1f}';

const POSTGRES_INDEX: &str = "orders_search";

/// Whether the index is there.
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

/// Makes the index where it is missing. On SQLite all orders then wait to be taken into it; on
/// PostgreSQL it is whole at once.
///
/// # Errors
/// When the database fails. PostgreSQL may refuse the extension `pg_trgm`.
pub async fn create(connection: &impl ConnectionTrait) -> Result<(), DbErr> {
    if connection.get_database_backend() == DbBackend::Postgres {
        connection.execute_unprepared("CREATE EXTENSION IF NOT EXISTS pg_trgm").await?;
        // Hosts have their extensions in a schema of its own, which nobody's search path may name.
        let schema = "SELECT quote_ident(nspname) FROM pg_extension JOIN pg_namespace n ON n.oid = extnamespace \
                      WHERE extname = 'pg_trgm'";
        let schema = connection.query_one_raw(Statement::from_string(DbBackend::Postgres, schema)).await?;
        let schema: String = schema.map_or(Ok(String::new()), |row| row.try_get_by_index(0))?;
        let index = format!(
            "CREATE INDEX {POSTGRES_INDEX} ON orders USING gin (({POSTGRES_TEXT}) {schema}.gin_trgm_ops)"
        );
        return connection.execute_unprepared(&index).await.map(|_| ());
    }
    let columns = COLUMNS.join(", ");
    let differs = COLUMNS.map(|column| format!("new.{column} IS NOT old.{column}")).join(" OR ");
    let statements = [
        format!(
            "CREATE VIRTUAL TABLE orders_search USING fts5({columns}, content='', contentless_delete=1, tokenize='trigram')"
        ),
        "CREATE TABLE search_pending (order_id integer PRIMARY KEY)".to_owned(),
        trigger("new", "AFTER INSERT ON orders", "new.id"),
        trigger("changed", &format!("AFTER UPDATE OF {columns} ON orders WHEN {differs}"), "new.id"),
        trigger("gone", "AFTER DELETE ON orders", "old.id"),
        "INSERT INTO search_pending SELECT id FROM orders".to_owned(),
    ];
    for statement in statements {
        connection.execute_unprepared(&statement).await?;
    }
    Ok(())
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
            "DROP TABLE search_pending",
            "DROP TABLE orders_search",
        ],
    };
    for statement in statements {
        connection.execute_unprepared(statement).await?;
    }
    Ok(())
}

fn trigger(name: &str, when: &str, id: &str) -> String {
    // No OR IGNORE: the upsert that fires the trigger would overrule it.
    format!(
        "CREATE TRIGGER orders_search_{name} {when} BEGIN INSERT INTO search_pending SELECT {id} \
         WHERE NOT EXISTS (SELECT 1 FROM search_pending WHERE order_id = {id}); END"
    )
}
