//! Columns of `imports` for the process that stores its rows: `owner` names the process, and `claimed_at` is the last
//! time it said that it is still at work.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{text_null, timestamp_with_time_zone_null};

/// Adds the columns.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite adds one column at a time.
        for column in [text_null("owner"), timestamp_with_time_zone_null("claimed_at")] {
            manager.alter_table(Table::alter().table("imports").add_column(column).to_owned()).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in ["owner", "claimed_at"] {
            manager.alter_table(Table::alter().table("imports").drop_column(column).to_owned()).await?;
        }
        Ok(())
    }
}
