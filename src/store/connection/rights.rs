//! The rights of the PostgreSQL user. ROMS checks them at the start: a missing right would otherwise show only at the
//! first order.

use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use super::Connection;
use super::server::Server;
use crate::store::StoreError;

/// All tables that ROMS writes, and `seaql_migrations`, which lists the applied migrations and which ROMS reads.
const TABLES: &[&str] = &[
    "access_log",
    "channel_cursors",
    "derived_tables",
    "discord_views",
    "gateway_identifies",
    "idempotency_keys",
    "import_mappings",
    "imports",
    "leader",
    "order_events",
    "order_items",
    "order_sums",
    "orders",
    "outbox",
    "saved_views",
    "seaql_migrations",
    "sessions",
    "tokens",
    "webhook_endpoints",
    "webhook_logs",
];

/// One `GRANT` for each table and sequence on which the user lacks a right. The tables are those in the schema of
/// `orders`.
const MISSING: &str = "\
    SELECT 'GRANT ' || string_agg(privilege, ', ') || ' ON ' || name || ' TO ' || quote_ident(current_user) FROM (
        SELECT c.oid::regclass::text AS name, privilege FROM pg_class c,
            unnest(CASE WHEN c.relkind = 'S' THEN ARRAY['USAGE']
                   WHEN c.relname = 'seaql_migrations' THEN ARRAY['SELECT']
                   ELSE ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE'] END) AS privilege
        WHERE c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'orders'::regclass)
            AND (c.relkind = 'r' AND c.relname = ANY ($1) AND NOT has_table_privilege(c.oid, privilege)
                OR c.relkind = 'S' AND EXISTS (SELECT FROM pg_depend d JOIN pg_class t ON t.oid = d.refobjid
                    WHERE d.objid = c.oid AND t.relname = ANY ($1)) AND NOT has_sequence_privilege(c.oid, privilege))
    ) AS missing GROUP BY name ORDER BY name";

/// Fails if the user lacks a right on a table or sequence, and says how to grant it.
pub(crate) async fn check(server: &Server, writer: &Connection) -> Result<(), StoreError> {
    let tables: Vec<String> = TABLES.iter().map(|table| (*table).to_owned()).collect();
    let missing = Statement::from_sql_and_values(DbBackend::Postgres, MISSING, [tables.into()]);
    let grants = writer.query_all_raw(missing).await?;
    let grants: Vec<String> = grants.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?;
    if grants.is_empty() {
        return Ok(());
    }
    Err(server.refused_because(format!(
        "the user of database.url lacks rights; as the owner of the tables, run: {}",
        grants.join("; ")
    )))
}

/// The advice for a user that may not connect to the database.
pub(crate) fn connect(options: &PgConnectOptions) -> String {
    let user = options.get_username();
    // Without a name of a database, PostgreSQL uses that of the user.
    let (user, database) = (quoted(user), quoted(options.get_database().unwrap_or(user)));
    format!(
        "the user of database.url may not connect to it; as the owner of the database, run: \
         GRANT CONNECT ON DATABASE {database} TO {user}"
    )
}

/// A name as SQL writes it if it may have capitals, spaces or quotation marks.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The role that owns `orders`, if the user is neither that role nor a member of it.
pub(crate) async fn foreign_owner(connection: &impl ConnectionTrait) -> Result<Option<String>, StoreError> {
    let owner = "SELECT quote_ident(pg_get_userbyid(relowner)) FROM pg_class \
                 WHERE oid = 'orders'::regclass AND NOT pg_has_role(relowner, 'USAGE')";
    let row = connection.query_one_raw(Statement::from_string(DbBackend::Postgres, owner)).await?;
    Ok(row.map(|row| row.try_get_by_index(0)).transpose()?)
}

/// Fails if the user may not `VACUUM` the tables: PostgreSQL would only warn.
pub(crate) async fn check_vacuum(server: &Server, writer: &Connection) -> Result<(), StoreError> {
    let owns_database =
        "SELECT pg_has_role(datdba, 'USAGE') FROM pg_database WHERE datname = current_database()";
    let row = writer.query_one_raw(Statement::from_string(DbBackend::Postgres, owns_database)).await?;
    let owns_database: bool = row.map_or(Ok(false), |row| row.try_get_by_index(0))?;
    match foreign_owner(writer).await? {
        Some(owner) if !owns_database => Err(server.refused_because(format!(
            "the user of database.url may not VACUUM the tables, and without it the server keeps old row versions; run \
             roms purge as {owner}, or run: GRANT {owner} TO the user of database.url"
        ))),
        _ => Ok(()),
    }
}
