//! Tables for imported files: `imports` has one row for each file, `order_events.import_id` names the import
//! that caused a step of history, and `import_mappings` has the saved mappings from columns to fields.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, big_pk_auto, blob_null, text, text_uniq, timestamp_with_time_zone,
    timestamp_with_time_zone_null,
};
use sea_orm_migration::sea_orm::ConnectionTrait;

/// How many rows of the file have each outcome.
const COUNTS: [&str; 6] = ["created", "updated", "unchanged", "not_found", "ambiguous", "bad"];

/// Creates the tables, the column and their indexes.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut imports = Table::create()
            .table("imports")
            .col(big_pk_auto("id"))
            .col(text("kind"))
            .col(text("file_name"))
            .col(text("hash"))
            .col(text("mapping"))
            .col(text("actor"))
            .col(text("state"))
            .col(big_integer("row_count"))
            .col(big_integer("done"))
            .col(big_integer_null("undoes"))
            .col(blob_null("content"))
            .col(timestamp_with_time_zone("created_at"))
            .col(timestamp_with_time_zone_null("finished_at"))
            .to_owned();
        for name in COUNTS {
            imports.col(big_integer(name));
        }
        manager.create_table(imports).await?;
        let by_hash = Index::create().name("imports_hash").table("imports").col("hash").to_owned();
        manager.create_index(by_hash).await?;
        let mappings = Table::create()
            .table("import_mappings")
            .col(big_pk_auto("id"))
            .col(text_uniq("name"))
            .col(text("kind"))
            .col(text("mapping"))
            .col(text("created_by"))
            .col(timestamp_with_time_zone("created_at"))
            .to_owned();
        manager.create_table(mappings).await?;
        manager
            .alter_table(
                Table::alter().table("order_events").add_column(big_integer_null("import_id")).to_owned(),
            )
            .await?;
        let by_import = "CREATE INDEX order_events_import_id ON order_events (import_id, id) \
                         WHERE import_id IS NOT NULL";
        manager.get_connection().execute_unprepared(by_import).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .drop_index(Index::drop().name("order_events_import_id").table("order_events").to_owned())
            .await?;
        manager.alter_table(Table::alter().table("order_events").drop_column("import_id").to_owned()).await?;
        manager.drop_table(Table::drop().table("import_mappings").to_owned()).await?;
        manager.drop_table(Table::drop().table("imports").to_owned()).await
    }
}
