//! What a patch makes of an order: every rule of merging, and nothing else.
//!
//! 1. A stated field replaces what is stored; what a patch does not name is kept.
//! 2. A derived value only fills an empty column. A total that equals price times quantity
//!    follows when either changes.
//! 3. A message older than the newest one applied fills empty columns only. A column that holds
//!    a derived value counts as empty for a stated one, so that the order in which messages
//!    arrive does not matter.
//! 4. `cancelled` and `refunded` yield only to a newer, stated status.
//! 5. Becoming `shipped` or `delivered` sets its date when empty.
//! 6. A change lists each field with its old and new value; no change lists none.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::order::{Amount, Extra, FieldChange, Fields, Order, Patch, Status};

/// What a patch made of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The order as it is to be stored.
    pub order: Order,
    /// Whether the order is new.
    pub created: bool,
    /// What is different; empty where the patch said nothing new.
    pub changes: Vec<FieldChange>,
    /// Whether the row must be written: something changed, or a newer message confirmed it.
    pub dirty: bool,
}

/// Merges a patch into the order of its number, or makes that order. `now` is when the message
/// arrived, for the row's own times.
#[must_use]
pub fn merge(order: Option<&Order>, patch: &Patch, now: DateTime<Utc>) -> Change {
    let mut merged = order.cloned().unwrap_or_else(|| empty(patch, now));
    let before = merged.clone();
    let late = patch.at < before.newest;

    let replaced = apply_stated(&mut merged, patch, late);
    apply_derived(&mut merged, patch, late);
    follow_total(&mut merged, &before.fields, replaced.contains("total"));
    date_the_status(&mut merged, before.fields.status, patch.at);
    for (name, value) in &patch.extra {
        if !late || !merged.extra.contains_key(name) {
            merged.extra.insert(name.clone(), value.clone());
        }
    }
    merged.newest = merged.newest.max(patch.at);

    let changes = changes(&before, &merged);
    if !changes.is_empty() {
        merged.updated_at = now;
    }
    let created = order.is_none();
    let dirty = created || merged != before;
    Change { order: merged, created, changes, dirty }
}

fn empty(patch: &Patch, now: DateTime<Utc>) -> Order {
    Order {
        id: 0,
        number: patch.number.clone(),
        fields: Fields::default(),
        extra: Extra::new(),
        derived: BTreeSet::new(),
        source: patch.source,
        newest: patch.at,
        created_at: now,
        updated_at: now,
    }
}

/// Rules 1, 3 and 4. Gives the names of the columns that a stated value was put into.
fn apply_stated(order: &mut Order, patch: &Patch, late: bool) -> BTreeSet<&'static str> {
    let void = order.fields.status.is_some_and(Status::is_void);
    let newer = patch.at > order.newest;
    let derived = order.derived.clone();
    let may_replace = |name, empty| {
        let free = empty || derived.contains(name);
        free || if name == "status" && void { newer } else { !late }
    };
    let mut replaced = BTreeSet::new();
    order.fields.apply(&patch.stated, may_replace, |name| {
        replaced.insert(name);
    });
    order.derived.retain(|name| !replaced.contains(name));
    replaced
}

/// Rule 2. Of two derived order dates the earlier message's is nearer to the truth.
fn apply_derived(order: &mut Order, patch: &Patch, late: bool) {
    let known = order.derived.clone();
    let may_replace =
        |name, empty| empty || (late && matches!(name, "order_date" | "order_time") && known.contains(name));
    let derived = &mut order.derived;
    order.fields.apply(&patch.derived, may_replace, |name| {
        // A success headline states the status as good as in words.
        if name != "status" {
            derived.insert(name);
        }
    });
}

/// Rule 2: a total that was price times quantity, or none, becomes the present product.
fn follow_total(order: &mut Order, before: &Fields, stated: bool) {
    let followed = before.total.is_none() || before.total == product(before);
    if followed
        && !stated
        && let Some(total) = product(&order.fields)
        && order.fields.total != Some(total)
    {
        order.fields.total = Some(total);
        order.derived.insert("total");
    }
}

fn product(fields: &Fields) -> Option<Amount> {
    fields.price?.times(fields.quantity?)
}

/// Rule 5.
fn date_the_status(order: &mut Order, before: Option<Status>, at: DateTime<Utc>) {
    if order.fields.status == before {
        return;
    }
    let (name, date) = match order.fields.status {
        Some(Status::Shipped) => ("shipped_date", &mut order.fields.shipped_date),
        Some(Status::Delivered) => ("delivered_date", &mut order.fields.delivered_date),
        _ => return,
    };
    if date.is_none() {
        *date = Some(at);
        order.derived.insert(name);
    }
}

/// Rule 6.
fn changes(before: &Order, after: &Order) -> Vec<FieldChange> {
    let mut changes = before.fields.changes_to(&after.fields);
    for (name, value) in &after.extra {
        let old = before.extra.get(name);
        if old != Some(value) {
            changes.push(FieldChange {
                field: format!("extra.{name}"),
                old: old.cloned(),
                new: Some(value.clone()),
            });
        }
    }
    changes
}
