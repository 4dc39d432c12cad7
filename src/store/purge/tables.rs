//! What each table holds of a person, and what is left of a row.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, EntityTrait, IdenStatic, IntoActiveModel, ModelTrait, Value,
};

use super::Person;
use crate::order::{Extra, FieldChange};
use crate::store::StoreError;
use crate::store::entity::{order_events, orders, webhook_logs};
use crate::store::rows::{self, changes_from_json, changes_to_json, to_json};
use crate::store::sums::Share;

/// Columns that speak of the person who ordered.
const PERSONAL: [orders::Column; 6] = [
    orders::Column::Email,
    orders::Column::CustomerName,
    orders::Column::ShippingAddress,
    orders::Column::Profile,
    orders::Column::ProxyList,
    orders::Column::Notes,
];

/// Other columns, in which an address may stand by chance, such as in a link.
const OTHER_TEXTS: [orders::Column; 13] = [
    orders::Column::Product,
    orders::Column::ReferenceNumber,
    orders::Column::TrackingNumber,
    orders::Column::PaymentMethod,
    orders::Column::ShippingMethod,
    orders::Column::OrderTime,
    orders::Column::WorksheetName,
    orders::Column::Store,
    orders::Column::ProductUrl,
    orders::Column::OrderUrl,
    orders::Column::ImageUrl,
    orders::Column::FraudStatus,
    orders::Column::Bot,
];

/// A table that may hold a person.
pub(super) trait Table: EntityTrait<Model: IntoActiveModel<Self::ActiveModel> + Send + Sync> {
    /// The column of row ids.
    const ID: Self::Column;

    /// The row id.
    fn id(row: &Self::Model) -> i64;

    /// Whether a row holds anything that must go.
    fn holds(row: &Self::Model, person: &Person<'_>) -> bool;

    /// What a row adds to the sums over orders.
    fn share(_: &Self::Model, _: Tz) -> Result<Option<Share>, StoreError> {
        Ok(None)
    }

    /// The row without it.
    fn emptied(row: Self::Model, person: &Person<'_>, now: DateTime<Utc>) -> Self::ActiveModel;
}

impl Table for orders::Entity {
    const ID: orders::Column = orders::Column::Id;

    fn id(row: &orders::Model) -> i64 {
        row.id
    }

    fn holds(row: &orders::Model, person: &Person<'_>) -> bool {
        is_owned(row, person)
            || PERSONAL.into_iter().chain(OTHER_TEXTS).any(|column| holds(row, column, person))
            || person.address.is_in(&row.extra)
    }

    fn share(row: &orders::Model, zone: Tz) -> Result<Option<Share>, StoreError> {
        let order = rows::order(row.clone())?;
        Ok(Some(Share::of(&order.fields, order.created_at, zone)))
    }

    fn emptied(row: orders::Model, person: &Person<'_>, now: DateTime<Utc>) -> orders::ActiveModel {
        let is_owned = is_owned(&row, person);
        let mut extra: Extra = serde_json::from_str(&row.extra).unwrap_or_default();
        // Nobody knows what stands under labels that ROMS does not know.
        extra.retain(|label, text| !is_owned && !person.address.is_in(label) && !person.address.is_in(text));
        let mut emptied = row.clone().into_active_model();
        let personal = PERSONAL.into_iter().filter(|column| is_owned || holds(&row, *column, person));
        let others = OTHER_TEXTS.into_iter().filter(|column| holds(&row, *column, person));
        for column in personal.chain(others) {
            emptied.set(column, Value::String(None));
        }
        emptied.extra = Set(to_json(&extra));
        emptied.updated_at = Set(now);
        emptied
    }
}

fn is_owned(row: &orders::Model, person: &Person<'_>) -> bool {
    // By the address that is there now: the order may have changed since it was looked at.
    row.email.as_deref().is_some_and(|email| person.address.is_in(email))
}

fn holds(row: &orders::Model, column: orders::Column, person: &Person<'_>) -> bool {
    matches!(row.get(column), Value::String(Some(text)) if person.address.is_in(&text))
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
    fn emptied(row: order_events::Model, person: &Person<'_>, _: DateTime<Utc>) -> order_events::ActiveModel {
        let mut changes = changes_from_json(&row.changes);
        for change in &mut changes {
            let named =
                [&change.old, &change.new].into_iter().flatten().any(|text| person.address.is_in(text));
            if named || is_personal(change) {
                (change.old, change.new) = (None, None);
            }
        }
        let mut emptied = row.into_active_model();
        emptied.changes = Set(changes_to_json(&changes));
        emptied
    }
}

fn is_personal(change: &FieldChange) -> bool {
    PERSONAL.iter().any(|column| column.as_str() == change.field) || change.field.starts_with("extra.")
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
            && row.warnings == "[]"
            && row.error_message.is_none();
        !is_empty && order_ids.iter().any(|id| person.orders.contains(id))
            || texts.into_iter().flatten().any(|text| person.address.is_in(text))
    }

    /// A message may tell of several people; it goes whole.
    fn emptied(row: webhook_logs::Model, _: &Person<'_>, now: DateTime<Utc>) -> webhook_logs::ActiveModel {
        let emptied_at = row.emptied_at.unwrap_or(now);
        let mut emptied = row.into_active_model();
        emptied.payload = Set(String::new());
        emptied.flattened = Set(String::new());
        emptied.warnings = Set("[]".to_owned());
        emptied.error_message = Set(None);
        emptied.emptied_at = Set(Some(emptied_at));
        emptied
    }
}
