//! Embeds and other Discord JSON, complete and damaged.

use serde_json::json;

use super::{check, embed_with, read_all};

#[test]
fn a_field_value_is_a_value_whatever_it_says() {
    for value in [
        "Price",
        "Email",
        "Image",
        "Order Number",
        "Status: shipped",
        "Successful Checkout | Foo",
        "Order Cancelled",
        "Error Card",
        "Test",
        "Declined",
        "\\Price",
        "\\\\Price",
        "**Bold**: x",
        "Fraud Squad",
        "Sold Out",
        "# Size",
        "- 7",
        "Size - 10",
        "a`b",
        "a|b",
        "Notes:",
    ] {
        let shown = value.replace("**", "");
        for label in ["Product", "Profile", "Some Label"] {
            let card =
                read_all(&embed_with(&[(label, value), ("Price", "$5"), ("Order Number", "A-1")])).remove(0);
            let key = if label == "Some Label" { "extra.Some Label" } else { &label.to_lowercase() };
            assert_eq!(card.get(key), Some(&shown), "{label}: {card:?}");
            assert_eq!((card["price"].as_str(), card["number"].as_str()), ("5.00", "A-1"), "{label} {value}");
        }
    }
}

#[test]
fn a_field_name_that_the_table_does_not_know_is_a_name_whatever_it_says() {
    for name in [
        "Error",
        "Test",
        "Success",
        "Declined",
        "Order Update",
        "Order Cancelled",
        "Successful Checkout | Foo",
        "Restock",
        "Product: Foo",
        "\\x",
        "\\Product",
        "Price $",
        "- - -",
        "a: b",
        "*starred*",
        "Checkout Failed",
    ] {
        for fields in [
            [(name, "v"), ("Order Number", "A-1"), ("Price", "$5")],
            [("Order Number", "A-1"), (name, "v"), ("Price", "$5")],
        ] {
            let cards = read_all(&embed_with(&fields));
            assert_eq!(cards.len(), 1, "{name}: {cards:?}");
            assert_eq!(cards[0].get("number").map(String::as_str), Some("A-1"), "{name}: {cards:?}");
            assert_eq!(cards[0].get("price").map(String::as_str), Some("5.00"), "{name}: {cards:?}");
            let kept: Vec<_> = cards[0].iter().filter(|(key, _)| key.starts_with("extra.")).collect();
            assert_eq!(kept.len(), 1, "{name}: {cards:?}");
            assert_eq!(kept[0].1, "v", "{name}");
        }
    }
}

#[test]
fn long_values_keep_their_lines_also_those_that_look_like_labels() {
    check(&[(
        "address and notes",
        &embed_with(&[
            ("Shipping Address", "Jane Doe\n1 Main St\nEmail\nStatus: shipped\n\nUSA"),
            ("Notes", "||Order Cancelled\nPrice\n$5\n**bold**||"),
            ("Order Number", "A-1"),
        ]),
        &[
            ("shipping_address", "Jane Doe\n1 Main St\nEmail\nStatus: shipped\nUSA"),
            ("notes", "Order Cancelled\nPrice\n$5\nbold"),
            ("status", ""),
            ("price", ""),
            ("number", "A-1"),
        ],
    )]);
}

#[test]
fn an_empty_field_states_nothing_and_takes_no_other_value() {
    for nothing in ["", " ", "\u{200b}", "||||", "N/A"] {
        check(&[(
            nothing,
            &embed_with(&[("Tracking Number", nothing), ("Email", "a@b.c"), ("Order Number", "A-1")]),
            &[("tracking_number", ""), ("email", "a@b.c"), ("number", "A-1")],
        )]);
    }
}

#[test]
fn a_heading_is_found_in_each_part_of_an_embed() {
    let fields = json!([{"name": "Order Number", "value": "A-1"}, {"name": "Price", "value": "$5"}]);
    let heading = "Successful Checkout | Best Buy US";
    for embed in [
        json!({"author": {"name": heading}, "fields": fields}),
        json!({"title": heading, "fields": fields}),
        json!({"title": format!("🎉 {heading}"), "fields": fields}),
        json!({"title": format!("**{heading}**"), "fields": fields}),
        json!({"title": format!("[{heading}](https://example.com)"), "fields": fields}),
        json!({"author": {"name": "Some Bot"}, "title": heading, "fields": fields}),
        json!({"description": heading, "fields": fields}),
        json!({"description": format!("{heading}\nhello"), "fields": fields}),
        json!({"description": format!("{heading}\nOrder Number\n#A-1\nPrice\n$5")}),
    ] {
        let payload = json!({"embeds": [embed]}).to_string();
        check(&[(
            payload.as_str(),
            &payload,
            &[("~status", "verified"), ("~store", "Best Buy US"), ("number", "A-1"), ("price", "5.00")],
        )]);
    }
}

