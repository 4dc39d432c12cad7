//! No input makes the parser panic, hang or grow without bound.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::{check, embed_with, read_all};

/// Generous for a debug build on a busy machine. Code that is quadratic in a megabyte takes minutes.
const DEADLINE: Duration = Duration::from_mins(1);

#[test]
fn damaged_payloads_are_read_as_far_as_they_go() {
    let deep = "[".repeat(100_000);
    let deep_objects = "{\"embeds\":[".repeat(50_000);
    let nested = format!("{}{}", "[".repeat(120), "]".repeat(120));
    check(&[
        ("deep arrays", &deep, &[]),
        ("deep objects", &deep_objects, &[]),
        ("nested arrays", &nested, &[]),
        ("truncated", "{\"embeds\":[{\"title\":\"Successful Checkout | S\",\"fields\":[{\"name\":\"Ord", &[]),
        ("a lone bracket", "{", &[]),
        ("a number", "7", &[]),
        (
            "a lone high surrogate",
            r#"{"content":"Successful Checkout | S\nOrder Number\nA-1\nProduct\nX \ud83d Y"}"#,
            &[("number", "A-1"), ("product", "X \u{fffd} Y")],
        ),
        (
            "a lone low surrogate at the end",
            r#"{"order_number":"A-1","product":"X\udc00"}"#,
            &[("number", "A-1"), ("product", "X\u{fffd}")],
        ),
        (
            "a lone surrogate beside a pair and an escaped backslash",
            r#"{"order_number":"A-1","product":"\ud83d\ud83d\ude00\\ud83d"}"#,
            &[("number", "A-1"), ("product", "\u{fffd}😀\\ud83d")],
        ),
        (
            "NUL in JSON",
            "{\"order_number\":\"A\\u0000-1\",\"product\":\"X\\u0000\"}",
            &[("number", "A-1"), ("product", "X")],
        ),
        (
            "text that begins like JSON",
            "[gz]\nSuccessful Checkout | S\nOrder Number\nA-1",
            &[("number", "A-1")],
        ),
        ("BOM before JSON", "\u{feff}{\"order_number\":\"A-1\",\"product\":\"X\"}", &[("number", "A-1")]),
    ]);
}

#[test]
fn large_and_hostile_texts_are_read_in_time() {
    let many = 100_000;
    let wicked = [
        "a".repeat(1_000_000),
        "Successful Checkout | S\n".repeat(10_000),
        "Successful Checkout | S\nOrder Number\nA-1\n".repeat(10_000),
        "](".repeat(many),
        "[](".repeat(many),
        "[".repeat(many),
        "](((".repeat(many / 2),
        "<".repeat(300_000),
        format!("{}>", "<:a".repeat(many)),
        "**".repeat(many),
        "** a".repeat(many),
        "||".repeat(many),
        "`".repeat(many),
        "&".repeat(many),
        "&amp".repeat(many),
        "*".repeat(many),
        "_*".repeat(many),
        ":a: ".repeat(many),
        "\\".repeat(many),
        "> ".repeat(many),
        "# ".repeat(many),
        "Price\n$1\n".repeat(10_000),
        "Price\n$x\n".repeat(10_000),
        "Product (1)\nX\n".repeat(8_000),
        "Product\nProduct\n".repeat(8_000),
        "**a**\nb\n".repeat(10_000),
        "a: b\n".repeat(10_000),
        "Notes\n".to_owned() + &"x\n".repeat(30_000),
        "```\n".repeat(50_000),
        "- ".repeat(many),
        "\u{200b}".repeat(many),
        "Email: ".repeat(50_000),
    ];
    for text in &wicked {
        let begun = Instant::now();
        for payload in [
            text.clone(),
            format!("Successful Checkout | S\nOrder Number\nA-1\n{text}"),
            format!("Successful Checkout | S\nOrder Number\nA-1\nProduct\n{text}"),
            embed_with(&[("Product", text), (text, "x"), ("Order Number", "A-1")]),
        ] {
            read_all(&payload);
        }
        let shown: String = text.chars().take(12).collect();
        assert!(begun.elapsed() < DEADLINE, "{shown:?} took until {:?}", begun.elapsed());
    }
}

