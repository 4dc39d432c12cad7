//! `access_log`: sign-ins, refused requests, and how tokens are used.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "access_log")]
pub(crate) struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub event: String,
    pub token: Option<String>,
    pub peer: Option<String>,
    pub detail: Option<String>,
    pub actor: Option<String>,
    pub count: i64,
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
