//! `sessions`: browsers that are signed in to the web page, with a hash of the secret in their cookie.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer_null, big_pk_auto, text, text_null, text_uniq, timestamp_with_time_zone,
    timestamp_with_time_zone_null,
};

/// Creates the table.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let sessions = Table::create()
            .table("sessions")
            .col(big_pk_auto("id"))
            .col(text_uniq("sha256"))
            .col(big_integer_null("user_id"))
            .col(big_integer_null("token_id"))
            .col(text("name"))
            .col(text_null("level"))
            .col(timestamp_with_time_zone_null("level_read_at"))
            .col(text_null("peer"))
            .col(timestamp_with_time_zone("created_at"))
            .col(timestamp_with_time_zone("last_used_at"))
            .col(timestamp_with_time_zone("expires_at"))
            .to_owned();
        manager.create_table(sessions).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("sessions").to_owned()).await
    }
}
