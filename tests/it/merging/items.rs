//! How cards and edits change the items of an order.

use roms::order::merge::{edit, merge};
use roms::order::{Extra, Fields, Order, OrderItem, Patch};

use super::edits::{by_hand, edited};
use super::{amount, applied, minute, order, patch};

fn item(product: &str, quantity: Option<u32>, price: Option<i64>) -> OrderItem {
    OrderItem {
        product: Some(product.to_owned()),
        quantity,
        unit_price: price.and_then(amount),
        line_total: price.and_then(amount).and_then(|price| price.times(quantity.unwrap_or(1))),
        ..OrderItem::default()
    }
}

fn of_size(size: &str, item: OrderItem) -> OrderItem {
    OrderItem { size: Some(size.to_owned()), ..item }
}

fn of_sku(sku: &str, item: OrderItem) -> OrderItem {
    OrderItem { sku: Some(sku.to_owned()), ..item }
}

/// A card with these items, as the parser makes it.
fn card(minutes: i64, items: &[OrderItem], stated: Fields) -> Patch {
    let names: Vec<&str> = items.iter().filter_map(|item| item.product.as_deref()).collect();
    let units: u32 = items.iter().map(|item| item.quantity.unwrap_or(1)).sum();
    let is_list = items.len() > 1;
    let first = items.first().cloned().unwrap_or_default();
    let stated = Fields {
        product: Some(names.join(" + ")).filter(|names| !names.is_empty()),
        quantity: if is_list { Some(units) } else { first.quantity },
        price: first.unit_price.filter(|price| items.iter().all(|item| item.unit_price == Some(*price))),
        ..stated
    };
    let sum = items.iter().try_fold(amount(0).unwrap(), |sum, item| sum.plus(item.line_total?));
    let mut patch = patch(minutes, stated);
    patch.derived.total = sum.filter(|_| is_list);
    Patch { items: items.to_vec(), ..patch }
}

fn listed(minutes: i64, items: &[OrderItem]) -> Patch {
    card(minutes, items, Fields::default())
}

