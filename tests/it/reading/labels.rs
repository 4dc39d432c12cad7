//! Every label that checkout bots are known to use is read into its column.

use super::{embed_with, read_all};

/// Why a line of the list is not a label to test.
fn skipped(label: &str, column: &str) -> Option<&'static str> {
    let positions = [
        "description line 1",
        "embed title",
        "[**name**](url) in description",
        "[name](url) in description",
        "• Nx name - price CUR (size)",
        "trailing ' - $x' of Item",
        "'Nx ' before the name",
        "2nd line of Profile",
        "2nd ProfileName",
        "after '|' in author/title",
        "embed description",
        "after ' - ' in title",
        "2nd part of Size 'M -- Black'",
        "2nd part of Size/Color",
        "embed timestamp",
        "message timestamp",
        "footer date",
        "link of Product",
        "link in description",
        "embed url",
        "link of Order Number",
        "[Track Order](url) under a zero-width name",
        "embed thumbnail",
        "footer 'Prism Technologies - 1.24.3 (0.13.143)'",
        "footer '@stellara_io | 8.31.55 | date'",
        "?key= or token in order links",
        "\u{200b}",
    ];
    if positions.contains(&label) {
        return Some("a position in the card, not a label");
    }
    match (label, column) {
        ("Title", "product") => Some("of monitor cards alone, which are no orders"),
        ("Amount", "quantity") => Some("a header of spreadsheets; in cards it is money"),
        ("SKU", "order_number") => Some("a header of spreadsheets; in cards it is the article"),
        ("Date", "posted_date") => Some("a header of card statements; in cards it is the order date"),
        ("qty", "qty_received") => Some("a header of receiving lists; in cards it is what was ordered"),
        ("Image", "ignored") => Some("ignored only where it has no value; else it is the picture"),
        (_, "sensitive") => Some("a note on secrets; the label stands under its column too"),
        (_, "module" | "region") => Some("stands under store too, which it fills"),
        _ => None,
    }
}

/// A value for a column, and the key and text that must be read from it.
fn sample(label: &str, column: &str) -> (&'static str, String, &'static str) {
    let extra = |value| (value, format!("extra.{column}"), value);
    let own = |value| (value, column.to_owned(), value);
    match column {
        "price" | "total" | "commission" => ("$12.50", column.to_owned(), "12.50"),
        "quantity" => own("3"),
        "qty_received" => own("4"),
        "email" if label == "Profile / Email" => ("P / j@example.com", "email".to_owned(), "j@example.com"),
        "email" => own("a@example.com"),
        "profile" if label == "Profile / Email" => ("P / j@example.com", "profile".to_owned(), "P"),
        "order_number" => ("#B-2", "number".to_owned(), "B-2"),
        "status" => own("delivered"),
        "failure_reason" if label == "Cancel Reason" => ("Limit", "cancel_reason".to_owned(), "Limit"),
        "failure_reason" => ("Limit", "reason".to_owned(), "Limit"),
        "payment_method" => own("Visa 1234"),
        "order_date" | "posted_date" | "shipped_date" | "delivered_date" => {
            ("<t:1764086561:f>", column.to_owned(), "2025-11-25T16:02:41Z")
        }
        "product_url" | "order_url" | "image_url" => own("https://example.com/x"),
        "size" | "sku" | "color" | "category" | "mode" | "checkout_id" | "checkout_time" | "is_preorder"
        | "bot_version" => extra("Some 7"),
        _ => own("Some 7"),
    }
}

#[test]
fn every_known_label_is_read_into_its_column() {
    let list =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/labels.json")).unwrap();
    let list: Vec<serde_json::Value> = serde_json::from_str(&list).unwrap();
    let mut wrong = Vec::new();
    let mut read = 0;
    for line in &list {
        let (label, column) = (line["label"].as_str().unwrap(), line["column"].as_str().unwrap());
        if skipped(label, column).is_some() {
            continue;
        }
        read += 1;
        let (value, key, expected) = sample(label, column);
        let numbered = label.replace("(n)", "(1)").replace("- n", "- 1").replace(" n ", " 1 ");
        let mut fields = vec![(numbered.as_str(), value)];
        if column != "order_number" {
            fields.push(("Order Number", "A-1"));
        }
        if (label.to_lowercase().as_str(), column) == ("amount", "total") {
            fields.push(("Price", "$1"));
        }
        let text: Vec<String> = fields.iter().map(|(name, value)| format!("{name}\n{value}\n")).collect();
        let text = format!("Successful Checkout | S\n{}", text.concat());
        for payload in [embed_with(&fields), text] {
            let said = read_all(&payload).remove(0);
            let right = if column == "ignored" {
                !format!("{said:?}").contains(value)
            } else {
                said.get(&key).map(String::as_str) == Some(expected)
            };
            if !right {
                wrong.push(format!("{label} -> {column}: {said:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(read > 150, "only {read} labels of the list were tried");
}

#[test]
fn ambiguous_labels_are_resolved_by_their_value() {
    let table = [
        ("Payment", "Visa ending in 1234", "payment_method"),
        ("Payment", "Main #7", "profile"),
        ("Account", "a@example.com", "email"),
        ("Account", "Main #7", "profile"),
        ("Username", "a@example.com", "email"),
        ("Username", "woozy", "extra.username"),
        ("Name", "Jane Doe", "customer_name"),
    ];
    for (label, value, key) in table {
        let said = read_all(&embed_with(&[(label, value), ("Order Number", "A-1")])).remove(0);
        assert_eq!(said.get(key).map(String::as_str), Some(value), "{label}: {said:?}");
    }
    let item =
        read_all(&embed_with(&[("Item", "Foo &amp; Bar - 2 - $49.99"), ("Order Number", "A-1")])).remove(0);
    assert_eq!((item["product"].as_str(), item["total"].as_str()), ("Foo & Bar - 2", "49.99"));
    let item = read_all(&embed_with(&[("Item", "Size - 10"), ("Order Number", "A-1")])).remove(0);
    assert_eq!(item["product"], "Size - 10");
    let sniped =
        read_all(&embed_with(&[("Profile", "Main #7\na@example.com"), ("Order Number", "A-1")])).remove(0);
    assert_eq!((sniped["profile"].as_str(), sniped["email"].as_str()), ("Main #7", "a@example.com"));
}
