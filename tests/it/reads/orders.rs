//! The list of orders, single orders and their history.

use serde_json::{Value, json};

use crate::support::app::{App, Reply};

/// An application with six orders, oldest first.
async fn shop() -> App {
    shop_with("").await
}

async fn shop_with(toml: &str) -> App {
    let app = App::start_with(toml).await;
    let order = |number: &str, product: &str, email: &str, status: &str, date: &str| {
        json!({"order_number": number, "product": product, "email": email, "status": status, "order_date": date})
            .to_string()
    };
    app.stored(&[
        &order("A-1", "Caf\u{e9} 100% Arabica", "ann@x.example", "pending", "2026-01-30T23:30:00Z"),
        &order("A-2", "snake_case mug", "bob@x.example", "shipped", "2026-01-31T04:59:59.999999Z"),
        &order("A-3", "snakeXcase mug", "bob@y.example", "shipped", "2026-01-31T05:00:00Z"),
        &order("A-4", "CAF\u{c9} cups", "ann@x.example", "cancelled", "2026-02-01T04:59:59Z"),
        &order("A-5", r"back\slash", "eve@x.example", "pending", "2026-02-01T05:00:00Z"),
        "Successful Checkout | Best Buy US\nOrder Number\nB-6\nProfile\nMain #1\nTracking Number\n1Z999AA10123456784\n",
    ])
    .await;
    app
}

