//! Properties that hold for any patches in any order.

use proptest::prelude::*;
use roms::order::merge::merge;
use roms::order::{Amount, Fields, Patch, Status};
use rust_decimal::Decimal;

use super::{applied, minute, order, patch};

fn maybe_text() -> impl Strategy<Value = Option<String>> {
    prop::option::of("[a-c]".prop_map(String::from))
}

fn any_amount() -> impl Strategy<Value = Amount> {
    (-Amount::MAX_HUNDREDTHS..=Amount::MAX_HUNDREDTHS).prop_map(|n| Amount::from_hundredths(n).unwrap())
}

/// Fields that a card may state, without totals.
fn fields() -> impl Strategy<Value = Fields> {
    let texts = (maybe_text(), maybe_text(), maybe_text(), maybe_text());
    let numbers = (
        prop::option::of(1_u32..4),
        prop::option::of((0_i64..1000).prop_map(|n| Amount::from_hundredths(n).unwrap())),
        prop::option::of((-90_i64..90).prop_map(minute)),
    );
    (texts, numbers).prop_map(|((product, email, store, notes), (quantity, price, order_date))| Fields {
        product,
        email,
        store,
        notes,
        quantity,
        price,
        order_date,
        ..Fields::default()
    })
}

/// Fields with a status that is not final and possibly a total: price times quantity, or another amount.
fn any_fields() -> impl Strategy<Value = Fields> {
    use Status::{Delivered, Processing, Shipped};
    let status = prop::option::of(prop::sample::select(vec![Processing, Shipped, Delivered]));
    (fields(), status, any::<bool>(), prop::option::of(5000_i64..6000)).prop_map(
        |(facts, status, multiplied, total)| {
            let product = facts.price.and_then(|price| price.times(facts.quantity.unwrap_or(1)));
            let total = if multiplied { product } else { total.and_then(Amount::from_hundredths) };
            Fields { status, total, ..facts }
        },
    )
}

fn any_patch() -> impl Strategy<Value = Patch> {
    let status = prop::option::of(prop::sample::select(Status::ALL.to_vec()));
    let total = prop::option::of((0_i64..3000).prop_map(|n| Amount::from_hundredths(n).unwrap()));
    let extra = prop::collection::btree_map("[xy]", "[a-c]", 0..3);
    (0_i64..6, fields(), status, total, extra, any::<bool>()).prop_map(
        |(at, facts, status, total, extra, succeeded)| {
            let mut patch = patch(at, Fields { status, total, ..facts });
            patch.derived.status = succeeded.then_some(Status::Verified);
            Patch { extra, ..patch }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_patch_applied_again_changes_nothing(
        before in prop::collection::vec(any_patch(), 0..4),
        again in any_patch(),
    ) {
        let mut patches = before;
        patches.push(again.clone());
        let once = order(&patches);
        let twice = merge(Some(&once), &again, minute(2000));
        prop_assert!(twice.changes.is_empty(), "{:?}", twice.changes);
        prop_assert!(!twice.dirty);
        prop_assert_eq!(twice.order, once);
    }

    #[test]
    fn the_newer_fact_stands_in_whatever_order_two_messages_come(old in any_fields(), new in any_fields()) {
        let (old, new) = (patch(1, old), patch(2, new));
        let there = order(&[old.clone(), new.clone()]);
        let back = order(&[new, old]);
        prop_assert_eq!(there.fields, back.fields);
        prop_assert_eq!(there.newest, back.newest);
    }

    #[test]
    fn a_stored_value_is_never_erased(patches in prop::collection::vec(any_patch(), 2..6)) {
        let (last, before) = patches.split_last().unwrap();
        let known = order(before);
        let after = merge(Some(&known), last, minute(2000)).order;
        let names: Vec<_> = after.fields.named_texts().into_iter().map(|(name, _)| name).collect();
        for (name, _) in known.fields.named_texts() {
            prop_assert!(names.contains(&name), "{name} is lost");
        }
        prop_assert!(known.extra.keys().all(|name| after.extra.contains_key(name)));
        prop_assert!(after.newest >= known.newest);
    }

    #[test]
    fn the_newest_stated_facts_stand(patches in prop::collection::vec(any_patch(), 1..6), last in any_patch()) {
        let mut patches = patches;
        let last = Patch { at: minute(10), ..last };
        patches.push(last.clone());
        let order = order(&patches);
        let texts = order.fields.named_texts();
        for stated in last.stated.named_texts() {
            prop_assert!(texts.contains(&stated), "{stated:?} is not in {texts:?}");
        }
    }

    #[test]
    fn the_list_of_changes_is_the_difference(patches in prop::collection::vec(any_patch(), 2..6)) {
        let before = order(&patches[..patches.len() - 1]);
        let change = applied(&patches);
        let mut expected = before.fields.changes_to(&change.order.fields).len();
        expected += change.order.extra.iter().filter(|(name, value)| before.extra.get(*name) != Some(value)).count();
        prop_assert_eq!(change.changes.len(), expected);
        prop_assert!(change.changes.iter().all(|change| change.old != change.new));
        prop_assert_eq!(change.order.updated_at > before.updated_at, !change.changes.is_empty());
    }

    #[test]
    fn only_a_newer_stated_status_revives_a_cancelled_or_refunded_order(
        void in prop::sample::select(vec![Status::Cancelled, Status::Refunded]),
        next in any_patch(),
    ) {
        let mut dead = patch(3, Fields::default());
        dead.stated.status = Some(void);
        let revived = order(&[dead, next.clone()]).fields.status != Some(void);
        let may = next.at > minute(3) && next.stated.status.is_some();
        prop_assert!(!revived || may);
    }

    #[test]
    fn money_goes_through_a_decimal_and_a_float_and_back(amount in any_amount()) {
        let decimal = amount.to_decimal();
        prop_assert_eq!(Amount::from_decimal(decimal), Some(amount));
        prop_assert_eq!(decimal.to_string().parse::<Decimal>().ok().and_then(Amount::from_decimal), Some(amount));
        let real: f64 = decimal.to_string().parse().unwrap();
        let decimal = Decimal::from_f64_retain(real).unwrap();
        prop_assert_eq!(Amount::from_decimal(decimal), Some(amount));
    }
}

#[test]
fn the_ends_of_the_range_of_money_hold() {
    for n in [Amount::MAX_HUNDREDTHS, -Amount::MAX_HUNDREDTHS, 0, 1, -1] {
        let amount = Amount::from_hundredths(n).unwrap();
        assert_eq!(Amount::from_decimal(amount.to_decimal()), Some(amount));
    }
    assert_eq!(Amount::from_hundredths(Amount::MAX_HUNDREDTHS + 1), None);
    assert_eq!(Amount::from_hundredths(i64::MIN), None);
    assert_eq!(Amount::from_decimal(Decimal::MAX), None);
    assert_eq!(Amount::from_decimal(Decimal::MIN), None);
}
