//! `order_events`: each step of an order's history.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, big_pk_auto, text, timestamp_with_time_zone};

/// Creates the table and its index.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table("order_events")
            .col(big_pk_auto("id"))
            .col(big_integer("order_id"))
            .col(text("event_type"))
            .col(text("changes"))
            .col(text("source"))
            .col(big_integer_null("log_id"))
            .col(timestamp_with_time_zone("created_at"))
            .foreign_key(
                ForeignKey::create()
                    .name("order_events_order_id")
                    .from("order_events", "order_id")
                    .to("orders", "id")
                    .on_delete(ForeignKeyAction::Cascade),
            )
            .to_owned();
        manager.create_table(table).await?;
        let by_order = Index::create()
            .name("order_events_order_id_id")
            .table("order_events")
            .col("order_id")
            .col("id")
            .to_owned();
        manager.create_index(by_order).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("order_events").to_owned()).await
    }
}
