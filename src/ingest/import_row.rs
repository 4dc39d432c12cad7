//! Merges one row of an import into its order. The preview and the import itself use the same code.
//!
//! 1. A row is a person's edit: what it states replaces what is stored, and is newer than everything applied before. An
//!    empty cell erases nothing.
//! 2. Only rows of the kinds `orders` and `cards` add an order.
//! 3. A row with an amount in another currency than the order's is refused.
//! 4. A charge only fills empty columns.
//! 5. The undo of an import gives a field its former value only if the field still has the value that the import gave it.
//!    An order that the import added is cancelled, not deleted.
//! 6. A local time that differs from the order's by less than a second is the same time: workbooks have no time zones, so
//!    an hour that the clocks repeat stands for both times. Spaces and case in tracking numbers do not matter.
//! 7. If the undo of an import has cancelled an order, a row of a kind that adds orders makes it valid again.
//! 8. A row is stored only if it is the next one of its import and its process holds the claim on the import.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::merge_batch::MergedBatch;
use crate::files::{Kind, RowOutcome, RowPatch, RowResult, parcels};
use crate::order::merge::{self, Change, merge};
use crate::order::{Edit, FieldChange, Fields, Order, OrderItem, OrderNumber, Source, Status, items};

/// The `cancel_reason` of an order whose import was undone.
const UNDONE: &str = "The import that added it was undone";

/// A row of an import in the writer's queue.
#[derive(Clone, Debug)]
pub(crate) struct ImportRow {
    /// The row's place in its import; `None` in a preview.
    pub(crate) place: Option<RowPlace>,
    pub(crate) kind: Kind,
    /// The row's line in the file.
    pub(crate) line: u32,
    /// The order's number, or the row's own text if no order was found.
    pub(crate) order: String,
    /// How the order was found, if the row does not state its number.
    pub(crate) note: Option<String>,
    /// The person who imports the file, as the history names them.
    pub(crate) actor: String,
    pub(crate) change: RowChange,
}

/// The place of a row in its import.
#[derive(Clone, Debug)]
pub(crate) struct RowPlace {
    pub(crate) import: i64,
    /// The process that stores the import.
    pub(crate) owner: Arc<str>,
    /// How many rows come before it.
    pub(crate) index: u32,
}

/// The change that a row makes.
#[derive(Clone, Debug)]
pub(crate) enum RowChange {
    /// The values of a row of a file.
    State(Box<RowPatch>),
    /// The changes of an earlier import to undo. `added_by` is the import if it added the order.
    Undo { number: OrderNumber, changes: Vec<FieldChange>, added_by: Option<i64> },
    /// The row changes nothing: its outcome and the reason.
    Nothing(RowOutcome, String),
}

impl ImportRow {
    pub(crate) fn import(&self) -> Option<i64> {
        self.place.as_ref().map(|place| place.import)
    }

    /// The number of its order.
    pub(crate) fn number(&self) -> Option<&OrderNumber> {
        match &self.change {
            RowChange::State(stated) => Some(&stated.patch.number),
            RowChange::Undo { number, .. } => Some(number),
            RowChange::Nothing(..) => None,
        }
    }

    /// For the undo of an import that added the order: the order and the import.
    pub(crate) fn added(&self) -> Option<(OrderNumber, i64)> {
        match &self.change {
            RowChange::Undo { number, added_by, .. } => Some((number.clone(), (*added_by)?)),
            RowChange::State(_) | RowChange::Nothing(..) => None,
        }
    }

    fn result(&self, outcome: RowOutcome, reason: Option<String>, changes: Vec<FieldChange>) -> RowResult {
        let reason = reason.or_else(|| self.note.clone());
        RowResult { line: self.line, outcome, order: self.order.clone(), reason, changes }
    }

    fn without_change(&self, outcome: RowOutcome, reason: &str) -> RowResult {
        self.result(outcome, Some(reason.to_owned()), Vec::new())
    }
}

