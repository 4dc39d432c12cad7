//! Merges patches and edits into orders. These are all the rules:
//!
//! 1. A stated field replaces the stored value. A field that the patch does not state is kept.
//! 2. A derived value only fills an empty column. A total that equals price times quantity follows when either
//!    changes. A newer confirmation replaces `pending`, and a newer hold replaces `verified`.
//! 3. A message older than the newest one applied only fills empty columns. A column with a derived value counts
//!    as empty for a stated one, so that the order in which messages arrive does not matter.
//! 4. Only a newer, stated status replaces `cancelled` and `refunded`. It empties the reason of the cancellation.
//! 5. A message that states `shipped` or `delivered` fills the date of that status with its own time. If two
//!    messages do, the earlier time is kept.
//! 6. A change lists each field with its old and new value. No change lists none.
//! 7. An edit by a person always applies, counts as stated, and is newer than everything applied before. A column
//!    that it empties is only filled by newer messages.
//! 8. A replayed card corrects what its own first reading or an older message put into a field, whatever newer messages
//!    said about other fields.
//! 9. Items have rules of their own: `items`.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::items;
use crate::order::{Amount, Edit, Extra, FieldChange, Fields, Order, OrderItem, Patch, Status};

/// The result of merging a patch or an edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The order to store.
    pub order: Order,
    /// Whether the order is new.
    pub created: bool,
    /// The fields that differ.
    pub changes: Vec<FieldChange>,
    /// Whether the row must be written: a field changed, or a newer message confirmed the order.
    pub dirty: bool,
}

impl Change {
    /// Puts changes that were made just before in front of these, as one step.
    pub(crate) fn add_earlier(&mut self, earlier: Vec<FieldChange>, now: DateTime<Utc>) {
        let later = std::mem::replace(&mut self.changes, earlier);
        for change in later {
            match self.changes.iter_mut().find(|earlier| earlier.field == change.field) {
                Some(earlier) => earlier.new = change.new,
                None => self.changes.push(change),
            }
        }
        self.changes.retain(|change| change.old != change.new);
        self.order.updated_at = now;
        self.dirty = true;
    }
}

/// Merges a patch into the order of its number, or creates the order. `now` is the arrival of the message, for
/// `created_at` and `updated_at`.
#[must_use]
pub fn merge(order: Option<&Order>, patch: &Patch, now: DateTime<Utc>) -> Change {
    merge_version(order, patch, &[], now)
}

/// Merges the newest version of a message, which no longer lists the `withdrawn` items.
pub(crate) fn merge_version(
    order: Option<&Order>,
    patch: &Patch,
    withdrawn: &[OrderItem],
    now: DateTime<Utc>,
) -> Change {
    let mut merged = order.cloned().unwrap_or_else(|| empty(patch, now));
    let before = merged.clone();
    let late = patch.at < before.newest;
    if !late && !withdrawn.is_empty() {
        items::withdraw(&mut merged, withdrawn);
    }
    let own;
    let patch = if items::apply(&mut merged, patch, late) {
        own = items::without_item_columns(patch);
        &own
    } else if patch.items.len() > 1 && patch.stated.product == items::joined_names(&patch.items) {
        // The product of the order names the items in the order of their positions.
        let product = items::joined_names(&merged.items);
        own = Patch { stated: Fields { product, ..patch.stated.clone() }, ..patch.clone() };
        &own
    } else {
        patch
    };

    let replaced = apply_stated(&mut merged, patch, late);
    apply_derived(&mut merged, patch, late);
    follow_total(&mut merged, &before.fields, patch, replaced.contains("total"), late);
    for (name, value) in &patch.extra {
        if !late || !merged.extra.contains_key(name) {
            merged.extra.insert(name.clone(), value.clone());
        }
    }
    items::follow(&mut merged, &before, &replaced);
    let has_reason =
        if late { before.fields.cancel_reason.is_some() } else { replaced.contains("cancel_reason") };
    follow_status(&mut merged, &before, has_reason);
    merged.newest = merged.newest.max(patch.at);
    change(&before, merged, order.is_none(), now)
}