#[test]
fn a_heading_beside_an_embed_without_heading_belongs_to_the_embed() {
    let fields = json!([{"name": "Order Number", "value": "A-1"}]);
    for (content, title, status) in [
        ("@here Successful Checkout", "", ""),
        ("gz!\nSuccessful Checkout | S", "", "verified"),
        ("Successful Checkout | S", "Order Update", ""),
        ("Successful Checkout | S", "Some Bot", "verified"),
    ] {
        let payload = json!({"content": content, "embeds": [{"title": title, "fields": fields}]}).to_string();
        check(&[(content, &payload, &[("number", "A-1"), ("~status", status)])]);
        assert_eq!(read_all(&payload).len(), 1);
    }
    let talk = json!({"content": "Test", "embeds": [{"title": "some link"}]}).to_string();
    check(&[("talk beside a link", &talk, &[])]);
}

#[test]
fn every_order_of_a_message_is_read() {
    let order = |number: &str| json!({"title": "Successful Checkout | S", "fields": [{"name": "Order Number", "value": number}]});
    let text = "Successful Checkout | S\nOrder Number\n3";
    let table = [
        (json!({"embeds": [order("1"), order("2")]}), vec!["1", "2"]),
        (json!({"embeds": [{"title": "hello"}, order("2")]}), vec!["2"]),
        (json!({"embeds": [null, 7, order("2")]}), vec!["2"]),
        (json!({"content": text, "embeds": [order("1")]}), vec!["3", "1"]),
        (json!({"content": "gz @everyone", "embeds": [order("1")]}), vec!["1"]),
        (json!([{"content": text}, {"embeds": [order("1")]}]), vec!["3", "1"]),
        (json!({"content": "fwd", "message_snapshots": [{"message": {"embeds": [order("1")]}}]}), vec!["1"]),
        (json!(text), vec!["3"]),
        (json!({"content": format!("{text}\n\n{}", text.replace('3', "4"))}), vec!["3", "4"]),
    ];
    for (payload, numbers) in table {
        let found: Vec<String> =
            read_all(&payload.to_string()).iter().filter_map(|card| card.get("number").cloned()).collect();
        assert_eq!(found, numbers, "{payload}");
    }
}

#[test]
fn nulls_and_wrong_types_affect_only_themselves() {
    let odd = [json!(null), json!(7), json!(true), json!([]), json!({}), json!([null]), json!("")];
    for odd in odd {
        let whole = json!({
            "id": odd, "content": odd, "timestamp": odd, "edited_timestamp": odd, "author": odd, "tts": odd, "components": odd,
            "embeds": [odd, {
                "author": odd, "title": "Successful Checkout | S", "description": odd, "url": odd, "footer": odd,
                "thumbnail": odd, "image": odd, "timestamp": odd, "color": odd,
                "fields": [odd, {"name": odd, "value": odd}, {"name": "Email", "value": null}, {"name": "Profile"},
                    {"name": "Order Number", "value": "A-1", "inline": odd}, {"name": "Price", "value": 5.5}]
            }]
        });
        let cards = read_all(&whole.to_string());
        let card = cards.iter().find(|card| card.contains_key("number")).unwrap();
        assert_eq!((card["number"].as_str(), card["price"].as_str()), ("A-1", "5.50"), "{odd}");
        for inner in ["author", "footer", "thumbnail", "image"] {
            let payload = json!({"embeds": [{inner: {"name": odd, "text": odd, "url": odd},
                "fields": [{"name": "Order Number", "value": "A-1"}]}]});
            assert_eq!(read_all(&payload.to_string())[0]["number"], "A-1", "{inner} {odd}");
        }
    }
}