impl MergedBatch {
    /// Merges a row into its order. `now` is the time of the import. Returns `None`, and merges nothing, if the row is
    /// not the next one of its import or another process stores the import.
    pub(crate) fn merge_import(&mut self, row: &ImportRow, now: DateTime<Utc>) -> Option<RowResult> {
        if let Some(place) = &row.place {
            let position = self.imports.get(&place.import)?;
            if position.owner.as_deref() != Some(&*place.owner) || position.done != place.index {
                return None;
            }
        }
        let stored = row.number().and_then(|number| self.orders.get(number));
        let stored = stored.map(|pending| pending.order.clone());
        let later = match (row.added(), &stored) {
            (Some(_), Some(order)) => self.changed_since(order),
            _ => Vec::new(),
        };
        let result = match evaluate(row, stored.as_ref(), &later, now) {
            Err(result) => result,
            Ok((change, reason)) if change.changes.is_empty() && !change.created => {
                let reason = reason.unwrap_or_else(|| "the order says so already".to_owned());
                row.without_change(RowOutcome::Unchanged, &reason)
            }
            Ok((change, reason)) => {
                let outcome = if change.created { RowOutcome::Created } else { RowOutcome::Updated };
                let result = row.result(outcome, reason, change.changes.clone());
                self.apply_import(row, change, now);
                result
            }
        };
        if let Some(position) = row.import().and_then(|import| self.imports.get_mut(&import)) {
            position.done = position.done.saturating_add(1);
            position.counts.add(result.outcome);
        }
        Some(result)
    }
}

/// The change that a row makes to its order, and a remark for the report. The error is the result of a row
/// that cannot be merged. `later` names the fields that have changed since the import to undo added the order.
fn evaluate(
    row: &ImportRow,
    stored: Option<&Order>,
    later: &[&str],
    now: DateTime<Utc>,
) -> Result<(Change, Option<String>), RowResult> {
    match (&row.change, stored) {
        (RowChange::Nothing(outcome, reason), _) => Err(row.without_change(*outcome, reason)),
        (RowChange::State(stated), None) if adds_orders(row.kind) => match &stated.adds_none {
            None => Ok((merge(None, &stated.patch, now), None)),
            Some(reason) => Err(row.without_change(RowOutcome::NotFound, reason)),
        },
        (RowChange::State(_), None) => {
            Err(row.without_change(RowOutcome::NotFound, "there is no such order"))
        }
        (RowChange::State(stated), Some(order)) => state(row, stated, order, now),
        (RowChange::Undo { .. }, None) => {
            Err(row.without_change(RowOutcome::NotFound, "the order does not exist any more"))
        }
        (RowChange::Undo { changes, added_by: Some(_), .. }, Some(order)) => {
            Ok(undo_created(row, changes, order, later, now))
        }
        (RowChange::Undo { changes, added_by: None, .. }, Some(order)) => Ok(undo(row, changes, order, now)),
    }
}

const fn adds_orders(kind: Kind) -> bool {
    matches!(kind, Kind::Orders | Kind::Cards)
}

fn state(
    row: &ImportRow,
    stated: &RowPatch,
    order: &Order,
    now: DateTime<Utc>,
) -> Result<(Change, Option<String>), RowResult> {
    check_currency(row, stated, order)?;
    let mut patch = stated.patch.clone();
    let filled = order.fields.named_texts();
    use_stored_spelling(&mut patch.stated, &order.fields, stated.timezone);
    // The order's newest message may have a later time, because Discord's clock and this one differ.
    let next = order.newest.checked_add_signed(TimeDelta::microseconds(1));
    patch.at = now.max(next.unwrap_or(order.newest));
    let mut remark = None;
    if row.kind == Kind::Charges {
        let said = patch.stated.named_texts();
        for (name, text) in said.iter().filter(|(name, _)| filled.iter().any(|(other, _)| other == name)) {
            patch.stated.clear(name);
            let other = filled.iter().any(|(column, value)| column == name && value != text);
            if other {
                remark = Some(format!("the order has another {name} already, which is kept"));
            }
        }
        patch.extra.retain(|label, _| !order.extra.contains_key(label));
    }
    if adds_orders(row.kind) && stated.adds_none.is_none() && was_undone(order) {
        let mut revived = order.clone();
        (revived.fields.status, revived.fields.cancel_reason) = (None, None);
        return Ok((merge::change(order, merge(Some(&revived), &patch, now).order, false, now), remark));
    }
    let is_known = patch.stated.named_texts().iter().all(|stated| filled.contains(stated))
        && patch.extra.iter().all(|(label, text)| order.extra.get(label) == Some(text));
    if is_known && row.kind != Kind::Cards {
        // Derive nothing from values that the order has already.
        return Ok((merge::change(order, order.clone(), false, now), remark));
    }
    if order.items.len() > 1 && row.kind != Kind::Cards && !items::has_any(order, &patch.items) {
        // In a table, the product of such an order is the names of all its items. It must not become an item.
        patch.items.clear();
        let stated = edit(row, order, std::mem::take(&mut patch.stated), now);
        let edited = merge::edit(order, &stated, now).order;
        let merged = merge(Some(&edited), &patch, now).order;
        return Ok((merge::change(order, merged, false, now), remark));
    }
    Ok((merge(Some(order), &patch, now), remark))
}