/// Pieces of texts that are hard to parse.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "Product",
            "Price",
            "Order Number",
            "Email",
            "Notes",
            "Status: shipped",
            "Successful Checkout | S",
            "Error",
            "Order Cancelled",
            "\\",
            "`",
            "```",
            "|",
            "||",
            "**",
            "*",
            "_",
            "~~",
            "[",
            "](",
            ")",
            "<",
            ">",
            "<:a:1>",
            ":",
            ": ",
            "#",
            "- ",
            "\n",
            "\r\n",
            "\u{200b}",
            "\u{202e}",
            "\0",
            "&amp;",
            "$5",
            "€49,99",
            "A-1",
            "N/A",
            "😀",
            " - ",
            "(1)",
        ])
        .prop_map(str::to_owned),
        any::<String>(),
        "[a-zA-Z0-9 ]{1,12}",
    ]
}

fn hard_text() -> impl Strategy<Value = String> {
    prop::collection::vec(piece(), 0..24).prop_map(|pieces| pieces.concat())
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        hard_text().prop_map(Into::into),
    ];
    let key = prop::sample::select(vec![
        "content",
        "embeds",
        "author",
        "name",
        "title",
        "description",
        "fields",
        "value",
        "footer",
        "text",
        "url",
        "image",
        "thumbnail",
        "timestamp",
        "edited_timestamp",
        "id",
        "order_number",
        "price",
        "quantity",
        "order_date",
        "notes",
        "message_snapshots",
        "message",
    ]);
    leaf.prop_recursive(5, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(serde_json::Value::Array),
            prop::collection::vec((key.clone(), inner), 0..8)
                .prop_map(|pairs| pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()),
        ]
    })
}

/// A line without markup, which must not change.
fn line_without_markup() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "Product",
        "Price",
        "Email",
        "Order Number",
        "Notes:",
        "Status: shipped",
        "Successful Checkout | S",
        "Error",
        "Test",
        "Checkout Failed",
        "Order Cancelled | X",
        "\\",
        "|",
        ":",
        "#",
        "-",
        "$5",
        "a",
        "B 7",
        "(1)",
        "😀",
        "é",
        "'",
        "/",
        "https:",
        "= ",
        "+",
        "!",
        "?",
        "%",
        "1",
    ]);
    prop::collection::vec(pieces, 1..6)
        .prop_map(|pieces| pieces.join(" "))
        .prop_filter("says something", |line| !matches!(line.trim(), "-" | ""))
        .prop_map(|line| line.trim().to_owned())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_without_panic(text in hard_text()) {
        read_all(&text);
        read_all(&format!("Successful Checkout | S\nOrder Number\n#A-1\n{text}"));
    }

    #[test]
    fn any_json_is_read_without_panic(value in any_json()) {
        read_all(&value.to_string());
    }

    #[test]
    fn any_text_in_a_field_leaves_the_other_fields_alone(name in hard_text(), value in hard_text()) {
        let cards = read_all(&embed_with(&[("Order Number", "A-1"), ("Product", &value), (&name, &value), ("Price", "$5")]));
        let is_order_or_failure = cards.len() == 1
            && (cards[0].get("number").is_some_and(|number| number == "A-1") || cards[0].contains_key("no order"));
        prop_assert!(is_order_or_failure, "{cards:?}");
    }

    #[test]
    fn a_field_value_without_markup_comes_back_whatever_it_says(value in line_without_markup()) {
        let card = read_all(&embed_with(&[("Product", &value), ("Order Number", "A-1")])).remove(0);
        prop_assert_eq!(card.get("product"), Some(&value));
        prop_assert_eq!(&card["number"], "A-1");
    }
}
