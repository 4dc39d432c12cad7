//! `order_events`: the history of orders.

use sea_orm::entity::prelude::*;

use super::webhook_logs;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "order_events")]
pub(crate) struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub order_id: i64,
    pub event_type: String,
    pub changes: String,
    pub source: String,
    pub log_id: Option<i64>,
    pub created_at: DateTimeUtc,
    pub actor: Option<String>,
    pub import_id: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

/// The message that an event came from.
pub(crate) fn message() -> RelationDef {
    Entity::belongs_to(webhook_logs::Entity).from(Column::LogId).to(webhook_logs::Column::Id).into()
}

impl ActiveModelBehavior for ActiveModel {}
