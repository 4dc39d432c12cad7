//! `discord_views`: the filters of lists in Discord, so that the buttons of a list work after a restart.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_pk_auto, text_uniq, timestamp_with_time_zone};

/// Creates the table.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table("discord_views")
            .col(big_pk_auto("id"))
            .col(text_uniq("text"))
            .col(timestamp_with_time_zone("used_at"))
            .to_owned();
        manager.create_table(table).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("discord_views").to_owned()).await
    }
}