/// Applies an edit to its order (rule 7). `now` is for `updated_at`. Does not check the edit's guard.
#[must_use]
pub fn edit(order: &Order, edit: &Edit, now: DateTime<Utc>) -> Change {
    let mut edited = order.clone();
    let filled = order.fields.named_texts();
    let received_none = edit.set.qty_received.filter(|count| *count == 0).map(|_| "qty_received");
    let emptied = edit.clear.iter().copied().chain(received_none);
    let is_filled =
        |name: &&str| filled.iter().any(|(filled, _)| filled == name) || order.unreadable.contains_key(name);
    for name in emptied.filter(is_filled) {
        edited.fields.clear(name);
        edited.unreadable.remove(name);
        edited.derived.remove(name);
        edited.cleared.insert(name);
    }
    let mut set = BTreeSet::new();
    edited.fields.apply(
        &edit.set,
        |name, _| Some(name) != received_none,
        |name| {
            set.insert(name);
        },
    );
    if !edit.received.is_empty() {
        items::set_received(&mut edited, &edit.received);
        edited.cleared.insert("qty_received");
        set.extend(edited.fields.qty_received.map(|_| "qty_received"));
    }
    edited.derived.retain(|name| !set.contains(name));
    let dates = match edit.set.status {
        Some(Status::Shipped) => Fields { shipped_date: Some(edit.at), ..Fields::default() },
        Some(Status::Delivered) => Fields { delivered_date: Some(edit.at), ..Fields::default() },
        _ => Fields::default(),
    };
    let may_fill = |name, empty| empty && !edit.clear.contains(&name);
    edited.fields.apply(&dates, may_fill, |name| {
        edited.derived.insert(name);
        set.insert(name);
    });
    edited.cleared.retain(|name| !set.contains(name));
    let is_product = order.fields.total == product(&order.fields);
    if is_product && !set.contains("total") && !edited.cleared.contains("total") {
        set_total_to_product(&mut edited, order.fields.total.is_none());
    }
    items::follow(&mut edited, order, &set);
    follow_status(&mut edited, order, set.contains("cancel_reason"));
    if edited != *order {
        // The messages of the order may carry the time of another clock.
        let next = order.newest.checked_add_signed(TimeDelta::microseconds(1));
        edited.newest = edit.at.max(next.unwrap_or(order.newest));
    }
    change(order, edited, false, now)
}

/// Applies a replayed card once more, after [`merge`]: `may_replace` names the fields that it may replace although
/// newer messages have been applied, and `is_own` those that only its own first reading has filled. It empties the
/// latter if the card no longer states them. `now` is for `updated_at`.
#[must_use]
pub(crate) fn mend(
    order: &Order,
    patch: &Patch,
    may_replace: impl Fn(&str) -> bool,
    is_own: impl Fn(&str) -> bool,
    now: DateTime<Utc>,
) -> Change {
    let mut stated = Fields::default();
    // Whoever may replace the status may also replace the reason of the cancellation.
    let column = |name| if name == "cancel_reason" { "status" } else { name };
    stated.apply(&patch.stated, |name, _| may_replace(name) || may_replace(column(name)), |_| ());
    let label = |name: &str| format!("extra.{name}");
    let mut extra = patch.extra.clone();
    extra.retain(|name, _| may_replace(&label(name)));
    let at = order.newest.checked_add_signed(TimeDelta::microseconds(1)).unwrap_or(order.newest);
    // A list that was read as one product. Any other item may hold values of newer messages.
    let is_list = may_replace("product") && order.items.len() <= 1 && patch.items.len() > 1;
    let items = if is_list { patch.items.clone() } else { Vec::new() };
    let newest = Patch { at, stated, derived: Fields::default(), extra, items, ..patch.clone() };
    let mut mended = merge(Some(order), &newest, now).order;
    mended.newest = order.newest;

    let is_stated: BTreeSet<&'static str> =
        patch.stated.named_texts().into_iter().map(|(name, _)| name).collect();
    let follows = |name: &str| match name {
        "total" => product(&order.fields).is_some(),
        "shipped_date" => patch.stated.status == Some(Status::Shipped),
        "delivered_date" => patch.stated.status == Some(Status::Delivered),
        _ => false,
    };
    for (name, _) in order.fields.named_texts() {
        if is_own(name) && !is_stated.contains(name) && !follows(name) {
            mended.fields.clear(name);
            mended.derived.remove(name);
        }
    }
    let derived = &mut mended.derived;
    mended.fields.apply(
        &patch.derived,
        |name, empty| empty && is_own(name),
        |name| {
            if name != "status" {
                derived.insert(name);
            }
        },
    );
    mended.extra.retain(|name, _| patch.extra.contains_key(name) || !is_own(&label(name)));
    items::follow(&mut mended, order, &is_stated);
    change(order, mended, false, now)
}

