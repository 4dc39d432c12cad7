//! `orders`. The columns for an order's fields come from the list of fields.

use chrono::{DateTime, Utc};
use iso_currency::Currency;
use sea_orm::entity::prelude::*;

use super::rows::Sql;
use crate::order::{Amount, Status, with_order_fields};

macro_rules! define_model {
    ($($(#[$doc:meta])+ $name:ident: $type:ty,)+) => {
        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
        #[sea_orm(table_name = "orders")]
        pub(crate) struct Model {
            #[sea_orm(primary_key)]
            pub id: i64,
            #[sea_orm(unique)]
            pub order_number: String,
            $(pub $name: Option<Sql<$type>>,)+
            pub source: String,
            pub created_at: DateTimeUtc,
            pub updated_at: DateTimeUtc,
            pub extra: String,
            pub derived: String,
            pub cleared: String,
            pub newest_message_at: DateTimeUtc,
        }
    };
}
with_order_fields!(define_model);

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