#[test]
fn flat_json_is_read_under_all_key_names() {
    let table = [
        ("product", json!("X"), "product", "X"),
        ("product_name", json!("X"), "product", "X"),
        ("item", json!("X"), "product", "X"),
        ("price", json!(299.99), "price", "299.99"),
        ("price", json!("$299.99"), "price", "299.99"),
        ("unit_price", json!(5), "price", "5.00"),
        ("total", json!("10"), "total", "10.00"),
        ("total_price", json!(10.5), "total", "10.50"),
        ("amount", json!(10), "total", "10.00"),
        ("commission", json!(1), "commission", "1.00"),
        ("profit", json!(-1), "commission", "-1.00"),
        ("quantity", json!(2), "quantity", "2"),
        ("qty", json!("2"), "quantity", "2"),
        ("quantity", json!(2.0), "quantity", "2"),
        ("email", json!("a@b.c"), "email", "a@b.c"),
        ("customer_email", json!("a@b.c"), "email", "a@b.c"),
        ("customer_name", json!("Jane"), "customer_name", "Jane"),
        ("name", json!("Jane"), "customer_name", "Jane"),
        ("profile", json!(7), "profile", "7"),
        ("proxy_list", json!("p"), "proxy_list", "p"),
        ("proxy", json!("p"), "proxy_list", "p"),
        ("reference", json!(77), "reference_number", "77"),
        ("reference_number", json!("R"), "reference_number", "R"),
        ("status", json!("Canceled"), "status", "cancelled"),
        ("order_status", json!("shipped"), "status", "shipped"),
        ("tracking", json!("T"), "tracking_number", "T"),
        ("tracking_number", json!(123), "tracking_number", "123"),
        ("shipment_id", json!("T"), "tracking_number", "T"),
        ("order_date", json!("2025-11-25"), "order_date", "2025-11-25T00:00:00Z"),
        ("created_at", json!("2025-11-25T16:02:41Z"), "order_date", "2025-11-25T16:02:41Z"),
        ("date", json!(1_764_086_561), "order_date", "2025-11-25T16:02:41Z"),
        ("payment_method", json!("Visa"), "payment_method", "Visa"),
        ("shipping_address", json!("1 Main St\nUSA"), "shipping_address", "1 Main St\nUSA"),
        ("shipping_method", json!("Express"), "shipping_method", "Express"),
        ("notes", json!("a\nEmail\nb"), "notes", "a\nEmail\nb"),
        ("Product_Name", json!("X"), "product", "X"),
        ("warehouse", json!("N"), "extra.warehouse", "N"),
        ("product", json!(null), "product", ""),
        ("price", json!([1, 2]), "price", ""),
        ("price", json!(0.1 + 0.2), "price", "0.30"),
    ];
    for (key, value, column, expected) in table {
        let payload = json!({"order_number": 12, key: value}).to_string();
        check(&[(payload.as_str(), &payload, &[("number", "12"), (column, expected)])]);
    }
    let three = json!([{"order_number": "1", "price": 1}, {"order_number": 2, "product": "X"}, {"order_number": "#3"}]);
    let numbers: Vec<_> = read_all(&three.to_string()).iter().map(|card| card["number"].clone()).collect();
    assert_eq!(numbers, ["1", "2", "3"]);
    let own = json!({"order_id": 7, "order_number": "A-1", "product": "X"}).to_string();
    check(&[("the reseller's own id", &own, &[("number", "A-1")])]);
    let none = json!({"product": "X", "price": 5}).to_string();
    check(&[("no number", &none, &[("error", "missing_order_number")])]);
}

#[test]
fn the_pictures_and_links_around_the_fields_are_read() {
    let payload = json!({"embeds": [{
        "title": "Successful Checkout | S", "url": "https://example.com/o",
        "thumbnail": {"url": "https://example.com/t.png"}, "image": {"url": "https://example.com/i.png"},
        "footer": {"text": "@stellara_io | 8.31.55 | date"}, "timestamp": "2025-11-25T16:02:41.000Z",
        "fields": [{"name": "Order Number", "value": "A-1"}, {"name": "Product", "value": "[X [2] Y](https://example.com/p_(1))"}],
    }]})
    .to_string();
    check(&[(
        "around",
        &payload,
        &[
            ("order_url", "https://example.com/o"),
            ("image_url", "https://example.com/t.png"),
            ("product", "X [2] Y"),
            ("product_url", "https://example.com/p_(1)"),
            ("bot", "Stellar"),
            ("extra.bot_version", "8.31.55"),
            ("~order_date", "2025-11-25T16:02:41Z"),
        ],
    )]);
}

