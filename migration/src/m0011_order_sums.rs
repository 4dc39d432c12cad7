//! `order_sums`: orders, units and spend of each day, by store, status, profile and product, so that no
//! statistic reads all orders. `derived_tables` records the settings, such as the time zone, with which such a
//! table was calculated.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

/// Creates both tables.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        // SQLite would turn a sum that is too large into a float; PostgreSQL refuses it.
        let (text, whole, tail) = match manager.get_database_backend() {
            DbBackend::Postgres => (r#"text COLLATE "C" NOT NULL"#, "", ""),
            _ => ("text NOT NULL", ", CHECK (typeof(hundredths) = 'integer')", " WITHOUT ROWID"),
        };
        let sums = format!(
            "CREATE TABLE order_sums (kind {text}, day {text}, name {text}, currency {text}, \
             orders bigint NOT NULL, void bigint NOT NULL, units bigint NOT NULL, priced bigint NOT NULL, \
             hundredths bigint NOT NULL, PRIMARY KEY (kind, day, name, currency){whole}){tail}"
        );
        connection.execute_unprepared(&sums).await?;
        // Finds rows without orders, which exist only within a transaction.
        let empty = "CREATE INDEX order_sums_empty ON order_sums (orders) WHERE orders = 0";
        connection.execute_unprepared(empty).await?;
        let derived = "CREATE TABLE derived_tables (name text PRIMARY KEY, made_for text NOT NULL)";
        connection.execute_unprepared(derived).await.map(drop)
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["order_sums", "derived_tables"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}
