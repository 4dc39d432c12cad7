//! Edits by a person.

use roms::order::merge::{edit, merge};
use roms::order::{Edit, Fields, Guard, Order, Source, Status};

use super::{amount, applied, minute, order, patch, status};

pub(super) fn by_hand(minutes: i64, set: Fields) -> Edit {
    Edit { set, ..Edit::new(1, Source::DiscordBot, "cli".to_owned(), minute(minutes)) }
}

fn clear(minutes: i64, names: &[&'static str]) -> Edit {
    Edit { clear: names.to_vec(), ..by_hand(minutes, Fields::default()) }
}

pub(super) fn edited(order: &Order, done: &Edit) -> Order {
    edit(order, done, minute(1000)).order
}

fn notes(text: &str) -> Fields {
    Fields { notes: Some(text.to_owned()), ..Fields::default() }
}

#[test]
fn an_edit_replaces_what_it_names_and_lists_it() {
    let before = order(&[patch(0, Fields { email: Some("a@b.c".into()), ..notes("old") })]);
    let change = edit(&before, &by_hand(5, notes("new")), minute(1001));
    let listed: Vec<_> =
        change.changes.iter().map(|c| (c.field.as_str(), c.old.as_deref(), c.new.as_deref())).collect();
    assert_eq!(listed, [("notes", Some("old"), Some("new"))]);
    assert_eq!(change.order.fields.email.as_deref(), Some("a@b.c"));
    assert_eq!((change.order.newest, change.order.updated_at), (minute(5), minute(1001)));
    assert!(change.dirty && !change.created);
}

#[test]
fn an_older_card_does_not_undo_an_edit_and_a_newer_one_may() {
    let before = order(&[patch(0, notes("card"))]);
    let after = edited(&before, &by_hand(5, notes("hand")));
    let with = |at| merge(Some(&after), &patch(at, notes("again")), minute(1000)).order.fields.notes;
    assert_eq!(with(0).as_deref(), Some("hand"));
    assert_eq!(with(4).as_deref(), Some("hand"));
    assert_eq!(with(6).as_deref(), Some("again"));
}

#[test]
fn an_edit_stands_also_where_the_clock_of_the_card_is_ahead() {
    let card = patch(9, notes("card"));
    let after = edited(&order(std::slice::from_ref(&card)), &by_hand(5, notes("hand")));
    assert!(after.newest > minute(9));
    let again = merge(Some(&after), &card, minute(1000));
    assert_eq!(again.order.fields.notes.as_deref(), Some("hand"));
    assert!(again.changes.is_empty());
}

#[test]
fn an_edited_value_counts_as_stated() {
    let before = order(&[patch(1, Fields::default())]);
    assert!(before.derived.contains("quantity"));
    let set = Fields { quantity: Some(1), order_date: Some(minute(1)), ..Fields::default() };
    let change = edit(&before, &by_hand(5, set), minute(1000));
    assert!(change.changes.is_empty() && change.dirty, "the same values, said by a person");
    let older = patch(0, Fields { quantity: Some(3), ..Fields::default() });
    let fields = merge(Some(&change.order), &older, minute(1000)).order.fields;
    assert_eq!((fields.quantity, fields.order_date), (Some(1), Some(minute(1))));
}

#[test]
fn an_edit_without_a_change_leaves_the_order_alone() {
    let before = order(&[patch(0, notes("card"))]);
    for nothing in
        [by_hand(5, notes("card")), by_hand(5, Fields::default()), clear(5, &["email", "no_column"])]
    {
        let change = edit(&before, &nothing, minute(1000));
        assert!(change.changes.is_empty() && !change.dirty, "{nothing:?}");
        assert_eq!(change.order, before);
    }
}

#[test]
fn becoming_shipped_or_delivered_by_hand_sets_the_date_when_empty() {
    let set = |status| Fields { status: Some(status), ..Fields::default() };
    let before = order(&[patch(0, Fields::default())]);
    let shipped = edited(&before, &by_hand(5, set(Status::Shipped)));
    assert_eq!((shipped.fields.shipped_date, shipped.fields.delivered_date), (Some(minute(5)), None));
    let delivered = edited(&shipped, &by_hand(7, set(Status::Delivered)));
    assert_eq!(delivered.fields.shipped_date, Some(minute(5)));
    assert_eq!(delivered.fields.delivered_date, Some(minute(7)));
    let card = merge(Some(&delivered), &status(3, Status::Shipped), minute(1000)).order.fields;
    assert_eq!(card.shipped_date, Some(minute(3)), "the card that says it is nearer to the truth");
    assert_eq!(card.status, Some(Status::Delivered));
    let own = Fields { shipped_date: Some(minute(2)), ..set(Status::Shipped) };
    assert_eq!(edited(&before, &by_hand(5, own)).fields.shipped_date, Some(minute(2)));
    let cleared = Edit { clear: vec!["shipped_date"], ..by_hand(9, set(Status::Shipped)) };
    assert_eq!(edited(&shipped, &cleared).fields.shipped_date, None);
}

#[test]
fn an_edit_revives_a_cancelled_order_and_a_cancellation_holds_against_older_cards() {
    let cancelled = order(&[status(0, Status::Cancelled)]);
    let set = |status| Fields { status: Some(status), ..Fields::default() };
    assert_eq!(edited(&cancelled, &by_hand(5, set(Status::Shipped))).fields.status, Some(Status::Shipped));
    let by_user = edited(&order(&[patch(0, Fields::default())]), &by_hand(5, set(Status::Cancelled)));
    let after = |at| merge(Some(&by_user), &status(at, Status::Shipped), minute(1000)).order.fields.status;
    assert_eq!((after(3), after(6)), (Some(Status::Cancelled), Some(Status::Shipped)));
}

#[test]
fn a_total_that_is_price_times_quantity_follows_an_edit() {
    let quantity = |n| Fields { quantity: Some(n), ..Fields::default() };
    let priced = order(&[patch(0, Fields { price: amount(500), ..Fields::default() })]);
    let change = edit(&priced, &by_hand(5, quantity(3)), minute(1000));
    assert_eq!(change.order.fields.total, amount(1500));
    assert!(change.changes.iter().any(|c| c.field == "total" && c.new.as_deref() == Some("15.00")));
    let own = edited(&priced, &by_hand(5, Fields { total: amount(1400), ..quantity(3) }));
    assert_eq!(own.fields.total, amount(1400), "one that is set stands");
    let taxed = order(&[patch(0, Fields { price: amount(500), total: amount(540), ..Fields::default() })]);
    assert_eq!(edited(&taxed, &by_hand(5, quantity(3))).fields.total, amount(540));
    let no_price = edited(&priced, &clear(5, &["price"]));
    assert_eq!((no_price.fields.price, no_price.fields.total), (None, amount(500)));
}

#[test]
fn a_cleared_column_is_filled_by_newer_messages_only() {
    let card = patch(0, Fields { email: Some("a@b.c".into()), price: amount(500), ..notes("card") });
    let before = order(std::slice::from_ref(&card));
    let change = edit(&before, &clear(5, &["notes", "total", "order_date"]), minute(1000));
    let listed: Vec<_> = change.changes.iter().map(|c| (c.field.as_str(), c.new.as_deref())).collect();
    assert_eq!(listed, [("total", None), ("notes", None), ("order_date", None)]);
    let late = merge(Some(&change.order), &card, minute(1000));
    assert!(late.changes.is_empty(), "{:?}", late.changes);
    let newer = merge(Some(&late.order), &patch(6, notes("new")), minute(1000)).order;
    assert_eq!(newer.fields.notes.as_deref(), Some("new"));
    assert_eq!(newer.fields.total, None, "no card has said it since");
    let later = merge(Some(&newer), &patch(4, notes("late")), minute(1000)).order;
    assert_eq!(later.fields.notes.as_deref(), Some("new"));
}

#[test]
fn the_version_of_an_order_grows_even_if_the_clock_was_set_back() {
    let before = order(&[patch(0, notes("old"))]);
    let after = edit(&before, &by_hand(5, notes("new")), minute(1)).order;
    assert!(after.updated_at > before.updated_at);
}

#[test]
fn a_column_that_an_edit_clears_and_sets_is_set() {
    let before = order(&[patch(0, notes("old"))]);
    let both = Edit { clear: vec!["notes"], ..by_hand(5, notes("new")) };
    let after = edited(&before, &both);
    assert_eq!(after.fields.notes.as_deref(), Some("new"));
    assert!(after.cleared.is_empty());
}

#[test]
fn a_guard_holds_while_the_status_stands_and_nothing_newer_was_applied() {
    let cancelled = applied(&[status(3, Status::Cancelled)]).order;
    let guard = |status, at| Guard::Status { status, since: minute(at) };
    assert!(guard(Status::Cancelled, 3).holds(&cancelled));
    assert!(guard(Status::Cancelled, 4).holds(&cancelled));
    assert!(!guard(Status::Cancelled, 2).holds(&cancelled));
    assert!(!guard(Status::Shipped, 3).holds(&cancelled));
}

#[test]
fn zero_received_is_stored_as_an_empty_column() {
    let received = |count| Fields { qty_received: Some(count), ..Fields::default() };
    let none = order(&[patch(0, received(0))]);
    assert_eq!(none.fields.qty_received, None);
    assert!(merge(Some(&none), &patch(1, received(0)), minute(1000)).changes.is_empty());
    assert!(!edit(&none, &by_hand(5, received(0)), minute(1000)).dirty);
    let two = order(&[patch(0, received(2))]);
    let change = edit(&two, &by_hand(5, received(0)), minute(1000));
    assert_eq!((change.changes[0].old.as_deref(), change.changes[0].new.as_deref()), (Some("2"), None));
    let late = merge(Some(&change.order), &patch(1, received(2)), minute(1000));
    assert_eq!(late.order.fields.qty_received, None);
}
