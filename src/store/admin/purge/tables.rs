//! What each table holds of a person, and what is left of a row.

use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect,
};

use super::{PERSONAL, Person};
use crate::clock;
use crate::order::{FieldChange, Order};
use crate::store::entity::rows;
use crate::store::entity::rows::{changes_from_json, changes_to_json};
use crate::store::entity::{discord_views, order_events, orders, webhook_logs};
use crate::store::write::orders::numbers_of;
use crate::store::{Batch, StoreError};

/// A log row without warnings.
const NO_WARNINGS: &str = "[]";

/// A table that may hold a person.
pub(crate) trait Table: EntityTrait<Model: Send + Sync> {
    /// The column of row ids.
    const ID: Self::Column;

    /// The row id.
    fn id(row: &Self::Model) -> i64;

    /// Whether a row holds anything that must go.
    fn holds(row: &Self::Model, person: &Person<'_>) -> bool;

    /// Takes it out of these rows, as they are by now.
    async fn empty(batch: &mut Batch, ids: &[i64], person: &Person<'_>) -> Result<(), StoreError>;
}

impl Table for orders::Entity {
    const ID: orders::Column = orders::Column::Id;

    fn id(row: &orders::Model) -> i64 {
        row.id
    }

    fn holds(row: &orders::Model, person: &Person<'_>) -> bool {
        // A number that is none is nobody's address either.
        rows::order(row.clone()).is_ok_and(|order| order_holds(&order, person))
    }

    /// As every writer of orders does it, so that all that is made of orders follows.
    async fn empty(batch: &mut Batch, ids: &[i64], person: &Person<'_>) -> Result<(), StoreError> {
        let numbers = numbers_of(&batch.transaction, ids).await?;
        let mut orders: Vec<Order> = batch.orders(&numbers).await?.into_values().collect();
        orders.retain(|order| order_holds(order, person));
        orders.sort_unstable_by(|one, other| one.number.cmp(&other.number));
        for order in &mut orders {
            empty_order(order, person);
            order.updated_at = clock::now();
        }
        batch.save_orders(&orders.iter().collect::<Vec<_>>()).await?;
        Ok(())
    }
}

fn order_holds(order: &Order, person: &Person<'_>) -> bool {
    let texts = order.fields.named_texts();
    let is_filled = !order.extra.is_empty() || texts.iter().any(|(name, _)| PERSONAL.contains(name));
    let tells_address = texts.iter().any(|(_, text)| person.address.is_in(text))
        || order.unreadable.values().any(|text| person.address.is_in(text))
        || order.extra.iter().any(|(label, text)| person.address.is_in(label) || person.address.is_in(text));
    let is_new = has_address(order, person) && !person.orders.contains(&order.id);
    !is_new && (tells_address || is_persons(order, person) && is_filled)
}

/// Whether an order is the person's, and not that of somebody else by now.
fn is_persons(order: &Order, person: &Person<'_>) -> bool {
    person.orders.contains(&order.id) && (order.fields.email.is_none() || has_address(order, person))
}

fn has_address(order: &Order, person: &Person<'_>) -> bool {
    order.fields.email.as_deref().is_some_and(|email| person.address.is_in(email))
}

/// Empties what is personal, where the order is the person's, and whatever holds the address. No
/// older message fills it again.
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
    order.unreadable.retain(|_, text| !person.address.is_in(text));
    // Nobody knows what stands under labels that ROMS does not know.
    order
        .extra
        .retain(|label, text| !is_persons && !person.address.is_in(label) && !person.address.is_in(text));
}

impl Table for order_events::Entity {
    const ID: order_events::Column = order_events::Column::Id;

    fn id(row: &order_events::Model) -> i64 {
        row.id
    }

    fn holds(row: &order_events::Model, person: &Person<'_>) -> bool {
        person.address.is_in(&row.changes)
            || person.orders.contains(&row.order_id)
                && changes_from_json(&row.changes)
                    .iter()
                    .any(|change| is_personal(change) && is_filled(change))
    }

    /// Where one value is the person's, all personal ones of the same step are.
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

    fn holds(row: &webhook_logs::Model, person: &Person<'_>) -> bool {
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

    /// A message may tell of several people; it goes whole.
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

/// The filters of lists: somebody may have looked for the address.
impl Table for discord_views::Entity {
    const ID: discord_views::Column = discord_views::Column::Id;

    fn id(row: &discord_views::Model) -> i64 {
        row.id
    }

    fn holds(row: &discord_views::Model, person: &Person<'_>) -> bool {
        person.address.is_in(&row.text)
    }

    async fn empty(batch: &mut Batch, ids: &[i64], _: &Person<'_>) -> Result<(), StoreError> {
        let found = Self::delete_many().filter(Self::ID.is_in(ids.iter().copied()));
        found.exec(&batch.transaction).await?;
        Ok(())
    }
}

/// Rows as they are by now, and stay until the transaction ends.
async fn locked<T: Table>(batch: &Batch, ids: &[i64]) -> Result<Vec<T::Model>, StoreError> {
    let rows = T::find().filter(T::ID.is_in(ids.iter().copied())).order_by_asc(T::ID);
    Ok(rows.lock_exclusive().all(&batch.transaction).await?)
}
