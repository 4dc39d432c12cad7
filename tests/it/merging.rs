//! The rules of merging a patch into an order.

mod edits;
mod items;
mod properties;

use chrono::{DateTime, TimeDelta, Utc};
use iso_currency::Currency;
use roms::order::merge::{Change, merge};
use roms::order::{Amount, Fields, Order, OrderNumber, Patch, Source, Status};

/// A number of minutes after a fixed time.
fn minute(minutes: i64) -> DateTime<Utc> {
    "2025-11-25T16:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::minutes(minutes)
}

fn amount(hundredths: i64) -> Option<Amount> {
    Amount::from_hundredths(hundredths)
}

/// A patch as the parser makes it, with a derived quantity and date.
fn patch(minutes: i64, stated: Fields) -> Patch {
    let derived = Fields {
        quantity: Some(1),
        order_date: Some(minute(minutes)),
        order_time: stated.order_date.is_none().then(|| format!("04:{minutes:02}:00 PM")),
        ..Fields::default()
    };
    Patch {
        number: OrderNumber::parse("A-1").unwrap(),
        at: minute(minutes),
        source: Source::Webhook,
        stated,
        derived,
        extra: [].into(),
        items: Vec::new(),
    }
}

fn status(minutes: i64, status: Status) -> Patch {
    patch(minutes, Fields { status: Some(status), ..Fields::default() })
}

/// A patch as from a success card.
fn success(minutes: i64, stated: Fields) -> Patch {
    let mut patch = patch(minutes, stated);
    patch.derived.status = Some(Status::Verified);
    patch
}

/// Applies patches in order and returns the last change.
fn applied(patches: &[Patch]) -> Change {
    let mut last: Option<Change> = None;
    for patch in patches {
        last = Some(merge(last.as_ref().map(|change| &change.order), patch, minute(1000)));
    }
    last.unwrap()
}

fn order(patches: &[Patch]) -> Order {
    applied(patches).order
}

#[test]
fn a_stated_field_replaces_and_an_absent_one_keeps() {
    let first =
        patch(0, Fields { product: Some("X".into()), email: Some("a@b.c".into()), ..Fields::default() });
    let second = patch(1, Fields { product: Some("Y".into()), ..Fields::default() });
    let change = applied(&[first, second]);
    assert_eq!(change.order.fields.product.as_deref(), Some("Y"));
    assert_eq!(change.order.fields.email.as_deref(), Some("a@b.c"));
    let listed: Vec<_> =
        change.changes.iter().map(|c| (c.field.as_str(), c.old.as_deref(), c.new.as_deref())).collect();
    assert_eq!(listed, [("product", Some("X"), Some("Y"))]);
}

#[test]
fn a_derived_value_only_fills_an_empty_column() {
    let fields = Fields { quantity: Some(3), status: Some(Status::Shipped), ..Fields::default() };
    let order = order(&[patch(0, fields), success(1, Fields::default())]);
    assert_eq!(order.fields.quantity, Some(3));
    assert_eq!(order.fields.status, Some(Status::Shipped));
    assert_eq!(order.fields.order_date, Some(minute(0)));
}

#[test]
fn the_same_patch_again_changes_nothing() {
    let first = success(0, Fields { price: amount(500), ..Fields::default() });
    for later in [first.clone(), Patch { at: minute(9), ..first.clone() }] {
        let change = applied(&[first.clone(), later]);
        assert!(change.changes.is_empty(), "{:?}", change.changes);
        assert!(!change.created);
    }
}

#[test]
fn an_older_message_fills_empty_columns_only() {
    let new = patch(5, Fields { product: Some("New".into()), ..Fields::default() });
    let old = patch(
        1,
        Fields {
            product: Some("Old".into()),
            email: Some("a@b.c".into()),
            quantity: Some(2),
            ..Fields::default()
        },
    );
    let order = order(&[new, old]);
    assert_eq!(order.fields.product.as_deref(), Some("New"));
    assert_eq!(order.fields.email.as_deref(), Some("a@b.c"));
    assert_eq!(order.fields.quantity, Some(2), "a stated value replaces a derived one, however old");
    assert_eq!(order.newest, minute(5));
    assert_eq!(order.fields.order_date, Some(minute(1)), "the earlier message is nearer to the order");
    assert_eq!(order.fields.order_time.as_deref(), Some("04:01:00 PM"));
}

#[test]
fn the_earliest_of_three_messages_dates_the_order_whatever_their_order() {
    let patches = [0, 5, 9].map(|at| patch(at, Fields::default()));
    for turn in [[0, 1, 2], [2, 1, 0], [2, 0, 1], [1, 2, 0], [1, 0, 2], [0, 2, 1]] {
        let order = order(&turn.map(|at| patches[at].clone()));
        assert_eq!(order.fields.order_date, Some(minute(0)), "{turn:?}");
        assert_eq!(order.fields.order_time.as_deref(), Some("04:00:00 PM"), "{turn:?}");
    }
}

