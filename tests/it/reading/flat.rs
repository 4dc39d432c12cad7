//! Flat JSON: objects whose keys are labels.

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
