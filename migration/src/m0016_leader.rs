//! `leader`: the lease of the process that watches Discord, among several on one PostgreSQL database.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, integer, text, timestamp_with_time_zone};

/// Creates the table. It has at most one row. The epoch increases with each new leader.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table("leader")
            .col(integer("id").primary_key())
            .col(text("holder"))
            .col(big_integer("epoch"))
            .col(timestamp_with_time_zone("expires_at"))
            .to_owned();
        manager.create_table(table).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("leader").to_owned()).await
    }
}