#[test]
fn products_in_the_description_are_read() {
    for (description, product) in [
        ("[**Foo** Bar](https://example.com/p)", "Foo Bar"),
        ("[Foo Bar](https://example.com/p)", "Foo Bar"),
        ("**[Foo Bar](https://example.com/p)**", "Foo Bar"),
        ("• 2x Foo Bar - 49.99 USD (M)", "Foo Bar"),
    ] {
        let payload = json!({"embeds": [{"title": "Successful Checkout!", "description": description,
            "fields": [{"name": "Order #", "value": "A-1"}]}]})
        .to_string();
        check(&[(description, &payload, &[("product", product), ("number", "A-1")])]);
    }
}

#[test]
fn components_give_text_image_footer_and_links() {
    let card = |number: &str| {
        json!({"type": 17, "components": [
            {"type": 10, "content": format!("## Successful Checkout | Target\n**Order Number:** {number}")},
            {"type": 9, "components": [{"type": 10, "content": "**Product**\nExample Tin"}],
                "accessory": {"type": 11, "media": {"url": "https://images.example.com/t.png"}}},
            {"type": 1, "components": [{"type": 2, "style": 5, "label": "View order", "url": "https://x.example/o"}]},
            {"type": 10, "content": "-# Prism Technologies - 1.24.3 (0.13.143)"},
        ]})
    };
    let message = json!({"content": "", "components": [card("A-1"), card("A-2")]});
    let cards = read_all(&message.to_string());
    let numbers: Vec<_> = cards.iter().map(|card| card["number"].as_str()).collect();
    assert_eq!(numbers, ["A-1", "A-2"]);
    for (name, text) in [
        ("product", "Example Tin"),
        ("image_url", "https://images.example.com/t.png"),
        ("order_url", "https://x.example/o"),
        ("bot", "Refract"),
        ("extra.bot_version", "1.24.3"),
        ("~store", "Target"),
    ] {
        assert_eq!(cards[0].get(name).map(String::as_str), Some(text), "{name}: {cards:?}");
    }
}

#[test]
fn the_owner_of_an_order_is_named_by_profile_label_or_mention() {
    const ID: &str = "123456789012345678";
    let with_content = |content: &str| {
        json!({"content": content, "embeds": [{"title": "Successful Checkout | S",
            "fields": [{"name": "Order Number", "value": "A-1"}]}]})
        .to_string()
    };
    check(&[
        (
            "profile",
            &embed_with(&[("Order Number", "A-1"), ("Profile", &format!("||{ID} Ann||"))]),
            &[("owner_id", ID), ("profile", "Ann")],
        ),
        (
            "a mention as the profile",
            &embed_with(&[("Order Number", "A-1"), ("Profile", &format!("<@{ID}>"))]),
            &[("owner_id", ID), ("profile", "")],
        ),
        (
            "label",
            &embed_with(&[("Order Number", "A-1"), ("Buyer", &format!("<@!{ID}>"))]),
            &[("owner_id", ID)],
        ),
        (
            "another buyer",
            &embed_with(&[("Order Number", "A-1"), ("Buyer", "ann")]),
            &[("owner_id", ""), ("extra.buyer", "ann")],
        ),
        ("content", &with_content(&format!("<@{ID}> cooked")), &[("owner_id", ID)]),
        ("two mentions", &with_content(&format!("<@{ID}> <@223456789012345678>")), &[("owner_id", "")]),
        ("a role", &with_content("<@&123456789012345678>"), &[("owner_id", "")]),
    ]);
}

#[test]
fn a_card_of_a_stock_monitor_is_a_notice() {
    let payload = json!({"embeds": [{"title": "Example Box", "author": {"name": "Target Monitor"}, "fields": [
        {"name": "Price", "value": "$5"}, {"name": "SKU", "value": "1"}, {"name": "Quantity", "value": "3"},
    ]}]});
    check(&[("monitor", &payload.to_string(), &[("no order", "monitor")])]);
}
