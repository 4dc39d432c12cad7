//! `imports`: the files that people imported.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "imports")]
pub(crate) struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub kind: String,
    pub file_name: String,
    pub hash: String,
    pub mapping: String,
    pub actor: String,
    pub state: String,
    pub row_count: i64,
    pub done: i64,
    pub undoes: Option<i64>,
    pub content: Option<Vec<u8>>,
    pub created_at: DateTimeUtc,
    pub finished_at: Option<DateTimeUtc>,
    pub owner: Option<String>,
    pub claimed_at: Option<DateTimeUtc>,
    pub created: i64,
    pub updated: i64,
    pub unchanged: i64,
    pub not_found: i64,
    pub ambiguous: i64,
    pub bad: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