#[test]
fn cancelled_and_refunded_give_way_only_to_a_newer_stated_status() {
    for void in [Status::Cancelled, Status::Refunded] {
        let dead = status(5, void);
        assert_eq!(order(&[dead.clone(), success(9, Fields::default())]).fields.status, Some(void));
        assert_eq!(order(&[dead.clone(), success(1, Fields::default())]).fields.status, Some(void));
        assert_eq!(order(&[dead.clone(), status(5, Status::Verified)]).fields.status, Some(void));
        assert_eq!(order(&[dead.clone(), status(1, Status::Shipped)]).fields.status, Some(void));
        assert_eq!(order(&[dead, status(6, Status::Shipped)]).fields.status, Some(Status::Shipped));
    }
}

#[test]
fn the_newer_of_a_hold_and_a_confirmation_stands() {
    let hold = |at| {
        let mut hold = patch(at, Fields::default());
        hold.derived.status = Some(Status::Pending);
        hold
    };
    let confirmed = |at| success(at, Fields::default());
    let cases = vec![
        ([hold(0), confirmed(1)], Status::Verified),
        ([confirmed(1), hold(0)], Status::Verified),
        ([confirmed(0), hold(1)], Status::Pending),
        ([hold(1), confirmed(0)], Status::Pending),
        ([status(0, Status::Shipped), hold(1)], Status::Shipped),
        ([status(0, Status::Cancelled), confirmed(1)], Status::Cancelled),
    ];
    for (patches, expected) in cases {
        assert_eq!(order(&patches).fields.status, Some(expected));
    }
}

#[test]
fn a_derived_product_changes_no_order_that_names_one() {
    let known = patch(0, Fields { product: Some("Acme Kettle".to_owned()), ..Fields::default() });
    let mut titled = patch(1, Fields::default());
    titled.derived.product = Some("Tracking Added".to_owned());
    let merged = order(&[known, titled]);
    assert_eq!(merged.fields.product.as_deref(), Some("Acme Kettle"));
    assert_eq!(merged.items.len(), 1);
    assert_eq!(merged.items[0].product.as_deref(), Some("Acme Kettle"));
}

#[test]
fn a_total_that_is_price_times_quantity_follows() {
    let price = |at, hundredths| patch(at, Fields { price: amount(hundredths), ..Fields::default() });
    let quantity = |at, n| patch(at, Fields { quantity: Some(n), ..Fields::default() });
    let total = |patches: &[Patch]| order(patches).fields.total;
    assert_eq!(total(&[price(0, 500)]), amount(500));
    assert_eq!(total(&[price(0, 500), quantity(1, 3)]), amount(1500));
    assert_eq!(total(&[quantity(1, 3), price(0, 500)]), amount(1500), "late");
    assert_eq!(total(&[price(0, 500), quantity(1, 3), price(2, 700)]), amount(2100));
    let own = patch(0, Fields { price: amount(500), total: amount(500), ..Fields::default() });
    assert_eq!(total(&[own.clone(), quantity(1, 3)]), amount(1500));
    assert_eq!(total(&[quantity(1, 3), own]), amount(1500), "late");
    let taxed = patch(0, Fields { price: amount(500), total: amount(540), ..Fields::default() });
    assert_eq!(total(&[taxed.clone(), quantity(1, 3)]), amount(540), "a total of its own stays");
    assert_eq!(total(&[taxed, price(1, 700)]), amount(540));
    assert_eq!(
        total(&[price(0, Amount::MAX_HUNDREDTHS), quantity(1, 1_000_000)]),
        amount(Amount::MAX_HUNDREDTHS)
    );
}

#[test]
fn becoming_shipped_or_delivered_sets_its_date_once() {
    let shipped = status(1, Status::Shipped);
    let delivered = status(7, Status::Delivered);
    for patches in [
        vec![success(0, Fields::default()), shipped.clone(), status(3, Status::Shipped), delivered.clone()],
        vec![delivered, shipped],
    ] {
        let order = order(&patches);
        assert_eq!(order.fields.shipped_date, Some(minute(1)));
        assert_eq!(order.fields.delivered_date, Some(minute(7)));
        assert_eq!(order.fields.status, Some(Status::Delivered));
    }
    let fields =
        Fields { status: Some(Status::Shipped), shipped_date: Some(minute(-60)), ..Fields::default() };
    assert_eq!(order(&[patch(0, fields)]).fields.shipped_date, Some(minute(-60)), "a stated date stands");
    let dead = order(&[status(5, Status::Cancelled), status(1, Status::Shipped)]);
    assert_eq!(dead.fields.status, Some(Status::Cancelled));
}

#[test]
fn extra_labels_follow_the_same_rules() {
    let with = |at, value: &str| Patch {
        extra: [("size".to_owned(), value.to_owned())].into(),
        ..patch(at, Fields::default())
    };
    assert_eq!(order(&[with(0, "M"), with(1, "L")]).extra["size"], "L");
    assert_eq!(order(&[with(1, "L"), with(0, "M")]).extra["size"], "L");
    assert_eq!(order(&[with(0, "M"), patch(1, Fields::default())]).extra["size"], "M");
    assert_eq!(applied(&[with(0, "M"), with(1, "L")]).changes[0].field, "extra.size");
}

#[test]
fn a_stated_currency_replaces_a_derived_one_however_old() {
    let mut new = patch(5, Fields { price: amount(500), ..Fields::default() });
    new.derived.currency = Some(Currency::USD);
    let old = patch(1, Fields { currency: Some(Currency::CAD), ..Fields::default() });
    assert_eq!(order(&[new, old]).fields.currency, Some(Currency::CAD));
}
