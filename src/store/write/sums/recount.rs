//! Recalculates the sums from all orders: for an old database, and when the time zone changes.

use std::collections::HashMap;
use std::time::Instant;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait,
    QueryFilter, QueryOrder, QuerySelect, QueryTrait,
};

use super::{Contribution, SumChanges};
use crate::order::{Amount, Fields, OrderItem, Status, currency_from_code};
use crate::store::StoreError;
use crate::store::entity::{derived_tables, order_items, order_sums, orders};

/// Orders read at a time.
const PAGE_SIZE: u64 = 20_000;
/// The name of the sums in `derived_tables`. Its `made_for` holds [`VERSION`] and the time zone of the sums.
const NAME: &str = "order_sums";
/// Version of the rows in `order_sums`. Sums of another version, such as the one without owners, are
/// recalculated.
const VERSION: &str = "2";

/// The columns of an order that count.
type Row = (
    i64,
    Option<DateTime<Utc>>,
    DateTime<Utc>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<Decimal>,
    Option<i32>,
    Option<String>,
);

/// Recalculates the sums if they were made for another time zone or version, or never. Returns the time zone of the sums. If no
/// zone is wanted, existing sums stay, and the first ones are for UTC.
pub(crate) async fn ensure(transaction: &DatabaseTransaction, wanted: Option<Tz>) -> Result<Tz, StoreError> {
    let made = derived_tables::Entity::find_by_id(NAME).one(transaction).await?;
    let made_for = made.map(|made| made.made_for).unwrap_or_default();
    // The first version stored only the time zone here.
    let (version, made) = made_for.split_once(' ').unwrap_or(("", &made_for));
    let made = made.parse().ok();
    let zone = wanted.or(made).unwrap_or(Tz::UTC);
    if made == Some(zone) && version == VERSION {
        return Ok(zone);
    }
    let begun = Instant::now();
    let orders = recount(transaction, zone).await?;
    if orders > 0 {
        let seconds = begun.elapsed().as_secs_f32();
        tracing::info!("counted {orders} orders for days in {} in {seconds:.1} s", zone.name());
    }
    let made_for = format!("{VERSION} {}", zone.name());
    let row = derived_tables::ActiveModel { name: Set(NAME.to_owned()), made_for: Set(made_for) };
    let replace = OnConflict::column(derived_tables::Column::Name)
        .update_column(derived_tables::Column::MadeFor)
        .to_owned();
    derived_tables::Entity::insert(row).on_conflict(replace).exec_without_returning(transaction).await?;
    Ok(zone)
}

/// Returns the number of orders.
async fn recount(transaction: &DatabaseTransaction, zone: Tz) -> Result<u64, StoreError> {
    if transaction.get_database_backend() == DbBackend::Postgres {
        // Other processes must not change orders while they are counted.
        transaction.execute_unprepared("LOCK TABLE orders IN SHARE MODE").await?;
    }
    order_sums::Entity::delete_many().exec(transaction).await?;
    let (mut counted, mut after) = (0, 0);
    loop {
        let rows = chunk(transaction, after).await?;
        let Some(last) = rows.last().map(|row| row.0) else { return Ok(counted) };
        let before = std::mem::replace(&mut after, last);
        counted += rows.len() as u64;
        let mut items = items(transaction, before, last).await?;
        let mut changes = SumChanges::default();
        for row in rows {
            let items = items.remove(&row.0).unwrap_or_default();
            changes.replace(None, Some(&contribution(row, &items, zone)))?;
        }
        changes.save(transaction).await?;
    }
}

async fn chunk(transaction: &DatabaseTransaction, after: i64) -> Result<Vec<Row>, StoreError> {
    use orders::Column;
    let rows = orders::Entity::find()
        .select_only()
        .columns([
            Column::Id,
            Column::OrderDate,
            Column::CreatedAt,
            Column::Status,
            Column::Store,
            Column::Profile,
            Column::Product,
            Column::Currency,
            Column::Total,
            Column::Quantity,
            Column::OwnerId,
        ])
        .filter(Column::Id.gt(after))
        .order_by_asc(Column::Id)
        .limit(PAGE_SIZE)
        .into_tuple()
        .all(transaction)
        .await?;
    Ok(rows)
}

/// The items of orders that have several, by order. Other orders count by their own columns.
async fn items(
    transaction: &DatabaseTransaction,
    after: i64,
    last: i64,
) -> Result<HashMap<i64, Vec<OrderItem>>, StoreError> {
    use order_items::Column;
    let in_chunk = Condition::all().add(Column::OrderId.gt(after)).add(Column::OrderId.lte(last));
    let several = order_items::Entity::find()
        .select_only()
        .column(Column::OrderId)
        .filter(in_chunk.clone())
        .filter(Column::Position.eq(2));
    let rows = order_items::Entity::find()
        .select_only()
        .columns([Column::OrderId, Column::Product, Column::Quantity, Column::LineTotal])
        .filter(in_chunk)
        .filter(Column::OrderId.in_subquery(several.into_query()))
        .order_by_asc(Column::OrderId)
        .order_by_asc(Column::Position)
        .into_tuple::<(i64, Option<String>, Option<i32>, Option<Decimal>)>()
        .all(transaction)
        .await?;
    let mut items = HashMap::<i64, Vec<OrderItem>>::new();
    for (order, product, quantity, line_total) in rows {
        items.entry(order).or_default().push(OrderItem {
            product,
            quantity: quantity.and_then(|quantity| u32::try_from(quantity).ok()),
            line_total: line_total.and_then(Amount::from_decimal),
            ..OrderItem::default()
        });
    }
    Ok(items)
}

/// Values that no field can hold count as empty, as everywhere.
fn contribution(row: Row, items: &[OrderItem], zone: Tz) -> Contribution {
    let (_, order_date, created_at, status, store, profile, product, currency, total, quantity, owner_id) =
        row;
    let fields = Fields {
        order_date,
        status: status.as_deref().and_then(Status::from_name),
        store,
        profile,
        product,
        currency: currency.as_deref().and_then(currency_from_code),
        total: total.and_then(Amount::from_decimal),
        quantity: quantity.and_then(|quantity| u32::try_from(quantity).ok()),
        owner_id,
        ..Fields::default()
    };
    Contribution::of(&fields, items, created_at, zone)
}
