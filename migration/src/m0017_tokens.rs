//! `tokens`: the API tokens, as hashes. `access_log`: what happened to them, and refused requests.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_pk_auto, text, text_null, text_uniq, timestamp_with_time_zone,
    timestamp_with_time_zone_null,
};
use sea_orm_migration::sea_orm::ConnectionTrait;

/// Creates both tables.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tokens = Table::create()
            .table("tokens")
            .col(big_pk_auto("id"))
            .col(text("name"))
            .col(text("scopes"))
            .col(text_uniq("sha256"))
            .col(text("last_four"))
            .col(text("created_by"))
            .col(timestamp_with_time_zone("created_at"))
            .col(timestamp_with_time_zone_null("expires_at"))
            .col(timestamp_with_time_zone_null("last_used_at"))
            .col(text_null("last_used_from"))
            .col(timestamp_with_time_zone_null("revoked_at"))
            .to_owned();
        manager.create_table(tokens).await?;
        // A revoked token gives its name back.
        let name = "CREATE UNIQUE INDEX tokens_name ON tokens (name) WHERE revoked_at IS NULL";
        manager.get_connection().execute_unprepared(name).await?;
        let log = Table::create()
            .table("access_log")
            .col(big_pk_auto("id"))
            .col(text("event"))
            .col(text_null("token"))
            .col(text_null("peer"))
            .col(text_null("detail"))
            .col(text_null("actor"))
            .col(big_integer("count"))
            .col(timestamp_with_time_zone("created_at"))
            .to_owned();
        manager.create_table(log).await?;
        let by_time =
            Index::create().name("access_log_created_at").table("access_log").col("created_at").to_owned();
        manager.create_index(by_time).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["access_log", "tokens"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}
