//! Finds a person in the rows of each table, and empties those rows.

use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect,
};

use super::{PERSONAL, Person};
use crate::clock;
use crate::order::{FieldChange, Order, OrderItem};
use crate::store::entity::rows;
use crate::store::entity::rows::{changes_from_json, changes_to_json};
use crate::store::entity::{discord_views, order_events, orders, saved_views, webhook_logs};
use crate::store::write::orders::numbers_of;
use crate::store::{Batch, StoreError};

/// A log row without warnings.
const NO_WARNINGS: &str = "[]";

/// A table that may contain a person.
pub(crate) trait Table: EntityTrait<Model: Send + Sync> {
    /// The column of row ids.
    const ID: Self::Column;

    /// The row id.
    fn id(row: &Self::Model) -> i64;

    /// Whether a row contains anything to remove.
    fn contains(row: &Self::Model, person: &Person<'_>) -> bool;

    /// Reads these rows again and removes everything about the person from them.
    async fn empty(batch: &mut Batch, ids: &[i64], person: &Person<'_>) -> Result<(), StoreError>;
}

impl Table for orders::Entity {
    const ID: orders::Column = orders::Column::Id;

    fn id(row: &orders::Model) -> i64 {
        row.id
    }

    fn contains(row: &orders::Model, person: &Person<'_>) -> bool {
        // A row with an invalid number is not an order of anybody.
        rows::order(row.clone()).is_ok_and(|order| order_contains(&order, person))
    }

    /// Uses the batch like every writer, so that the sums follow.
    async fn empty(batch: &mut Batch, ids: &[i64], person: &Person<'_>) -> Result<(), StoreError> {
        let found = numbers_of(&batch.transaction, ids).await?;
        let numbers: Vec<_> = found.into_iter().map(|(_, number)| number).collect();
        let mut orders: Vec<Order> = batch.orders(&numbers).await?.into_values().collect();
        orders.retain(|order| order_contains(order, person));
        orders.sort_unstable_by(|one, other| one.number.cmp(&other.number));
        for order in &mut orders {
            empty_order(order, person);
            order.updated_at = clock::now();
        }
        batch.save_orders(&orders.iter().collect::<Vec<_>>()).await?;
        Ok(())
    }
}

fn order_contains(order: &Order, person: &Person<'_>) -> bool {
    let texts = order.fields.named_texts();
    let is_filled = !order.extra.is_empty() || texts.iter().any(|(name, _)| PERSONAL.contains(name));
    let has_address_anywhere = texts.iter().any(|(_, text)| person.address.is_in(text))
        || order.items.iter().flat_map(OrderItem::named_texts).any(|(_, text)| person.address.is_in(&text))
        || order.unreadable.values().any(|text| person.address.is_in(text))
        || order.extra.iter().any(|(label, text)| person.address.is_in(label) || person.address.is_in(text));
    let is_new = has_address(order, person) && !person.orders.contains(&order.id);
    !is_new && (has_address_anywhere || is_persons(order, person) && is_filled)
}

/// Whether an order belongs to the person, and has not become another person's meanwhile.
fn is_persons(order: &Order, person: &Person<'_>) -> bool {
    person.orders.contains(&order.id) && (order.fields.email.is_none() || has_address(order, person))
}

fn has_address(order: &Order, person: &Person<'_>) -> bool {
    order.fields.email.as_deref().is_some_and(|email| person.address.is_in(email))
}

/// Empties the personal columns if the order belongs to the person, and every text with the address. Older messages
/// do not fill them again.
fn empty_order(order: &mut Order, person: &Person<'_>) {
    let is_persons = is_persons(order, person);
    for (name, text) in order.fields.named_texts() {
        if person.address.is_in(&text) {
            order.fields.clear(name);
            order.cleared.insert(name);
        }
    }
    if is_persons {
        for name in PERSONAL {
            order.fields.clear(name);
            order.cleared.insert(name);
        }
    }
    for item in &mut order.items {
        for (name, _) in item.named_texts().iter().filter(|(_, text)| person.address.is_in(text)) {
            item.clear(name);
        }
    }
    order.unreadable.retain(|_, text| !person.address.is_in(text));
    // Unknown labels may contain anything personal.
    order
        .extra
        .retain(|label, text| !is_persons && !person.address.is_in(label) && !person.address.is_in(text));
}

impl Table for order_events::Entity {
    const ID: order_events::Column = order_events::Column::Id;

    fn id(row: &order_events::Model) -> i64 {
        row.id
    }

    fn contains(row: &order_events::Model, person: &Person<'_>) -> bool {
        person.address.is_in(&row.changes)
            || person.orders.contains(&row.order_id)
                && changes_from_json(&row.changes)
                    .iter()
                    .any(|change| is_personal(change) && is_filled(change))
    }

    /// If one value is the person's, all personal values of the same event are.
    async fn empty(batch: &mut Batch, ids: &[i64], person: &Person<'_>) -> Result<(), StoreError> {
        for row in locked::<Self>(batch, ids).await? {
            let mut changes = changes_from_json(&row.changes);
            for change in &mut changes {
                let holds =
                    [&change.old, &change.new].into_iter().flatten().any(|text| person.address.is_in(text));
                if holds || is_personal(change) {
                    (change.old, change.new) = (None, None);
                }
            }
            let mut emptied = row.into_active_model();
            emptied.changes = Set(changes_to_json(&changes));
            emptied.update(&batch.transaction).await?;
        }
        Ok(())
    }
}

fn is_personal(change: &FieldChange) -> bool {
    PERSONAL.contains(&change.field.as_str()) || change.field.starts_with("extra.")
}

fn is_filled(change: &FieldChange) -> bool {
    change.old.is_some() || change.new.is_some()
}

impl Table for webhook_logs::Entity {
    const ID: webhook_logs::Column = webhook_logs::Column::Id;

    fn id(row: &webhook_logs::Model) -> i64 {
        row.id
    }

    fn contains(row: &webhook_logs::Model, person: &Person<'_>) -> bool {
        let texts =
            [Some(&row.payload), Some(&row.flattened), Some(&row.warnings), row.error_message.as_ref()];
        let order_ids: Vec<i64> = serde_json::from_str(&row.order_ids).unwrap_or_default();
        let is_empty = row.payload.is_empty()
            && row.flattened.is_empty()
            && row.warnings == NO_WARNINGS
            && row.error_message.is_none();
        !is_empty && order_ids.iter().any(|id| person.orders.contains(id))
            || texts.into_iter().flatten().any(|text| person.address.is_in(text))
    }

    /// The whole message is removed, even if it is about several people.
    async fn empty(batch: &mut Batch, ids: &[i64], _: &Person<'_>) -> Result<(), StoreError> {
        for row in locked::<Self>(batch, ids).await? {
            let emptied_at = row.emptied_at.unwrap_or_else(clock::now);
            let mut emptied = row.into_active_model();
            emptied.payload = Set(String::new());
            emptied.flattened = Set(String::new());
            emptied.warnings = Set(NO_WARNINGS.to_owned());
            emptied.error_message = Set(None);
            emptied.emptied_at = Set(Some(emptied_at));
            emptied.update(&batch.transaction).await?;
        }
        Ok(())
    }
}

/// Filters of lists: somebody may have searched for the address.
impl Table for discord_views::Entity {
    const ID: discord_views::Column = discord_views::Column::Id;

    fn id(row: &discord_views::Model) -> i64 {
        row.id
    }

    fn contains(row: &discord_views::Model, person: &Person<'_>) -> bool {
        person.address.is_in(&row.text)
    }

    async fn empty(batch: &mut Batch, ids: &[i64], _: &Person<'_>) -> Result<(), StoreError> {
        let found = Self::delete_many().filter(Self::ID.is_in(ids.iter().copied()));
        found.exec(&batch.transaction).await?;
        Ok(())
    }
}

/// Saved views of the page: one may be named after the person, or search for the address.
impl Table for saved_views::Entity {
    const ID: saved_views::Column = saved_views::Column::Id;

    fn id(row: &saved_views::Model) -> i64 {
        row.id
    }

    fn contains(row: &saved_views::Model, person: &Person<'_>) -> bool {
        let values = form_urlencoded::parse(row.query.as_bytes()).map(|(_, value)| value.into_owned());
        values.chain([row.name.clone()]).any(|text| person.address.is_in(&text))
    }

    async fn empty(batch: &mut Batch, ids: &[i64], _: &Person<'_>) -> Result<(), StoreError> {
        let found = Self::delete_many().filter(Self::ID.is_in(ids.iter().copied()));
        found.exec(&batch.transaction).await?;
        Ok(())
    }
}

/// Reads rows and locks them until the transaction ends.
async fn locked<T: Table>(batch: &Batch, ids: &[i64]) -> Result<Vec<T::Model>, StoreError> {
    let rows = T::find().filter(T::ID.is_in(ids.iter().copied())).order_by_asc(T::ID);
    Ok(rows.lock_exclusive().all(&batch.transaction).await?)
}
