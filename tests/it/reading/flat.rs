//! Flat JSON: objects whose keys are labels.

use std::time::{Duration, Instant};

use roms::card::message::{Message, Part};
use serde_json::json;

use super::{check, read_all};

#[test]
fn long_numbers_keep_every_digit_and_amounts_lose_only_the_rounding_of_binary() {
    check(&[
        (
            "long numbers",
            r#"{"order_number":123456789012345678901234567890123,"tracking_number":9400110200881234567890,
                "reference":-123456789012345678901, "product":"7 \" 9400110200881234567890, ","profile":1234567890123456}"#,
            &[
                ("number", "123456789012345678901234567890123"),
                ("tracking_number", "9400110200881234567890"),
                ("reference_number", "-123456789012345678901"),
                ("product", "7 \" 9400110200881234567890,"),
                ("profile", "1234567890123456"),
            ],
        ),
        (
            "the rounding of binary",
            r#"{"order_number":17,"price":199.98000000000002,"total":0.30000000000000004}"#,
            &[("number", "17"), ("price", "199.98"), ("total", "0.30")],
        ),
        (
            "exponents and decimals",
            r#"{"order_number":"A","tracking_number":9400110200881234567890.5,"reference":1.2345678901234567e21}"#,
            &[("tracking_number", "9400110200881234567890.5"), ("reference_number", "1.2345678901234567e21")],
        ),
        (
            "beside half of a surrogate pair",
            r#"{"order_number":9400110200881234567890,"product":"\ud83d"}"#,
            &[("number", "9400110200881234567890"), ("product", "\u{fffd}")],
        ),
    ]);
}

