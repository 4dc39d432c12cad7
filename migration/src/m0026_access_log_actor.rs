//! An index of `access_log` that finds the last sign-in of a person. The history of orders takes the name from there.

use sea_orm_migration::prelude::*;

/// Creates the index.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let by_actor =
            Index::create().name("access_log_actor").table("access_log").col("actor").col("event").to_owned();
        manager.create_index(by_actor).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_index(Index::drop().name("access_log_actor").table("access_log").to_owned()).await
    }
}