/// Whether the undo of an import has cancelled the order.
fn was_undone(order: &Order) -> bool {
    let fields = &order.fields;
    fields.status == Some(Status::Cancelled) && fields.cancel_reason.as_deref() == Some(UNDONE)
}

/// Where a stated value is only another spelling of the order's value, uses the order's value.
fn use_stored_spelling(stated: &mut Fields, stored: &Fields, zone: Tz) {
    let local = |at: DateTime<Utc>| at.with_timezone(&zone).naive_local();
    let is_same =
        |one: DateTime<Utc>, other: DateTime<Utc>| (local(one) - local(other)).abs() < TimeDelta::seconds(1);
    for (stated, stored) in [
        (&mut stated.order_date, stored.order_date),
        (&mut stated.posted_date, stored.posted_date),
        (&mut stated.shipped_date, stored.shipped_date),
        (&mut stated.delivered_date, stored.delivered_date),
    ] {
        if stated.zip(stored).is_some_and(|(one, other)| is_same(one, other)) {
            *stated = stored;
        }
    }
    let numbers = |text: &Option<String>| text.as_deref().map(parcels);
    if numbers(&stated.tracking_number) == numbers(&stored.tracking_number) {
        stated.tracking_number.clone_from(&stored.tracking_number);
    }
}

/// Refuses amounts in another currency than the order's.
fn check_currency(row: &ImportRow, stated: &RowPatch, order: &Order) -> Result<(), RowResult> {
    let fields = &order.fields;
    let has_amount = fields.price.or(fields.total).or(fields.commission).is_some();
    let Some(currency) = fields.currency.filter(|_| has_amount) else { return Ok(()) };
    let agrees = stated.currencies.iter().all(|hint| hint.allows(currency))
        && stated.patch.stated.currency.is_none_or(|stated| stated == currency);
    if agrees {
        return Ok(());
    }
    let reason = format!("the amounts of the order are in {}, those of the row are not", currency.code());
    Err(row.without_change(RowOutcome::Bad, &reason))
}

/// Cancels an order that the import added, unless it has changed since then. `later` names fields that have.
fn undo_created(
    row: &ImportRow,
    changes: &[FieldChange],
    order: &Order,
    later: &[&str],
    now: DateTime<Utc>,
) -> (Change, Option<String>) {
    let current = values(order);
    let is_changed = |change: &&FieldChange| current.get(&change.field) != change.new.as_ref();
    let own = changes.iter().filter(|change| !is_of_item(&change.field)).filter(is_changed);
    let mut kept: Vec<&str> = Vec::new();
    for field in own.map(|change| change.field.as_str()).chain(later.iter().copied()) {
        if !kept.contains(&field) {
            kept.push(field);
        }
    }
    if !kept.is_empty() {
        return (merge::change(order, order.clone(), false, now), remark(&kept));
    }
    let status = Some(Status::Cancelled);
    let set = Fields { status, cancel_reason: Some(UNDONE.to_owned()), ..Fields::default() };
    (merge::edit(order, &edit(row, order, set, now), now), None)
}

/// Restores the former values of the fields that still have the value from the import.
fn undo(
    row: &ImportRow,
    changes: &[FieldChange],
    order: &Order,
    now: DateTime<Utc>,
) -> (Change, Option<String>) {
    let current = values(order);
    let mut former = order.clone();
    let mut kept = put_back_items(&mut former.items, changes);
    let mut edit = edit(row, order, Fields::default(), now);
    let mut extra = order.extra.clone();
    for change in changes.iter().filter(|change| !is_of_item(&change.field)) {
        let is_gone = |position: u32| usize::try_from(position).is_ok_and(|at| at > former.items.len());
        if received_item(&change.field).is_some_and(is_gone) {
            continue;
        }
        if current.get(&change.field) != change.new.as_ref() || !put_back(change, &mut edit, &mut extra) {
            kept.push(&change.field);
        }
    }
    let mut undone = merge::edit(&former, &edit, now).order;
    undone.extra = extra;
    if undone != *order {
        let next = order.newest.checked_add_signed(TimeDelta::microseconds(1));
        undone.newest = now.max(next.unwrap_or(order.newest));
    }
    (merge::change(order, undone, false, now), remark(&kept))
}

