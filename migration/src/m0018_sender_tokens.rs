//! Tokens of senders: `tokens` gets the kind, the relay address and the signing secret. `idempotency_keys` keeps the
//! answers to requests with an `Idempotency-Key`.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{integer_null, text, text_null, timestamp_with_time_zone};

/// Existing tokens become API tokens.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut kind = text("kind");
        kind.default("api");
        // SQLite adds one column at a time.
        for column in [kind, text_null("relay_url"), text_null("signing_secret")] {
            manager.alter_table(Table::alter().table("tokens").add_column(column).to_owned()).await?;
        }
        let keys = Table::create()
            .table("idempotency_keys")
            .col(text("id").primary_key())
            .col(text("body_sha256"))
            .col(integer_null("status"))
            .col(text_null("answer"))
            .col(timestamp_with_time_zone("created_at"))
            .to_owned();
        manager.create_table(keys).await?;
        let by_time = Index::create()
            .name("idempotency_keys_created_at")
            .table("idempotency_keys")
            .col("created_at")
            .to_owned();
        manager.create_index(by_time).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("idempotency_keys").to_owned()).await?;
        for column in ["signing_secret", "relay_url", "kind"] {
            manager.alter_table(Table::alter().table("tokens").drop_column(column).to_owned()).await?;
        }
        Ok(())
    }
}