#[test]
fn an_amount_too_small_for_money_is_empty_and_never_zero() {
    for price in ["1e-7", "0.0000001", "5.551115123125783e-17", "-1e-7"] {
        let card = read_all(&format!(r#"{{"order_number":"a1","price":{price}}}"#)).remove(0);
        assert_eq!(card.get("price"), None, "{price}");
        assert!(card["warnings"].starts_with("price: "), "{price}: {card:?}");
    }
    for zero in ["0", "0.0", "0e0"] {
        let card = read_all(&format!(r#"{{"order_number":"a1","price":{zero}}}"#)).remove(0);
        assert_eq!(card["price"], "0.00", "{zero}");
    }
}

#[test]
fn lists_and_objects_are_joined_with_commas() {
    let card = read_all(
        r#"{"order_number":"a2","price":{"amount":1000,"cents":50},"email":["a@b.c"],"tags":["x",2,null,""],
            "shipping_address":{"city":"X","country":"US","street":"1 St","street2":null,"zip":12345},"notes":[]}"#,
    )
    .remove(0);
    assert_eq!(card["shipping_address"], "1 St, X, 12345, US");
    assert_eq!((card["email"].as_str(), card["extra.tags"].as_str()), ("a@b.c", "x, 2"));
    assert!(card["warnings"].starts_with("price: \"1000, 50\""), "{card:?}");
    assert_eq!((card.get("price"), card.get("notes")), (None, None));
    check(&[
        ("a plain amount", r#"{"order_number":"a3","price":{"amount":1}}"#, &[("price", "1.00")]),
        (
            "an amount with its currency",
            r#"{"order_number":"a4","price":{"amount":1.5,"currency":"EUR"}}"#,
            &[("price", "1.50"), ("currency", "EUR"), ("warnings", "")],
        ),
    ]);
}

#[test]
fn a_flat_order_without_number_is_rejected_and_other_objects_are_not_cards() {
    let missing = [("error", "missing_order_number")].as_slice();
    check(&[
        ("product", r#"{"product":"solo"}"#, missing),
        ("price", r#"{"price":null}"#, missing),
        ("total", r#"{"amount":5,"total":5}"#, missing),
        ("empty", r#"{"order_number":""}"#, missing),
        ("null", r#"{"order_number":null,"email":"a@b.c"}"#, missing),
        ("other words", r#"{"foo":"bar"}"#, &[]),
        ("talk", r#"{"order":"pizza"}"#, &[]),
    ]);
    let cards = read_all(r#"[{"order_number":"AL-1","product":"a"},{"product":"lost"}]"#);
    assert_eq!(cards.len(), 2);
    assert_eq!((cards[0]["number"].as_str(), cards[1]["error"].as_str()), ("AL-1", "missing_order_number"));
    let said_of_status = cards[0].keys().any(|key| key.ends_with("status") || key.ends_with("store"));
    assert!(!said_of_status, "{:?}", cards[0]);
}

#[test]
fn a_currency_label_never_contradicts_the_amounts() {
    check(&[
        (
            "key",
            r#"{"order_number":"CU-1","price":5,"currency":"EUR"}"#,
            &[("currency", "EUR"), ("extra.currency", ""), ("~currency", ""), ("price", "5.00")],
        ),
        (
            "label",
            "Successful Checkout | S\nCurrency: cad\nPrice\n$5\nOrder Number\nA-1",
            &[("currency", "CAD"), ("price", "5.00"), ("warnings", "")],
        ),
        (
            "against a sign",
            r#"{"order_number":"CU-2","currency":"EUR","price":"£5"}"#,
            &[
                ("currency", "GBP"),
                ("price", "5.00"),
                ("extra.currency", "EUR"),
                ("warnings", "currency: the amounts are not in EUR; ignored"),
            ],
        ),
        (
            "no code",
            r#"{"order_number":"CU-3","currency":"gold","price":5}"#,
            &[
                ("currency", ""),
                ("~currency", "USD"),
                ("extra.currency", "gold"),
                ("warnings", "currency: \"gold\" is not a currency code; ignored"),
            ],
        ),
    ]);
}

#[test]
fn an_implausible_timestamp_is_not_used() {
    for time in ["0000-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "9999-01-01T00:00:00Z"] {
        let payload = serde_json::json!({
            "id": "1", "timestamp": time,
            "embeds": [{"title": "Successful Checkout | S", "fields": [{"name": "Order Number", "value": "A-1"}]}]
        });
        assert_eq!(read_all(&payload.to_string())[0]["~order_date"], "2026-01-02T03:04:05Z", "{time}");
    }
}

#[test]
fn a_list_of_products_is_read_as_items() {
    let payload = r#"{"order_number": "A-1", "total": 30, "items": [
        {"name": "Bundle", "qty": 2, "size": "M"}, {"name": "Tin"}]}"#;
    check(&[(
        "items",
        payload,
        &[
            ("product", "Bundle + Tin"),
            ("quantity", "3"),
            ("total", "30.00"),
            ("item1.product", "Bundle"),
            ("item1.quantity", "2"),
            ("item1.size", "M"),
            ("item2.product", "Tin"),
            ("item2.quantity", "1"),
        ],
    )]);
}

#[test]
fn a_member_that_is_an_object_never_replaces_what_the_order_states() {
    check(&[
        (
            "result",
            r#"{"order_number":"A-1","status":"cancelled","result":{"status":"success"}}"#,
            &[("number", "A-1"), ("status", "cancelled"), ("~status", "")],
        ),
        (
            "id",
            r#"{"orderNumber":"A-1","order":{"id":987654,"status":"shipped"}}"#,
            &[("number", "A-1"), ("status", "shipped")],
        ),
        (
            "transaction",
            r#"{"order_number":"A-1","total":100,"transaction":{"total":25,"amount":30}}"#,
            &[("total", "100.00"), ("extra.transaction total", "25")],
        ),
        (
            "an empty value states nothing",
            r#"{"order_number":"","status":null,"order":{"order_number":"A-1","status":"shipped"}}"#,
            &[("number", "A-1"), ("status", "shipped")],
        ),
        (
            "refund",
            r#"{"order_number":"A-1","total":20,"refund":{"total":5,"status":"refunded"}}"#,
            &[
                ("total", "20.00"),
                ("status", ""),
                ("extra.refund total", "5"),
                ("extra.refund status", "refunded"),
            ],
        ),
        (
            "refund alone",
            r#"{"order_number":"A-1","refund":{"total":5,"status":"refunded","order_number":"R-1"}}"#,
            &[("number", "A-1"), ("total", ""), ("status", "")],
        ),
        (
            "fulfillment",
            r#"{"order_number":"A-1","status":"cancelled","fulfillment":{"status":"success"}}"#,
            &[("status", "cancelled"), ("~status", "")],
        ),
        (
            "customer",
            r#"{"order_number":"A-1","total":20,"customer":{"total":900,"name":"Sam"}}"#,
            &[("total", "20.00"), ("customer_name", "Sam")],
        ),
        (
            "a customer of Shopify",
            r#"{"order_number":"A-1","email":"sam@example.com","customer":{"id":1,"email":"other@example.com"}}"#,
            &[("email", "sam@example.com"), ("customer_name", "")],
        ),
        (
            "a parcel",
            r#"{"order_number":"A-1","shipping":{"tracking_number":"1Z999AA10123456784","status":"delivered"}}"#,
            &[("tracking_number", "1Z999AA10123456784"), ("status", "")],
        ),
    ]);
}

#[test]
fn an_event_or_a_status_counts_more_than_the_success_of_a_request() {
    check(&[
        (
            "type",
            r#"{"success":true,"type":"order.cancelled","order_number":"A-1"}"#,
            &[("status", "cancelled")],
        ),
        (
            "type inside",
            r#"{"success":true,"data":{"type":"order.cancelled","order_number":"A-1"}}"#,
            &[("status", "cancelled")],
        ),
        (
            "type outside",
            r#"{"type":"order.cancelled","data":{"event":"checkout.success","success":true,"order_number":"A-1"}}"#,
            &[("status", "cancelled")],
        ),
        (
            "status",
            r#"{"success":true,"status":"shipped","order_number":"A-1"}"#,
            &[("status", "shipped"), ("~status", "")],
        ),
        ("success", r#"{"success":true,"order_number":"A-1"}"#, &[("~status", "verified")]),
    ]);
}

#[test]
fn a_member_that_looks_like_a_message_does_not_hide_the_order_around_it() {
    check(&[
        (
            "message",
            r#"{"order_number":"A-1004","status":"shipped","message":{"text":"Your parcel left"}}"#,
            &[("number", "A-1004"), ("status", "shipped"), ("extra.text", "Your parcel left")],
        ),
        (
            "fields",
            r#"{"order_number":"A-1005","status":"shipped","fields":[{"name":"Gift","value":"yes"}]}"#,
            &[("number", "A-1005"), ("status", "shipped")],
        ),
        ("content", r#"{"order":{"number":"A-1006","content":"Mug"}}"#, &[("number", "A-1006")]),
        (
            "a wrapped message",
            r#"{"id":7,"message":{"content":"Successful Checkout | S\nOrder Number\nA-1007"}}"#,
            &[("number", "A-1007"), ("~status", "verified")],
        ),
    ]);
}

#[test]
fn a_name_is_an_order_number_only_if_it_looks_like_one() {
    check(&[
        ("goods", r#"{"order":{"name":"Mug","price":10}}"#, &[("error", "missing_order_number")]),
        (
            "Shopify",
            r##"{"order":{"id":987654,"name":"#4321","customer":{"id":1,"first_name":"Sam","last_name":"Lee"}}}"##,
            &[("number", "4321"), ("customer_name", "Sam Lee")],
        ),
        ("a code", r#"{"order":{"name":"SO-17","price":10}}"#, &[("number", "SO-17")]),
        (
            "totals",
            r#"{"order_number":"A-1","totals":{"grandTotal":{"amount":"104.50","currencyCode":"GBP"}}}"#,
            &[("total", "104.50"), ("currency", "GBP")],
        ),
    ]);
}

#[test]
fn objects_in_a_list_take_only_the_store_the_event_and_the_currency_around_it() {
    let payload = r#"{"orders":[{"order_number":"A-1","price":10},{"order_number":"A-2","price":20}],
        "total":2,"count":2,"status":"success","store":"Target","currency":"EUR","event":"order.shipped"}"#;
    let cards = read_all(payload);
    assert_eq!(cards.len(), 2);
    for (card, price) in cards.iter().zip(["10.00", "20.00"]) {
        assert_eq!((card["price"].as_str(), card.get("total")), (price, None), "{card:?}");
        assert_eq!((card["store"].as_str(), card["currency"].as_str()), ("Target", "EUR"), "{card:?}");
        assert_eq!((card["status"].as_str(), card.get("quantity")), ("shipped", None), "{card:?}");
    }
}

#[test]
fn a_long_list_is_cut_and_many_keys_are_read_fast() {
    let read = |value: serde_json::Value| {
        let start = Instant::now();
        let message =
            Message::from_payload(&value.to_string(), "test", "2026-01-02T03:04:05Z".parse().unwrap());
        assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
        let is_object = |part: &&Part| matches!(part, Part::Embed(_));
        (message.parts.iter().filter(is_object).count(), message.left_out)
    };
    let many = vec![json!({}); 20_000];
    assert_eq!(
        read(json!({"note": "x".repeat(60_000), "store": "y".repeat(60_000), "orders": many})),
        (100, 19_900)
    );
    let lists = vec![json!({"orders": [{}, {}]}); 60];
    assert_eq!(read(json!({"records": lists})), (100, 10));
    let keys: serde_json::Map<_, _> = (0..20_000).map(|n| (format!("a{n}"), json!(1))).collect();
    assert_eq!(read(json!({"order": keys.clone()})), (1, 0));
    assert_eq!(read(json!({"order_number": "A-1", "customer": keys})), (1, 0));
}
