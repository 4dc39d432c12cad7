//! `webhook_logs`: the messages that arrived, with their outcome.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_logs")]
pub(crate) struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub source: String,
    #[sea_orm(unique)]
    pub source_key: Option<String>,
    pub endpoint: String,
    pub message_id: Option<i64>,
    pub outcome: String,
    pub code: Option<String>,
    pub error_message: Option<String>,
    pub warnings: String,
    pub order_ids: String,
    pub payload: String,
    pub flattened: String,
    pub sent_at: DateTimeUtc,
    pub created_at: DateTimeUtc,
    pub content_hash: Option<String>,
    pub deleted_at: Option<DateTimeUtc>,
    pub emptied_at: Option<DateTimeUtc>,
    pub reacted_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