fn numbers(reply: &Reply) -> Vec<&str> {
    assert_eq!(reply.status, 200, "{}", reply.text);
    let orders = reply.json["orders"].as_array().unwrap();
    orders.iter().map(|order| order["order_number"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_list_is_newest_first_and_comes_in_pages() {
    let app = shop().await;
    let page = |reply: &Reply| -> Value {
        let mut json = reply.json.clone();
        json.as_object_mut().unwrap().remove("orders");
        json
    };

    let all = app.get("/api/v2/orders").await;
    assert_eq!(numbers(&all), ["B-6", "A-5", "A-4", "A-3", "A-2", "A-1"]);
    assert_eq!(
        page(&all),
        json!({
            "total": 6, "total_is_exact": true, "page": 1, "limit": 50, "page_size": 50, "has_next": false, "has_previous": false,
            "next": null, "previous": null
        })
    );
    let cases: [(&str, &[&str], bool, bool); 4] = [
        ("limit=2", &["B-6", "A-5"], true, false),
        ("page=2&limit=2", &["A-4", "A-3"], true, true),
        ("page=3&limit=2", &["A-2", "A-1"], false, true),
        ("page=4&limit=2", &[], false, true),
    ];
    for (query, expected, next, previous) in cases {
        let reply = app.get(&format!("/api/v2/orders?{query}")).await;
        assert_eq!(numbers(&reply), expected, "{query}");
        assert_eq!(
            (&reply.json["has_next"], &reply.json["has_previous"]),
            (&json!(next), &json!(previous)),
            "{query}"
        );
        assert_eq!(reply.json["total"], 6, "{query}");
    }
    let accepted = [("page=51&limit=200", 51, 200), ("page=10001&limit=1", 10_001, 1)];
    for (query, number, size) in accepted {
        for query in [query.to_owned(), query.replace("limit", "page_size")] {
            let reply = app.get(&format!("/api/v2/orders?{query}")).await;
            let (page, limit) = (&reply.json["page"], &reply.json["limit"]);
            assert_eq!((page, limit), (&json!(number), &json!(size)), "{query}");
            assert_eq!(&reply.json["page_size"], limit, "{query}");
        }
    }
}

#[tokio::test]
async fn cursors_lead_through_the_list_in_both_directions() {
    let app = shop().await;
    let get = async |query: &str| app.get(&format!("/api/v2/orders?limit=2&{query}")).await;

    let first = get("").await;
    assert_eq!((&first.json["previous"], &first.json["page"]), (&Value::Null, &json!(1)));
    let second = get(&format!("before={}", first.json["next"])).await;
    assert_eq!(numbers(&second), ["A-4", "A-3"]);
    assert_eq!((&second.json["page"], &second.json["total"]), (&Value::Null, &json!(6)));
    // A new order does not move the pages.
    app.stored(&["Order Number\nNEW\n"]).await;
    let third = get(&format!("before={}", second.json["next"])).await;
    assert_eq!(numbers(&third), ["A-2", "A-1"]);
    assert_eq!((&third.json["has_next"], &third.json["next"]), (&json!(false), &Value::Null));
    let back = get(&format!("after={}", third.json["previous"])).await;
    assert_eq!(numbers(&back), ["A-4", "A-3"]);
    let front = get(&format!("after={}", back.json["previous"])).await;
    assert_eq!(numbers(&front), ["B-6", "A-5"]);
    let newest = get(&format!("after={}", front.json["previous"])).await;
    assert_eq!(numbers(&newest), ["NEW"]);
    assert_eq!((&newest.json["has_previous"], &newest.json["previous"]), (&json!(false), &Value::Null));

    let shipped = get("status=shipped&before=3").await;
    assert_eq!(numbers(&shipped), ["A-2"]);
}

#[tokio::test]
async fn a_page_beyond_either_end_of_the_list_leads_back_into_it() {
    let app = shop().await;
    let get = async |query: &str| app.get(&format!("/api/v2/orders?limit=2&{query}")).await;

    for (beyond, way, back, there) in [
        ("before=0", "previous", "after", ["A-2", "A-1"]),
        ("before=1", "previous", "after", ["A-2", "A-1"]),
        ("page=9", "previous", "after", ["A-2", "A-1"]),
        ("after=6", "next", "before", ["B-6", "A-5"]),
        ("after=9223372036854775807", "next", "before", ["B-6", "A-5"]),
    ] {
        let empty = get(beyond).await;
        assert_eq!(numbers(&empty), [""; 0], "{beyond}");
        assert_eq!(empty.json[format!("has_{way}")], json!(true), "{beyond}");
        assert_eq!(numbers(&get(&format!("{back}={}", empty.json[way])).await), there, "{beyond}");
    }
    let nothing = get("page=9&status=refunded").await;
    assert_eq!((&nothing.json["has_previous"], &nothing.json["previous"]), (&json!(false), &Value::Null));
}

#[tokio::test]
async fn orders_are_filtered_by_status_store_and_text() {
    let app = shop().await;
    let cases: [(&str, &[&str]); 23] = [
        ("status=shipped", &["A-3", "A-2"]),
        ("status=SHIPPED", &["A-3", "A-2"]),
        ("status=refunded", &[]),
        ("status=", &["B-6", "A-5", "A-4", "A-3", "A-2", "A-1"]),
        ("store=best%20buy%20us", &["B-6"]),
        ("store=Best", &[]),
        ("email=ANN%40x.example", &["A-4", "A-1"]),
        ("email=x.example", &[]),
        ("profile=main%20%231", &["B-6"]),
        ("search=100%25", &["A-1"]),
        ("search=%25", &["A-1"]),
        ("search=snake_case", &["A-2"]),
        ("search=SNAKE", &["A-3", "A-2"]),
        ("search=%5C", &["A-5"]),
        ("search=Caf%C3%A9%20100", &["A-1"]),
        ("search=CAF%C3%89%20cups", &["A-4"]),
        ("search=a-4", &["A-4"]),
        ("search=%23A-4", &["A-4"]),
        ("search=bob%40y", &["A-3"]),
        ("search=main%20%231", &["B-6"]),
        ("search=0123456784", &["B-6"]),
        ("search=nothing%20like%20it", &[]),
        ("search=mug&status=shipped&limit=1", &["A-3"]),
    ];
    for (query, expected) in cases {
        let reply = app.get(&format!("/api/v2/orders?{query}")).await;
        assert_eq!(numbers(&reply), expected, "{query}");
    }
    let shipped = app.get("/api/v2/orders?status=shipped&limit=1").await.json;
    assert_eq!((&shipped["total"], &shipped["has_next"]), (&json!(2), &json!(true)));
}

#[tokio::test]
async fn since_and_until_are_days_of_the_time_zone_or_moments() {
    let utc = shop().await;
    let york = shop_with("[orders]\ntimezone = \"America/New_York\"").await;
    let cases: [(&App, &str, &[&str]); 9] = [
        (&utc, "since=2026-01-31&until=2026-01-31", &["A-3", "A-2"]),
        (&york, "since=2026-01-31&until=2026-01-31", &["A-4", "A-3"]),
        (&york, "since=31+January+2026&until=31%20January%202026", &["A-4", "A-3"]),
        (&york, "until=2026-01-30", &["A-2", "A-1"]),
        (&utc, "since=2026-01-31T05:00:00Z&until=2026-02-01T05:00:00Z", &["A-4", "A-3"]),
        (&utc, "since=2026-01-31T00:00:00-05:00&until=2026-02-01T00:00:00-05:00", &["A-4", "A-3"]),
        (&utc, "since=2026-01-31T07:00:00+02:00&until=2026-02-01T05:00:00Z", &["A-4", "A-3"]),
        (&utc, "until=2026-01-31T04:59:59.999999Z", &["A-1"]),
        (&utc, "since=2026-01-31T07:00:00%2B02:00&until=2026-01-31", &["A-3"]),
    ];
    for (app, query, expected) in cases {
        assert_eq!(numbers(&app.get(&format!("/api/v2/orders?{query}")).await), expected, "{query}");
    }
}

#[tokio::test]
async fn a_bad_parameter_is_named_with_the_accepted_values() {
    let app = App::start().await;
    let cases = [
        (
            "status=lost",
            "status",
            "pending, processing, shipped, delivered, cancelled, refunded, verified, unverified",
        ),
        ("page=x", "page", "whole number"),
        ("limit=1.5", "limit", "whole number"),
        ("since=yesterday", "since", "31 January 2026"),
        ("until=2026-02-30", "until", "2026-01-31"),
        ("search=a%00b", "search", "control characters"),
        ("page=99999999999999999999", "page", "whole number"),
        ("page=202", "page", "At most 201 with 50 orders on a page. To go further, pass the `next`"),
        ("page=9223372036854775807&limit=200", "page", "At most 51 with 200 orders on a page"),
        ("before=x", "before", "whole number"),
        ("page=2&before=4", "page", "Either a page or a cursor"),
        ("before=4&after=2", "after", "Either `before` or `after`"),
    ];
    for (query, name, accepted) in cases {
        let reply = app.get(&format!("/api/v2/orders?{query}")).await;
        assert_eq!((reply.status, &reply.json["code"]), (400, &json!("bad_parameter")), "{query}");
        assert_eq!(reply.json["message"], format!("Bad parameter: {name}"), "{query}");
        assert!(reply.json["detail"].as_str().unwrap().contains(accepted), "{}", reply.text);
    }
}

#[tokio::test]
async fn an_unknown_or_repeated_parameter_is_an_error_and_never_ignored() {
    let app = App::start().await;
    app.stored(&["Order Number\nA-1\n"]).await;
    let cases = [
        ("orders?stat=shipped", "stat", "did you mean `status`?"),
        ("orders?stat=", "stat", "did you mean `status`?"),
        ("orders?page_siz=2", "page_siz", "did you mean `page_size`?"),
        ("orders?Status=shipped", "Status", "did you mean `status`?"),
        ("orders?warehouse=1", "warehouse", "Known are: limit, "),
        ("orders?=1", "", "Known are: limit, "),
        ("orders?status=shipped&status=pending", "status", "more than once"),
        ("orders?limit=2&page_size=3", "limit", "more than once"),
        ("orders/A-1?status=shipped", "status", "no parameters"),
        ("orders/A-1/events?before=1", "before", "Known are: limit, after"),
        ("webhooks/logs?sourc=webhook", "sourc", "did you mean `source`?"),
        ("webhooks/logs?before=4&before_id=3", "before", "more than once"),
        ("webhooks/logs/1?limit=1", "limit", "no parameters"),
    ];
    for (path, name, detail) in cases {
        let reply = app.get(&format!("/api/v2/{path}")).await;
        assert_eq!((reply.status, &reply.json["code"]), (400, &json!("bad_parameter")), "{path}");
        assert_eq!(reply.json["message"], format!("Bad parameter: {name}"), "{path}");
        assert!(reply.json["detail"].as_str().unwrap().contains(detail), "{path}: {}", reply.text);
    }
}

#[tokio::test]
async fn an_order_is_found_by_number_or_id_and_the_number_wins() {
    let app = App::start().await;
    let flat = |number: &str| json!({"order_number": number, "product": number}).to_string();
    app.stored(&[&flat("A/1 \u{fc}"), &flat("1"), &flat("50%2F")]).await;
    let cases = [
        ("1", 2),
        ("2", 2),
        ("3", 3),
        ("%231", 2),
        ("A%2F1%20%C3%BC", 1),
        ("%23A%2F1%20%C3%BC", 1),
        ("%20A%2F1%20%C3%BC%20", 1),
        ("50%252F", 3),
    ];
    for (key, id) in cases {
        let reply = app.get(&format!("/api/v2/orders/{key}")).await;
        assert_eq!((reply.status, &reply.json["id"]), (200, &json!(id)), "{key}: {}", reply.text);
    }
    let long = "9".repeat(300);
    for key in ["A-1", "4", "0", "-1", "%23", "99999999999999999999", "a%00b", "' OR 1=1 --", &long] {
        for path in [format!("/api/v2/orders/{key}"), format!("/api/v2/orders/{key}/events")] {
            let reply = app.get(&path).await;
            assert_eq!(
                (reply.status, &reply.json["code"]),
                (404, &json!("not_found")),
                "{path}: {}",
                reply.text
            );
            assert_eq!(reply.json["message"], "There is no such order");
        }
    }
    assert_eq!(app.get("/api/v2/orders/%FF").await.status, 400, "no UTF-8");
}

#[tokio::test]
async fn the_json_of_an_order_has_every_column_and_exact_money() {
    let app = App::start().await;
    app.stored(&["Successful Checkout | Best Buy US\nOrder Number\nA-1\nPrice\n$0.29\nQuantity\n3\nTracking Number\n1Z999AA10123456784\n"]).await;
    let reply = app.get("/api/v2/orders/A-1").await;
    assert!(reply.text.contains("\"price\":0.29,\"total\":0.87,"), "{}", reply.text);
    let columns = app.sql().await.columns("orders").await;
    for column in columns.iter().filter(|name| !["derived", "cleared", "items_text"].contains(&name.as_str()))
    {
        assert!(reply.json.get(column).is_some(), "{column} is missing");
    }
    assert_eq!(reply.json["extra"], json!({}));
    assert_eq!(reply.json["carrier"], "UPS");
    let listed = app.get("/api/v2/orders").await.json;
    assert_eq!(listed["orders"][0], reply.json);
}

#[tokio::test]
async fn the_history_of_an_order_is_oldest_first_with_every_change() {
    let app = App::start().await;
    app.stored(&["Order Number\nA-1\nPrice\n$9.99\n", "Order Number\n#A-1\nPrice\n$8.50\nStatus\nShipped\n"])
        .await;

    let reply = app.get("/api/v2/orders/A-1/events").await;

    assert_eq!((&reply.json["order_id"], &reply.json["order_number"]), (&json!(1), &json!("A-1")));
    let events = reply.json["events"].as_array().unwrap();
    assert_eq!(events.len(), 2);
    assert_eq!((&events[0]["event_type"], &events[0]["log_id"]), (&json!("created"), &json!(1)));
    assert_eq!((&events[1]["event_type"], &events[1]["log_id"]), (&json!("updated"), &json!(2)));
    let changes = events[1]["changes"].as_array().unwrap();
    for change in [
        json!({"field": "price", "old": "9.99", "new": "8.50"}),
        json!({"field": "total", "old": "9.99", "new": "8.50"}),
        json!({"field": "status", "old": null, "new": "shipped"}),
    ] {
        assert!(changes.contains(&change), "{change} is missing in {}", reply.text);
    }
    let names: Vec<_> = changes.iter().map(|change| change["field"].as_str().unwrap()).collect();
    assert!(!names.contains(&"updated_at") && !names.contains(&"quantity"), "{names:?}");
    assert_eq!(app.get("/api/v2/orders/1/events").await.json, reply.json);
}

#[tokio::test]
async fn the_history_of_an_order_comes_in_pages() {
    let app = App::start().await;
    for step in 0..5 {
        app.stored(&[&format!("Order Number\nA-1\nNotes\nstep {step}\n"), "Order Number\nB-1\n"]).await;
    }
    let mut seen = Vec::new();
    let mut next = json!(0);
    while let Some(after) = next.as_i64() {
        let reply = app.get(&format!("/api/v2/orders/A-1/events?limit=2&after={after}")).await;
        assert_eq!(reply.json["has_next"], json!(!reply.json["next"].is_null()), "{}", reply.text);
        let notes = reply.json["events"].as_array().unwrap().iter().map(|event| {
            let changes = event["changes"].as_array().unwrap();
            changes.iter().find(|change| change["field"] == "notes").unwrap()["new"]
                .as_str()
                .unwrap()
                .to_owned()
        });
        seen.push(notes.collect::<Vec<_>>());
        next = reply.json["next"].clone();
    }
    assert_eq!(seen, [vec!["step 0", "step 1"], vec!["step 2", "step 3"], vec!["step 4"]]);
}

#[tokio::test]
async fn the_history_of_an_order_holds_at_most_200_events_in_an_answer() {
    let app = App::start().await;
    app.stored(&["Order Number\nA-1\n"]).await;
    app.sql().await.add_events(1, 300).await;
    for (query, expected) in [("", 50), ("?limit=200", 200), ("?limit=200&after=200", 101)] {
        let reply = app.get(&format!("/api/v2/orders/A-1/events{query}")).await;
        assert_eq!(reply.json["events"].as_array().unwrap().len(), expected, "{query}: {}", reply.text);
    }
}

#[tokio::test]
async fn a_limit_or_page_outside_its_range_is_an_error_that_names_the_range() {
    let app = App::start().await;
    app.stored(&["Order Number\nA-1\n"]).await;
    for path in ["/api/v2/orders", "/api/v2/orders/A-1/events", "/api/v2/webhooks/logs"] {
        for limit in ["0", "-1", "201", "100000"] {
            let reply = app.get(&format!("{path}?limit={limit}")).await;
            assert_eq!(reply.status, 400, "{path} {limit}");
            assert!(reply.text.contains("A number from 1 to 200."), "{}", reply.text);
        }
    }
    for page in ["0", "-5"] {
        let reply = app.get(&format!("/api/v2/orders?page={page}")).await;
        assert_eq!(reply.status, 400, "{page}");
        assert!(reply.text.contains("A number from 1."), "{}", reply.text);
    }
}

#[tokio::test]
async fn orders_are_listed_by_their_owner() {
    let app = App::start().await;
    let card = |number, owner| format!("Order Number\n{number}\nProduct\nThing\nOwner\n<@{owner}>\n");
    let (ann, bob) = ("123456789012345678", "223456789012345678");
    app.stored(&[&card("A-1", ann), &card("A-2", bob), &card("A-3", ann), "Order Number\nA-4\n"]).await;
    for owner in [ann.to_owned(), format!("%3C@{ann}%3E"), format!("%3C@!{ann}%3E")] {
        let reply = app.get(&format!("/api/v2/orders?owner={owner}")).await;
        assert_eq!(
            (numbers(&reply), &reply.json["total"]),
            (vec!["A-3", "A-1"], &json!(2)),
            "{}",
            reply.text
        );
    }
    let reply = app.get("/api/v2/orders?owner=ann").await;
    assert_eq!(reply.status, 400, "{}", reply.text);
}

#[tokio::test]
async fn a_list_is_sorted_by_a_column_and_comes_in_pages() {
    let app = shop().await;
    let cases: [(&str, &[&str]); 7] = [
        ("sort=-store", &["B-6", "A-5", "A-4", "A-3", "A-2", "A-1"]),
        ("sort=-order_date&limit=2&page=2", &["A-4", "A-3"]),
        ("sort=-product&since=2026-02-01", &["A-4", "A-5", "B-6"]),
        ("sort=order_date&status=shipped", &["A-2", "A-3"]),
        ("sort=-status&search=a-&limit=3", &["A-3", "A-2", "A-5"]),
        ("sort=order_number&since=2026-02-01", &["A-4", "A-5", "B-6"]),
        ("sort=tracking_number&limit=1", &["B-6"]),
    ];
    for (query, expected) in cases {
        let reply = app.get(&format!("/api/v2/orders?{query}")).await;
        assert_eq!(numbers(&reply), expected, "{query}");
        assert_eq!((&reply.json["next"], &reply.json["previous"]), (&Value::Null, &Value::Null), "{query}");
    }
    let reply = app.get("/api/v2/orders?sort=-order_date&limit=2&page=2").await;
    assert_eq!((&reply.json["has_next"], &reply.json["has_previous"]), (&true.into(), &true.into()));
    for query in ["sort=total&before=3", "sort=notes", "sort=--total"] {
        assert_eq!(app.get(&format!("/api/v2/orders?{query}")).await.status, 400, "{query}");
    }
}
