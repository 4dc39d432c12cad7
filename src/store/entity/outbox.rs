//! `outbox`: events and cards that ROMS sends to others.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "outbox")]
pub(crate) struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub target: String,
    pub target_id: i64,
    pub subject_id: i64,
    pub event: String,
    pub key: String,
    pub state: String,
    pub attempts: i64,
    pub doubts: i64,
    pub due_at: DateTimeUtc,
    pub created_at: DateTimeUtc,
    pub attempted_at: Option<DateTimeUtc>,
    pub status: Option<i64>,
    pub answer: Option<String>,
    pub error: Option<String>,
    pub message_id: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
