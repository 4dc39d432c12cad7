//! `webhook_endpoints`: the receivers of outgoing events. `outbox`: events and relayed cards that are to be sent, and
//! what became of them.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, big_pk_auto, boolean, text, text_null, text_uniq,
    timestamp_with_time_zone, timestamp_with_time_zone_null,
};
use sea_orm_migration::sea_orm::ConnectionTrait;

/// Creates both tables.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// The first three serve the sender, the fourth `/status`, the last a replay. They are partial, so that delivered rows
/// do not slow down the sender.
const INDEXES: [&str; 5] = [
    "CREATE INDEX outbox_open ON outbox (target, target_id, id) WHERE state IN ('pending', 'sending')",
    "CREATE INDEX outbox_due ON outbox (due_at) WHERE state = 'pending'",
    "CREATE INDEX outbox_delivered ON outbox (attempted_at) WHERE state = 'delivered'",
    "CREATE INDEX outbox_dead ON outbox (id) WHERE state = 'dead'",
    "CREATE INDEX outbox_subject ON outbox (target, target_id, subject_id)",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let endpoints = Table::create()
            .table("webhook_endpoints")
            .col(big_pk_auto("id"))
            .col(text_uniq("name"))
            .col(text("url"))
            .col(text("secret"))
            .col(text_null("old_secret"))
            .col(timestamp_with_time_zone_null("old_secret_until"))
            .col(text("event_types"))
            .col(boolean("personal_data"))
            .col(boolean("allow_private"))
            .col(text("created_by"))
            .col(timestamp_with_time_zone("created_at"))
            .col(timestamp_with_time_zone_null("disabled_at"))
            .col(text_null("disabled_reason"))
            .col(timestamp_with_time_zone_null("failing_since"))
            .to_owned();
        manager.create_table(endpoints).await?;
        let outbox = Table::create()
            .table("outbox")
            .col(big_pk_auto("id"))
            .col(text("target"))
            .col(big_integer("target_id"))
            .col(big_integer("subject_id"))
            .col(text("event"))
            .col(text("key"))
            .col(text("state"))
            .col(big_integer("attempts"))
            .col(big_integer("doubts"))
            .col(timestamp_with_time_zone("due_at"))
            .col(timestamp_with_time_zone("created_at"))
            .col(timestamp_with_time_zone_null("attempted_at"))
            .col(big_integer_null("status"))
            .col(text_null("answer"))
            .col(text_null("error"))
            .col(big_integer_null("message_id"))
            .to_owned();
        manager.create_table(outbox).await?;
        for index in INDEXES {
            manager.get_connection().execute_unprepared(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["outbox", "webhook_endpoints"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}
