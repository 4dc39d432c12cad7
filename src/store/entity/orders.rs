//! `orders`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "orders")]
pub(crate) struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    #[sea_orm(unique)]
    pub order_number: String,
    pub product: Option<String>,
    pub price: Option<Decimal>,
    pub total: Option<Decimal>,
    pub commission: Option<Decimal>,
    pub quantity: Option<i32>,
    pub email: Option<String>,
    pub customer_name: Option<String>,
    pub profile: Option<String>,
    pub proxy_list: Option<String>,
    pub reference_number: Option<String>,
    pub status: Option<String>,
    pub tracking_number: Option<String>,
    pub qty_received: Option<i32>,
    pub payment_method: Option<String>,
    pub shipping_address: Option<String>,
    pub shipping_method: Option<String>,
    pub notes: Option<String>,
    pub order_date: Option<DateTimeUtc>,
    pub order_time: Option<String>,
    pub posted_date: Option<DateTimeUtc>,
    pub shipped_date: Option<DateTimeUtc>,
    pub delivered_date: Option<DateTimeUtc>,
    pub source: String,
    pub worksheet_name: Option<String>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub store: Option<String>,
    pub currency: Option<String>,
    pub product_url: Option<String>,
    pub order_url: Option<String>,
    pub image_url: Option<String>,
    pub fraud_status: Option<String>,
    pub bot: Option<String>,
    pub extra: String,
    pub derived: String,
    pub cleared: String,
    pub newest_message_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