/// The edit of an order by the person who imports the file.
fn edit(row: &ImportRow, order: &Order, set: Fields, at: DateTime<Utc>) -> Edit {
    Edit { set, ..Edit::new(order.id, Source::ManualUpload, row.actor.clone(), at) }
}

/// The remark of an undo about the fields that it does not restore.
fn remark(kept: &[&str]) -> Option<String> {
    (!kept.is_empty()).then(|| format!("kept, because it has changed since: {}", kept.join(", ")))
}

/// Restores the items that still are as the import left them: their former values, without the items that the import
/// added and with those that it removed. Returns the names of the fields that it keeps.
fn put_back_items<'a>(items: &mut Vec<OrderItem>, changes: &'a [FieldChange]) -> Vec<&'a str> {
    let mut by_position: BTreeMap<usize, Vec<(&str, &FieldChange)>> = BTreeMap::new();
    for change in changes {
        if let Some((position, column)) = item_column(&change.field) {
            by_position.entry(position).or_default().push((column, change));
        }
    }
    let (count, mut kept) = (items.len(), Vec::new());
    // The last item first, so that each added item is the last one when it is removed.
    for (position, changes) in by_position.into_iter().rev() {
        let Some(at) = position.checked_sub(1) else { continue };
        let item = items.get(at).cloned().unwrap_or_default();
        let current = item.named_texts();
        let product = changes.iter().find(|(column, _)| *column == "product");
        let product = product.map(|(_, change)| change.field.as_str());
        let mut former = item.clone();
        let mut later = Vec::new();
        for (column, change) in changes {
            let text = current.iter().find(|(name, _)| *name == column).map(|(_, text)| text);
            if text != change.new.as_ref() || !former.set_text(column, change.old.as_deref()) {
                later.push(change);
            }
        }
        let is_added = former.product.is_none() && item.product.is_some();
        if at >= count {
            if former.product.is_some() && later.is_empty() {
                items.insert(items.len().min(count), former);
            }
        } else if !is_added {
            if let Some(item) = items.get_mut(at) {
                *item = former;
            }
        } else if former == OrderItem::default() && position == items.len() {
            items.truncate(at);
        } else {
            kept.extend(product);
            continue;
        }
        let later = later.into_iter().map(|change| change.field.as_str());
        kept.extend(later.filter(|field| received_item(field).is_none()));
    }
    kept
}

/// Restores the former value of one field. Returns false if no column holds it.
fn put_back(change: &FieldChange, edit: &mut Edit, extra: &mut crate::order::Extra) -> bool {
    let FieldChange { field, old, .. } = change;
    if let Some(label) = field.strip_prefix("extra.") {
        match old {
            Some(old) => drop(extra.insert(label.to_owned(), old.clone())),
            None => drop(extra.remove(label)),
        }
        return true;
    }
    if let Some(position) = received_item(field) {
        let units = old.as_deref().unwrap_or("0").parse();
        return units.map(|units| edit.received.insert(position, units)).is_ok();
    }
    let Some(column) = Fields::NAMES.iter().copied().find(|name| name == field) else { return false };
    if let Some(old) = old {
        return edit.set.set_text(column, Some(old));
    }
    edit.clear.push(column);
    true
}

/// Whether the field is one of an item other than its units received, which an edit can set.
fn is_of_item(field: &str) -> bool {
    field.starts_with("items[") && received_item(field).is_none()
}

/// The position in a field name such as `items[2].qty_received`.
fn received_item(field: &str) -> Option<u32> {
    field.strip_prefix("items[")?.strip_suffix("].qty_received")?.parse().ok()
}

/// The position and the column in a field name such as `items[2].quantity`.
fn item_column(field: &str) -> Option<(usize, &str)> {
    let (position, column) = field.strip_prefix("items[")?.split_once("].")?;
    Some((position.parse().ok()?, column))
}

/// The values of an order by the names that changes use for them.
fn values(order: &Order) -> BTreeMap<String, String> {
    let columns = order.fields.named_texts().into_iter().map(|(name, text)| (name.to_owned(), text));
    let extra = order.extra.iter().map(|(label, text)| (format!("extra.{label}"), text.clone()));
    let items = (1..).zip(&order.items).filter_map(|(position, item)| {
        Some((format!("items[{position}].qty_received"), item.qty_received?.to_string()))
    });
    columns.chain(extra).chain(items).collect()
}