/// `2 Tin L 10.00 of 20.00` for each item.
fn texts(order: &Order) -> Vec<String> {
    let text = |item: &OrderItem| {
        let parts = [
            item.quantity.map(|quantity| quantity.to_string()),
            item.product.clone(),
            item.size.clone(),
            item.sku.clone(),
            item.unit_price.map(|price| price.to_string()),
            item.line_total.map(|total| format!("of {total}")),
            item.qty_received.map(|received| format!("({received} here)")),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    };
    order.items.iter().map(text).collect()
}

fn total(order: &Order) -> String {
    order.fields.total.map(|total| total.to_string()).unwrap_or_default()
}

#[test]
fn a_card_with_one_product_makes_an_item_that_follows_the_order() {
    let order = order(&[listed(0, &[item("Mug", None, Some(500))])]);
    assert_eq!(texts(&order), ["1 Mug 5.00 of 5.00"]);
    let change = merge(
        Some(&order),
        &patch(1, Fields { quantity: Some(3), qty_received: Some(2), ..Fields::default() }),
        minute(1),
    );
    assert_eq!(texts(&change.order), ["3 Mug 5.00 of 15.00 (2 here)"]);
    assert!(change.changes.iter().all(|change| !change.field.starts_with("items")), "{:?}", change.changes);
    let set = Fields { product: Some("Cup".into()), price: amount(400), ..Fields::default() };
    assert_eq!(texts(&edited(&change.order, &by_hand(2, set))), ["3 Cup 4.00 of 12.00 (2 here)"]);
}

#[test]
fn an_order_without_a_product_has_no_item_until_a_product_is_known() {
    let first = order(&[patch(0, Fields { price: amount(500), ..Fields::default() })]);
    assert!(first.items.is_empty());
    let then = merge(Some(&first), &listed(1, &[item("Mug", None, None)]), minute(1)).order;
    assert_eq!(texts(&then), ["1 Mug 5.00 of 5.00"]);
}

#[test]
fn size_and_sku_of_an_only_item_come_from_any_card() {
    let mut sized = patch(1, Fields::default());
    sized.extra = Extra::from([("size".to_owned(), "L".to_owned()), ("sku".to_owned(), "M-1".to_owned())]);
    let change = applied(&[listed(0, &[item("Mug", None, None)]), sized]);
    assert_eq!(texts(&change.order), ["1 Mug L M-1"]);
    let fields: Vec<_> = change.changes.iter().map(|change| change.field.as_str()).collect();
    assert_eq!(fields, ["extra.size", "extra.sku"], "each value is listed once");
}

#[test]
fn an_update_of_an_item_changes_that_item_and_the_sums_of_the_order() {
    let basket = listed(0, &[item("Tin", Some(2), Some(1000)), item("Bundle", Some(1), Some(3000))]);
    let change = applied(&[basket.clone(), listed(5, &[item("  BUNDLE ", Some(2), None)])]);
    assert_eq!(texts(&change.order), ["2 Tin 10.00 of 20.00", "2   BUNDLE  30.00 of 60.00"]);
    assert_eq!(change.order.fields.product.as_deref(), Some("Tin +   BUNDLE "));
    assert_eq!((change.order.fields.quantity, total(&change.order)), (Some(4), "80.00".to_owned()));
    let told: Vec<_> = change
        .changes
        .iter()
        .map(|c| {
            (c.field.as_str(), c.old.as_deref().unwrap_or_default(), c.new.as_deref().unwrap_or_default())
        })
        .filter(|(field, ..)| field.starts_with("items"))
        .collect();
    assert_eq!(
        told,
        [
            ("items[2].product", "Bundle", "  BUNDLE "),
            ("items[2].quantity", "1", "2"),
            ("items[2].line_total", "30.00", "60.00")
        ]
    );
}

#[test]
fn items_match_by_sku_then_by_name_and_size_and_no_item_is_matched_twice() {
    let basket = listed(
        0,
        &[
            of_sku("A-1", of_size("M", item("Shirt", Some(1), None))),
            of_size("L", item("Shirt", Some(1), None)),
            item("Sock", Some(1), None),
            item("Sock", Some(1), None),
        ],
    );
    let update = listed(
        1,
        &[
            of_size("l", item("SHIRT", Some(2), None)),
            of_sku("a 1", item("Shirt (renamed)", Some(3), None)),
            item("Sock", Some(4), None),
            item("Sock", Some(5), None),
            of_sku("B-9", item("Sock", Some(6), None)),
        ],
    );
    let after = order(&[basket, update.clone()]);
    let expected = ["3 Shirt (renamed) M a 1", "2 SHIRT l", "4 Sock", "5 Sock", "6 Sock B-9"];
    assert_eq!(texts(&after), expected, "a text of an item that is stated again is replaced");
    let again = merge(Some(&after), &Patch { at: minute(9), ..update }, minute(9));
    assert!(again.changes.is_empty(), "{:?}", again.changes);
}

#[test]
fn a_card_with_fewer_items_removes_none_and_states_nothing_about_the_whole() {
    let basket = listed(0, &[item("Tin", Some(2), Some(1000)), item("Bundle", Some(1), Some(3000))]);
    let part =
        card(5, &[item("Tin", Some(2), Some(1000))], Fields { total: amount(2000), ..Fields::default() });
    let whole =
        card(6, &[item("Tin + Bundle", Some(3), None)], Fields { total: amount(5500), ..Fields::default() });
    let change = applied(&[basket.clone(), part]);
    assert!(change.changes.is_empty(), "{:?}", change.changes);
    assert_eq!(total(&change.order), "50.00");
    let named_at_once = merge(Some(&change.order), &whole, minute(6)).order;
    assert_eq!(texts(&named_at_once), ["2 Tin 10.00 of 20.00", "1 Bundle 30.00 of 30.00"]);
    assert_eq!(total(&named_at_once), "55.00", "a card about the whole order states its total");
}

#[test]
fn an_older_card_only_fills_gaps() {
    let old =
        listed(0, &[item("Tin", Some(2), Some(1000)), of_size("L", item("Bundle", Some(1), Some(3000)))]);
    let new = listed(5, &[item("Tin", Some(3), None)]);
    let change = applied(&[new, old.clone()]);
    assert_eq!(texts(&change.order), ["3 Tin 10.00 of 30.00", "1 Bundle L 30.00 of 30.00"]);
    assert_eq!(change.order.fields.product.as_deref(), Some("Tin + Bundle"));
    assert_eq!(change.order.fields.quantity, Some(4));
    let other = applied(&[listed(5, &[item("Mug", None, None)]), old]);
    assert_eq!(texts(&other.order), ["1 Mug"], "a newer card named another product");
}

#[test]
fn a_list_takes_the_place_of_an_item_that_stood_for_all() {
    let list = card(
        0,
        &[item("Tin", Some(2), None), item("Bundle", Some(1), None)],
        Fields { total: amount(8641), ..Fields::default() },
    );
    for (product, price) in [("Tin + Bundle", None), ("- 2x Tin", amount(8641))] {
        let mut before =
            order(&[patch(0, Fields { product: Some(product.into()), price, ..Fields::default() })]);
        assert_eq!(before.items.len(), 1);
        let change = merge(Some(&before), &list, minute(9));
        assert_eq!(texts(&change.order), ["2 Tin", "1 Bundle"], "{product}");
        let fields = &change.order.fields;
        assert_eq!((fields.product.as_deref(), fields.quantity), (Some("Tin + Bundle"), Some(3)));
        assert_eq!((fields.price, total(&change.order)), (None, "86.41".to_owned()));
        before.newest = minute(50);
        let late = merge(Some(&before), &list, minute(99)).order;
        assert_eq!(late.items.len(), if product == "Tin + Bundle" { 2 } else { 1 }, "{product}");
    }
}

#[test]
fn received_units_are_given_to_the_items_in_order() {
    let basket =
        listed(0, &[item("Tin", Some(2), None), item("Bundle", None, None), item("Mug", Some(4), None)]);
    let received = |count| patch(1, Fields { qty_received: Some(count), ..Fields::default() });
    let after = |count| texts(&order(&[basket.clone(), received(count)]));
    assert_eq!(after(1), ["2 Tin (1 here)", "1 Bundle", "4 Mug"]);
    assert_eq!(after(4), ["2 Tin (2 here)", "1 Bundle (1 here)", "4 Mug (1 here)"]);
    assert_eq!(after(9), ["2 Tin (2 here)", "1 Bundle (1 here)", "4 Mug (6 here)"]);
    let none = by_hand(9, Fields { qty_received: Some(0), ..Fields::default() });
    let change = edit(&order(&[basket, received(4)]), &none, minute(9));
    assert_eq!(texts(&change.order), ["2 Tin", "1 Bundle", "4 Mug"]);
    let fields: Vec<_> = change.changes.iter().map(|change| change.field.as_str()).collect();
    assert_eq!(
        fields,
        ["qty_received", "items[1].qty_received", "items[2].qty_received", "items[3].qty_received"]
    );
}
