//! For the web page: `saved_views`, the lists of orders that the group saved under a name, and an index for each kind
//! of order that needs attention.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_pk_auto, text, text_uniq, timestamp_with_time_zone};
use sea_orm_migration::sea_orm::ConnectionTrait;

use crate::attention;

/// Creates the table and the indexes.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let views = Table::create()
            .table("saved_views")
            .col(big_pk_auto("id"))
            .col(text_uniq("name"))
            .col(text("query"))
            .col(text("created_by"))
            .col(timestamp_with_time_zone("created_at"))
            .to_owned();
        manager.create_table(views).await?;
        for (name, condition) in attention::INDEXES {
            let index = format!("CREATE INDEX {name} ON orders (id) WHERE {condition}");
            manager.get_connection().execute_unprepared(&index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (name, _) in attention::INDEXES {
            manager.drop_index(Index::drop().name(name).table("orders").to_owned()).await?;
        }
        manager.drop_table(Table::drop().table("saved_views").to_owned()).await
    }
}