/// Compares an order with its changed version. `now` is for `updated_at`.
pub(crate) fn change(before: &Order, mut after: Order, created: bool, now: DateTime<Utc>) -> Change {
    if !after.unreadable.is_empty() {
        let filled = after.fields.named_texts();
        after.unreadable.retain(|name, _| !filled.iter().any(|(filled, _)| filled == name));
    }
    let changes = changes(before, &after);
    if created {
        after.updated_at = now;
    } else if !changes.is_empty() {
        // The version of the order, so that it must grow even if the clock was set back.
        let next = before.updated_at.checked_add_signed(TimeDelta::microseconds(1));
        after.updated_at = now.max(next.unwrap_or(before.updated_at));
    }
    let dirty = created || after != *before;
    Change { order: after, created, changes, dirty }
}

fn empty(patch: &Patch, now: DateTime<Utc>) -> Order {
    Order {
        id: 0,
        number: patch.number.clone(),
        fields: Fields::default(),
        extra: Extra::new(),
        items: Vec::new(),
        unreadable: BTreeMap::new(),
        derived: BTreeSet::new(),
        cleared: BTreeSet::new(),
        source: patch.source,
        newest: patch.at,
        created_at: now,
        updated_at: now,
    }
}

/// Applies rules 1, 3 and 4. Returns the names of the columns that received a stated value.
fn apply_stated(order: &mut Order, patch: &Patch, late: bool) -> BTreeSet<&'static str> {
    let is_ended = order.fields.status.is_some_and(Status::is_cancelled_or_refunded);
    let newer = patch.at > order.newest;
    let (derived, cleared) = (order.derived.clone(), order.cleared.clone());
    let may_replace = |name, empty| {
        let free = empty && !(late && cleared.contains(name)) || derived.contains(name);
        free || if name == "status" && is_ended { newer } else { !late }
    };
    let mut replaced = BTreeSet::new();
    order.fields.apply(&patch.stated, may_replace, |name| {
        replaced.insert(name);
    });
    order.derived.retain(|name| !replaced.contains(name));
    order.cleared.retain(|name| !replaced.contains(name));
    replaced
}

