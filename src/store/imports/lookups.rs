//! Queries for imports: orders by tracking number, orders that a charge may belong to, and the changes of an
//! earlier import.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use sea_orm::sea_query::ExprTrait;
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::claims::undone_imports;
use crate::order::{FieldChange, Order, OrderNumber};
use crate::store::entity::rows::changes_from_json;
use crate::store::entity::{order_events, orders, rows};
use crate::store::write::insert::MAX_ROWS;
use crate::store::write::legacy::LEGACY_EVENT;
use crate::store::write::orders::numbers_of;
use crate::store::{Store, StoreError};

/// Rows per query.
const PAGE_SIZE: u64 = 2000;

impl Store {
    /// Calls a function with the number and the tracking numbers of each order that has tracking numbers.
    pub(crate) async fn each_tracked_order(
        &self,
        mut visit: impl FnMut(OrderNumber, &str),
    ) -> Result<(), StoreError> {
        let mut after = 0;
        loop {
            let page = orders::Entity::find()
                .select_only()
                .columns([orders::Column::Id, orders::Column::OrderNumber, orders::Column::TrackingNumber])
                .filter(orders::Column::Id.gt(after))
                .filter(orders::Column::TrackingNumber.is_not_null())
                .order_by_asc(orders::Column::Id)
                .limit(PAGE_SIZE)
                .into_tuple::<(i64, String, Option<String>)>()
                .all(&self.readers)
                .await?;
            let Some((last, ..)) = page.last() else { return Ok(()) };
            after = *last;
            for (_, number, tracking) in &page {
                if let (Ok(number), Some(tracking)) = (OrderNumber::parse(number), tracking) {
                    visit(number, tracking);
                }
            }
        }
    }

    /// Calls a function with each order that was placed in a period, without its items. An order without a date counts
    /// as placed when it was stored.
    pub(crate) async fn each_order_placed(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        mut visit: impl FnMut(Order),
    ) -> Result<(), StoreError> {
        let dated = orders::Column::OrderDate.between(from, to);
        let stored = orders::Column::OrderDate.is_null().and(orders::Column::CreatedAt.between(from, to));
        let mut after = 0;
        loop {
            let page = orders::Entity::find()
                .filter(orders::Column::Id.gt(after))
                .filter(Condition::any().add(dated.clone()).add(stored.clone()))
                .order_by_asc(orders::Column::Id)
                .limit(PAGE_SIZE)
                .all(&self.readers)
                .await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.id;
            for row in page {
                if let Ok(order) = rows::order(row) {
                    visit(order);
                }
            }
        }
    }

    /// The changes of an import, by order, and those of one order oldest first.
    pub(crate) async fn steps_of_import(&self, import: i64) -> Result<Vec<ImportStep>, StoreError> {
        let mut steps: Vec<ImportStep> = Vec::new();
        let mut after = 0;
        loop {
            let page = order_events::Entity::find()
                .filter(order_events::Column::ImportId.eq(import))
                .filter(order_events::Column::Id.gt(after))
                .order_by_asc(order_events::Column::Id)
                .limit(PAGE_SIZE)
                .all(&self.readers)
                .await?;
            let Some(last) = page.last() else { break };
            after = last.id;
            let ids: Vec<i64> = page.iter().map(|event| event.order_id).collect();
            let numbers = numbers_of(&self.readers, &ids).await?;
            let numbers: HashMap<i64, OrderNumber> = numbers.into_iter().collect();
            steps.extend(page.into_iter().filter_map(|event| {
                Some(ImportStep {
                    order: event.order_id,
                    number: numbers.get(&event.order_id)?.clone(),
                    created: event.event_type == "created",
                    changes: changes_from_json(&event.changes),
                })
            }));
        }
        // The sort is stable, so the steps of each order stay oldest first.
        steps.sort_by_key(|step| step.order);
        Ok(steps)
    }
}

/// The fields of orders that have changed since an import added them, by row id. `added` has the row ids of the orders,
/// each with its import. The changes of imports that were undone do not count, and neither do those of their undos.
pub(crate) async fn changed_since(
    connection: &impl ConnectionTrait,
    added: &HashMap<i64, i64>,
) -> Result<HashMap<i64, Vec<String>>, StoreError> {
    type Event = (i64, Option<i64>, String);

    let mut changed: HashMap<i64, Vec<String>> = HashMap::new();
    if added.is_empty() {
        return Ok(changed);
    }
    let undone: HashSet<i64> =
        undone_imports(connection).await?.into_iter().flat_map(|(import, undo)| [import, undo]).collect();
    let orders: Vec<i64> = added.keys().copied().collect();
    for chunk in orders.chunks(MAX_ROWS) {
        let events: Vec<Event> = order_events::Entity::find()
            .select_only()
            .columns([
                order_events::Column::OrderId,
                order_events::Column::ImportId,
                order_events::Column::Changes,
            ])
            .filter(order_events::Column::OrderId.is_in(chunk.iter().copied()))
            .filter(order_events::Column::EventType.ne(LEGACY_EVENT))
            .order_by_asc(order_events::Column::Id)
            .into_tuple()
            .all(connection)
            .await?;
        for (order, import, changes) in events {
            let fields = changed.entry(order).or_default();
            if import.is_some() && import == added.get(&order).copied() {
                fields.clear();
            } else if import.is_none_or(|import| !undone.contains(&import)) {
                fields.extend(changes_from_json(&changes).into_iter().map(|change| change.field));
            }
        }
    }
    Ok(changed)
}

/// One change of an import to one order.
#[derive(Clone, Debug)]
pub(crate) struct ImportStep {
    /// Row id of the order.
    pub(crate) order: i64,
    /// Its number.
    pub(crate) number: OrderNumber,
    /// Whether the import created the order.
    pub(crate) created: bool,
    /// The changes.
    pub(crate) changes: Vec<FieldChange>,
}
