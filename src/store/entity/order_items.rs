//! `order_items`. The columns for an item's fields come from the list of fields.

use sea_orm::Value;
use sea_orm::entity::prelude::*;

use super::orders::{Sql, Stored};
use crate::order::{Amount, OrderItem, with_item_fields};

macro_rules! define_model {
    ($($(#[$doc:meta])+ $name:ident: $type:ty,)+) => {
        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
        #[sea_orm(table_name = "order_items")]
        pub(crate) struct Model {
            #[sea_orm(primary_key, auto_increment = false)]
            pub order_id: i64,
            #[sea_orm(primary_key, auto_increment = false)]
            pub position: i32,
            $(pub $name: Option<Sql<$type>>,)+
        }

        /// All columns, in the order of [`values`].
        pub(crate) const COLUMNS: &[&str] = &["order_id", "position", $(stringify!($name)),+];

        /// The values of a row, in the order of [`COLUMNS`]. `at` counts from 0, unlike the position.
        pub(crate) fn values(order_id: i64, at: usize, item: &OrderItem) -> Vec<Value> {
            let position = i32::try_from(at).unwrap_or(i32::MAX).saturating_add(1);
            let mut item = item.clone();
            item.qty_received = item.qty_received.or(Some(0));
            vec![order_id.into(), position.into(), $(item.$name.and_then(Stored::into_sql).into()),+]
        }

        /// The item of a row. A value that no field can hold reads as empty.
        pub(crate) fn item(row: Model) -> OrderItem {
            let mut item = OrderItem { $($name: row.$name.and_then(|value| Stored::from_sql(value).ok())),+ };
            item.qty_received = item.qty_received.filter(|count| *count > 0);
            item
        }
    };
}
with_item_fields!(define_model);

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
