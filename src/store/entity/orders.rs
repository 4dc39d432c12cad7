//! `orders`. The columns for an order's fields come from the list of fields.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use iso_currency::Currency;
use sea_orm::entity::prelude::*;

use crate::order::{Amount, Status, currency_from_code, with_order_fields};

/// The value of an order's field as its column holds it.
pub(crate) trait Stored: Sized {
    /// The type of the column.
    type Sql: FromStr + ToString;

    fn into_sql(self) -> Option<Self::Sql>;

    /// Reads the column. The error is the column's value, if the field cannot hold it.
    fn from_sql(sql: Self::Sql) -> Result<Self, Self::Sql>;
}

/// The type of the column for a field of type `T`.
pub(crate) type Sql<T> = <T as Stored>::Sql;

macro_rules! stored {
    ($($type:ty as $sql:ty: |$value:ident| $into:expr, |$column:ident| $from:expr;)+) => {
        $(impl Stored for $type {
            type Sql = $sql;

            fn into_sql(self) -> Option<$sql> {
                let $value = self;
                $into
            }

            fn from_sql($column: $sql) -> Result<Self, $sql> {
                $from
            }
        })+
    };
}

stored! {
    String as String: |text| Some(text), |text| Ok(text);
    DateTime<Utc> as DateTime<Utc>: |time| Some(time), |time| Ok(time);
    Amount as Decimal: |amount| Some(amount.to_decimal()), |amount| Amount::from_decimal(amount).ok_or(amount);
    u32 as i32: |count| i32::try_from(count).ok(), |count| u32::try_from(count).map_err(|_| count);
    Status as String: |status| Some(status.as_str().to_owned()), |name| Status::from_name(&name).ok_or(name);
    Currency as String: |currency| Some(currency.code().to_owned()), |code| currency_from_code(&code).ok_or(code);
}

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
            pub items_text: Option<String>,
            pub newest_message_at: DateTimeUtc,
        }
    };
}
with_order_fields!(define_model);

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
