//! `orders`: the 28 columns that the users' own SQL names, and what cards carry beyond them.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_pk_auto, decimal_len_null, integer_null, text, text_null, text_uniq, timestamp_with_time_zone,
    timestamp_with_time_zone_null,
};

/// Creates the table and the indexes of its lists.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(table()).await?;
        for column in ["status", "created_at"] {
            let index = Index::create()
                .name(format!("orders_{column}_id"))
                .table("orders")
                .col(column)
                .col("id")
                .to_owned();
            manager.create_index(index).await?;
        }
        // Stores are compared in lower case. The builder cannot create an index on an expression.
        let by_store = "CREATE INDEX orders_store_id ON orders (lower(store), id)";
        manager.get_connection().execute_unprepared(by_store).await?;
        let by_date = Index::create().name("orders_order_date").table("orders").col("order_date").to_owned();
        manager.create_index(by_date).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("orders").to_owned()).await
    }
}

fn table() -> TableCreateStatement {
    Table::create()
        .table("orders")
        .col(big_pk_auto("id"))
        .col(text_uniq("order_number"))
        .col(text_null("product"))
        .col(decimal_len_null("price", 14, 2))
        .col(decimal_len_null("total", 14, 2))
        .col(decimal_len_null("commission", 14, 2))
        .col(integer_null("quantity").default(1))
        .col(text_null("email"))
        .col(text_null("customer_name"))
        .col(text_null("profile"))
        .col(text_null("proxy_list"))
        .col(text_null("reference_number"))
        .col(text_null("status"))
        .col(text_null("tracking_number"))
        .col(integer_null("qty_received").default(0))
        .col(text_null("payment_method"))
        .col(text_null("shipping_address"))
        .col(text_null("shipping_method"))
        .col(text_null("notes"))
        .col(timestamp_with_time_zone_null("order_date"))
        .col(text_null("order_time"))
        .col(timestamp_with_time_zone_null("posted_date"))
        .col(timestamp_with_time_zone_null("shipped_date"))
        .col(timestamp_with_time_zone_null("delivered_date"))
        .col(text("source"))
        .col(text_null("worksheet_name"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .col(text_null("store"))
        .col(text_null("currency"))
        .col(text_null("product_url"))
        .col(text_null("order_url"))
        .col(text_null("image_url"))
        .col(text_null("fraud_status"))
        .col(text_null("bot"))
        .col(text("extra"))
        .col(text("derived"))
        .col(timestamp_with_time_zone("newest_message_at"))
        .to_owned()
}
