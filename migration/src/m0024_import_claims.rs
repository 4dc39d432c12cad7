//! Adds columns to `imports` for the process that stores the rows of an import: `owner` names the process, and
//! `claimed_at` is when it last renewed its claim.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{text_null, timestamp_with_time_zone_null};

/// Adds `owner` and `claimed_at`.
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