/// Applies rules 2 and 5. The earlier of two derived dates is kept, so that it does not matter which message
/// comes first.
fn apply_derived(order: &mut Order, patch: &Patch, late: bool) {
    let mut from = patch.derived.clone();
    match patch.stated.status {
        Some(Status::Shipped) => from.shipped_date = Some(patch.at),
        Some(Status::Delivered) => from.delivered_date = Some(patch.at),
        _ => {}
    }
    let dates = [
        ("order_date", from.order_date, order.fields.order_date),
        ("shipped_date", from.shipped_date, order.fields.shipped_date),
        ("delivered_date", from.delivered_date, order.fields.delivered_date),
    ];
    let mut earlier: BTreeSet<&str> = dates
        .into_iter()
        .filter(|(name, new, old)| order.derived.contains(name) && new.zip(*old).is_some_and(|(n, o)| n < o))
        .map(|(name, ..)| name)
        .collect();
    // An earlier date brings its own time of day.
    if earlier.contains("order_date") && order.derived.contains("order_time") {
        earlier.insert("order_time");
    }
    let (cleared, unreadable) = (order.cleared.clone(), &order.unreadable);
    let is_open = |status: Status| matches!(status, Status::Pending | Status::Verified);
    let follows = patch.at > order.newest
        && patch.stated.status.is_none()
        && order.fields.status.is_some_and(is_open)
        && from.status.is_some_and(is_open);
    let (derived, still_cleared) = (&mut order.derived, &mut order.cleared);
    order.fields.apply(
        &from,
        |name, empty| {
            let is_free = empty && !unreadable.contains_key(name) && !(late && cleared.contains(name));
            is_free || earlier.contains(name) || (name == "status" && follows)
        },
        |name| {
            still_cleared.remove(name);
            // A status from a success heading counts as stated.
            if name != "status" {
                derived.insert(name);
            }
        },
    );
}

/// Updates the total (rule 2) if it was empty or equal to price times quantity. A total that a newer message
/// stated does not follow an older message.
fn follow_total(order: &mut Order, before: &Fields, patch: &Patch, stated: bool, late: bool) {
    let follows = if stated {
        // An older card whose total is its own price times quantity states no more than its price.
        late && patch.stated.total == own_product(patch)
    } else {
        (before.total.is_none() && !order.cleared.contains("total"))
            || (before.total == product(before) && (!late || order.derived.contains("total")))
    };
    if follows {
        set_total_to_product(order, before.total.is_none() && !stated);
    }
}

/// Sets the total to price times quantity. If there was no total, the new one is a derived value.
fn set_total_to_product(order: &mut Order, is_new: bool) {
    if let Some(total) = product(&order.fields)
        && order.fields.total != Some(total)
    {
        order.fields.total = Some(total);
        if is_new {
            order.derived.insert("total");
        }
    }
}

/// Empties the reason of a cancellation if the order is no longer cancelled (rule 4). A reason that only an older card
/// states is not kept for such an order.
fn follow_status(order: &mut Order, before: &Order, has_reason: bool) {
    let is_void = |order: &Order| order.fields.status.is_some_and(Status::is_cancelled_or_refunded);
    let is_new = before.fields.cancel_reason.is_none();
    if !has_reason && !is_void(order) && (is_void(before) || is_new) {
        order.fields.clear("cancel_reason");
        order.derived.remove("cancel_reason");
    }
}

fn own_product(patch: &Patch) -> Option<Amount> {
    patch.stated.price?.times(patch.stated.quantity.or(patch.derived.quantity)?)
}

fn product(fields: &Fields) -> Option<Amount> {
    fields.price?.times(fields.quantity?)
}

/// Lists the changes (rule 6).
fn changes(before: &Order, after: &Order) -> Vec<FieldChange> {
    let mut changes = before.fields.changes_to(&after.fields);
    for (name, value) in &before.unreadable {
        match changes.iter_mut().find(|change| change.field == *name) {
            Some(change) => change.old = Some(value.clone()),
            None if after.unreadable.contains_key(name) => {}
            None => {
                changes.push(FieldChange { field: (*name).to_owned(), old: Some(value.clone()), new: None });
            }
        }
    }
    let removed = before.extra.iter().filter(|(name, _)| !after.extra.contains_key(*name));
    changes.extend(removed.map(|(name, old)| FieldChange {
        field: format!("extra.{name}"),
        old: Some(old.clone()),
        new: None,
    }));
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
    changes.extend(items::changes(&before.items, &after.items, &changes));
    changes
}
