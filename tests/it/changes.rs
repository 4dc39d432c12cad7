//! Changing orders over HTTP: one order, its cancellation, and many orders at once.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{App, Reply};

const CARD: &str = "Successful Checkout | Target\nOrder Number\nA-1\nProduct\nThing\nPrice\n$10.00\n";

async fn patch(app: &App, order: &str, headers: &[(&str, &str)], body: &Value) -> Reply {
    app.request(Method::PATCH, &format!("/api/v2/orders/{order}"), headers, body.to_string()).await
}

async fn bulk(app: &App, body: &Value) -> Reply {
    app.request(Method::POST, "/api/v2/orders/bulk", &[], body.to_string()).await
}

async fn events(app: &App, order: &str) -> Vec<Value> {
    let page = app.get(&format!("/api/v2/orders/{order}/events")).await.json;
    page["events"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_patch_changes_the_named_columns_and_is_in_the_history() {
    let app = App::start().await;
    app.stored(&[CARD]).await;
    let body = json!({
        "status": "shipped", "tracking_number": " 1Z999AA10123456784 ", "quantity": 3, "commission": 20.5,
        "order_date": "2026-01-31T18:00:00Z", "notes": "first\r\nsecond", "currency": "eur", "product": null,
    });
    let reply = patch(&app, "%23a-1", &[], &body).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let expected = json!({
        "status": "shipped", "tracking_number": "1Z999AA10123456784", "carrier": "UPS", "quantity": 3,
        "commission": 20.5, "order_date": "2026-01-31T18:00:00Z", "notes": "first\nsecond", "currency": "EUR",
        "product": null, "price": 10.0, "total": 30.0, "store": "Target",
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(reply.json[name], *value, "{name}");
    }
    let read = app.get("/api/v2/orders/A-1").await;
    assert_eq!((read.json, read.headers["etag"].clone()), (reply.json, reply.headers["etag"].clone()));

    let events = events(&app, "A-1").await;
    let last = events.last().unwrap();
    assert_eq!(
        (&last["actor"], &last["source"], &last["log_id"]),
        (&json!("api"), &json!("webhook"), &Value::Null)
    );
    assert!(
        last["changes"].as_array().unwrap().contains(&json!({"field": "quantity", "old": "1", "new": "3"}))
    );

    // A card that arrives later and repeats the old message does not undo the change.
    app.stored(&[CARD]).await;
    assert_eq!(app.get("/api/v2/orders/A-1").await.json["status"], "shipped");
    let unchanged = patch(&app, "1", &[], &json!({"status": "shipped"})).await;
    assert_eq!((unchanged.status, unchanged.header("etag")), (200, read.headers["etag"].to_str().unwrap()));
}

#[tokio::test]
async fn a_change_of_an_old_version_is_refused_with_the_current_order() {
    let app = App::start().await;
    app.stored(&[CARD]).await;
    let first = app.get("/api/v2/orders/A-1").await.header("etag").to_owned();
    let mine = patch(&app, "A-1", &[("if-match", &first)], &json!({"notes": "mine"})).await;
    assert_eq!(mine.status, 200, "{}", mine.text);
    let second = mine.header("etag").to_owned();
    assert_ne!(first, second);

    for method in [Method::PATCH, Method::DELETE] {
        let body = json!({"notes": "late"}).to_string();
        let late = app.request(method, "/api/v2/orders/A-1", &[("if-match", &first)], body).await;
        assert_eq!((late.status, &late.json["code"]), (412, &json!("changed")), "{}", late.text);
        assert_eq!((&late.json["current"]["notes"], late.header("etag")), (&json!("mine"), &*second));
    }
    // A card that only confirms the order is no change; one that changes it is.
    app.stored(&["Order Number\nA-1\nPrice\n$10.00\n"]).await;
    assert_eq!(app.get("/api/v2/orders/A-1").await.header("etag"), second);
    let several = format!("\"1\", {second}");
    assert_eq!(patch(&app, "A-1", &[("if-match", &several)], &json!({"notes": "again"})).await.status, 200);
    app.stored(&["Order Number\nA-1\nStatus\nshipped\n"]).await;
    assert_eq!(patch(&app, "A-1", &[("if-match", &several)], &json!({"notes": "x"})).await.status, 412);
    assert_eq!(
        patch(&app, "A-1", &[("if-match", &format!("W/{second}"))], &json!({"notes": "x"})).await.status,
        412
    );
    for (condition, status) in [("*", 200), ("nonsense", 400)] {
        let reply = patch(&app, "A-1", &[("if-match", condition)], &json!({"notes": "any"})).await;
        assert_eq!(reply.status, status, "{condition}: {}", reply.text);
    }
}

#[tokio::test]
async fn of_many_changes_of_one_version_only_one_succeeds() {
    let app = App::start().await;
    app.stored(&[CARD]).await;
    let version = app.get("/api/v2/orders/A-1").await.header("etag").to_owned();
    let headers = [("if-match", version.as_str())];
    let changes = (0..20).map(|at| {
        let (app, headers) = (&app, &headers);
        async move { patch(app, "A-1", headers, &json!({"notes": format!("note {at}")})).await.status }
    });
    let mut statuses = futures_util::future::join_all(changes).await;
    statuses.sort_unstable();
    assert_eq!(statuses[0], 200);
    assert!(statuses[1..].iter().all(|status| *status == 412), "{statuses:?}");
    assert_eq!(events(&app, "A-1").await.len(), 2);
}

#[tokio::test]
async fn every_value_that_cannot_be_used_is_named_and_nothing_is_changed() {
    let app = App::start().await;
    app.stored(&[CARD]).await;
    let before = app.get("/api/v2/orders/A-1").await.json;
    let bad = json!({
        "status": "sent", "price": "abc", "quantity": 0, "qty_received": -1, "order_date": "soon",
        "currency": "XX", "product_url": "javascript:alert(1)", "owner_id": "me", "tracking_number": 5,
        "notes": ["a"], "statsu": "shipped", "id": 7, "order_number": "B-1", "email": "a\u{0}b",
        "total": 1e300, "product": "x".repeat(2000), "store": "fine",
    });
    let reply = patch(&app, "A-1", &[], &bad).await;
    assert_eq!((reply.status, &reply.json["code"]), (422, &json!("bad_value")), "{}", reply.text);
    let errors = reply.json["errors"].as_array().unwrap();
    let mut named: Vec<&str> = errors.iter().map(|error| error["field"].as_str().unwrap()).collect();
    named.sort_unstable();
    let mut expected: Vec<&str> =
        bad.as_object().unwrap().keys().map(String::as_str).filter(|name| *name != "store").collect();
    expected.sort_unstable();
    assert_eq!(named, expected);
    let detail = |field: &str| {
        let error = errors.iter().find(|error| error["field"] == field).unwrap();
        error["detail"].as_str().unwrap().to_owned()
    };
    assert!(detail("status").starts_with("`sent` is not a status; use pending, "), "{}", detail("status"));
    assert!(detail("statsu").contains("did you mean `status`?"));
    assert_eq!(detail("id"), "This value cannot be changed.");
    assert_eq!(app.get("/api/v2/orders/A-1").await.json, before);

    for body in ["", "[]", "{", "null", "\"x\"", "{} {}"] {
        let reply = app.request(Method::PATCH, "/api/v2/orders/A-1", &[], body).await;
        assert_eq!((reply.status, &reply.json["code"]), (400, &json!("bad_body")), "{body}: {}", reply.text);
    }
    let large = json!({"notes": "x".repeat(300 * 1024)});
    assert_eq!(patch(&app, "A-1", &[], &large).await.status, 413);
    assert_eq!(patch(&app, "nothing", &[], &json!({})).await.status, 404);
    assert_eq!(patch(&app, "A-1?x=1", &[], &json!({})).await.status, 400);
    assert_eq!(patch(&app, "A-1", &[], &json!({})).await.json, before);
}

#[tokio::test]
async fn an_amount_below_zero_and_a_text_without_an_address_are_refused() {
    let app = App::start().await;
    app.stored(&[CARD]).await;
    for (column, value, why) in [
        ("price", json!(-5), "`-5` is below zero."),
        ("total", json!("-1.10"), "`-1.10` is below zero."),
        ("email", json!("bad"), "`bad` is not an e-mail address such as name@example.com."),
    ] {
        let reply = patch(&app, "A-1", &[], &json!({column: value})).await;
        assert_eq!((reply.status, &reply.json["errors"][0]["detail"]), (422, &json!(why)), "{}", reply.text);
    }
    // A commission may be below zero, as on a card.
    assert_eq!(patch(&app, "A-1", &[], &json!({"commission": -5})).await.json["commission"], -5.0);
}

#[tokio::test]
async fn an_amount_on_an_order_without_a_currency_is_in_that_of_its_store_or_the_configured_one() {
    let app = App::start_with("[orders]\ncurrency = \"EUR\"\n").await;
    app.stored(&["Order Number\nA-1\n", "Order Number\nA-2\nStore\nBest Buy US\n", "Order Number\nA-3\n"])
        .await;
    for (order, change, currency) in [
        ("A-1", json!({"price": 5}), json!("EUR")),
        ("A-2", json!({"total": 5}), json!("USD")),
        ("A-3", json!({"price": 5, "currency": "GBP"}), json!("GBP")),
        ("A-3", json!({"price": 6}), json!("GBP")),
        ("A-3", json!({"currency": null}), json!(null)),
        ("A-3", json!({"price": 7, "currency": null}), json!(null)),
    ] {
        assert_eq!(patch(&app, order, &[], &change).await.json["currency"], currency, "{order}: {change}");
    }
}

#[tokio::test]
async fn delete_cancels_an_order_and_keeps_it() {
    let app = App::start().await;
    app.stored(&[CARD]).await;
    for _ in 0..2 {
        let reply = app.request(Method::DELETE, "/api/v2/orders/A-1", &[], "").await;
        assert_eq!((reply.status, &reply.json["status"]), (200, &json!("cancelled")), "{}", reply.text);
    }
    let events = events(&app, "A-1").await;
    assert_eq!((events.len(), &events[1]["actor"]), (2, &json!("api")));
    assert_eq!(app.get("/api/v2/orders").await.json["total"], 1);
    patch(&app, "A-1", &[], &json!({"status": "refunded"})).await;
    let refunded = app.request(Method::DELETE, "/api/v2/orders/A-1", &[], "").await;
    assert_eq!(refunded.json["status"], "refunded");
    assert_eq!(app.request(Method::DELETE, "/api/v2/orders/A-2", &[], "").await.status, 404);
}

#[tokio::test]
async fn a_bulk_change_has_a_result_for_each_order() {
    let app = App::start().await;
    for at in 1..=5 {
        app.stored(&[&format!(
            "Order Number\nA-{at}\nStore\n{}\n",
            if at < 4 { "Target" } else { "Kohl's" }
        )])
        .await;
    }
    let change = json!({"orders": ["A-1", "#a-2", "nothing", "A-1"], "set": {"status": "shipped"}});
    let reply = bulk(&app, &change).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let outcomes: Vec<&Value> =
        reply.json["results"].as_array().unwrap().iter().map(|it| &it["outcome"]).collect();
    assert_eq!(outcomes, ["updated", "updated", "not_found", "unchanged"]);
    let counts = ["updated", "unchanged", "failed"].map(|name| reply.json[name].clone());
    assert_eq!(counts, [2, 1, 1].map(Value::from));
    assert_eq!(reply.json["results"][0]["changed"], json!(["status", "shipped_date"]));

    let filtered = bulk(&app, &json!({"filter": {"store": "target"}, "set": {"notes": "paid"}})).await;
    assert_eq!(
        (&filtered.json["updated"], &filtered.json["results"][0]["order"]),
        (&json!(3), &json!("A-3"))
    );
    assert_eq!(app.get("/api/v2/orders/A-4").await.json["notes"], Value::Null);
    assert_eq!(app.get("/api/v2/orders/A-3").await.json["notes"], "paid");
}

#[tokio::test]
async fn a_bulk_change_without_a_clear_choice_changes_nothing() {
    let app = App::start().await;
    app.stored(&["Order Number\nA-1\nStore\nTarget\n"]).await;
    let set = json!({"status": "shipped"});
    let too_many: Vec<String> = (0..501).map(|at| at.to_string()).collect();
    for (body, field) in [
        (json!({"set": set}), "orders"),
        (json!({"set": set, "orders": ["A-1"], "filter": {"store": "Target"}}), "orders"),
        (json!({"set": set, "orders": too_many}), "orders"),
        (json!({"set": set, "filter": {}}), "filter"),
        (json!({"set": set, "filter": {"stor": "Target"}}), "filter.stor"),
        (json!({"set": set, "filter": {"store": "Target", "limit": 1}}), "filter"),
        (json!({"set": {"statsu": "x"}, "orders": ["A-1"]}), "set.statsu"),
    ] {
        let reply = bulk(&app, &body).await;
        assert_eq!((reply.status, &reply.json["errors"][0]["field"]), (422, &json!(field)), "{}", reply.text);
    }
    for body in
        [json!({"orders": ["A-1"]}), json!({"orders": [1], "set": set}), json!({"order": "A-1", "set": set})]
    {
        assert_eq!(bulk(&app, &body).await.status, 400, "{body}");
    }
    let date = bulk(&app, &json!({"filter": {"since": "soon"}, "set": set})).await;
    assert_eq!((date.status, &date.json["message"]), (400, &json!("Bad parameter: since")));
    assert_eq!(events(&app, "A-1").await.len(), 1);
}

#[tokio::test]
async fn pages_of_other_sites_cannot_change_orders() {
    let app = App::start().await;
    app.stored(&[CARD]).await;
    let evil = [("origin", "https://evil.example"), ("content-type", "text/plain")];
    let body = json!({"orders": ["A-1"], "set": {"notes": "evil"}}).to_string();
    for (method, path) in [
        (Method::POST, "/api/v2/orders/bulk"),
        (Method::PATCH, "/api/v2/orders/A-1"),
        (Method::DELETE, "/api/v2/orders/A-1"),
    ] {
        let reply = app.request(method, path, &evil, body.clone()).await;
        assert_eq!((reply.status, &reply.json["code"]), (403, &json!("cross_origin")), "{path}");
    }
    assert_eq!(events(&app, "A-1").await.len(), 1);
}

const TWO_ITEMS: &str = "Successful Checkout | Target\nOrder Number\nB-2\nProduct (1)\nMug\nQuantity (1)\n3\nProduct (2)\nCap\nQuantity (2)\n2\n";

#[tokio::test]
async fn units_received_of_one_item_change_it_alone_and_the_order_to_the_sum() {
    let app = App::start().await;
    app.stored(&[TWO_ITEMS]).await;
    let received = |order: &Value| -> Vec<Value> {
        let items = order["items"].as_array().unwrap().iter().map(|item| item["qty_received"].clone());
        std::iter::once(order["qty_received"].clone()).chain(items).collect()
    };
    let item = |position: u32, count: u32| json!({"items": [{"position": position, "qty_received": count}]});

    let reply = patch(&app, "B-2", &[], &item(2, 1)).await;
    assert_eq!(
        (reply.status, received(&reply.json)),
        (200, vec![json!(1), json!(0), json!(1)]),
        "{}",
        reply.text
    );
    let last = events(&app, "B-2").await.pop().unwrap();
    let fields: Vec<&str> =
        last["changes"].as_array().unwrap().iter().map(|change| change["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["qty_received", "items[2].qty_received"]);

    let both = json!({"items": [{"position": 1, "qty_received": 3}, {"position": 2, "qty_received": 2}]});
    assert_eq!(received(&patch(&app, "B-2", &[], &both).await.json), [5, 3, 2]);
    let same = patch(&app, "B-2", &[], &both).await;
    assert_eq!((same.status, events(&app, "B-2").await.len()), (200, 3), "nothing changed");
    assert_eq!(received(&patch(&app, "B-2", &[], &item(1, 0)).await.json), [2, 0, 2]);
    assert_eq!(received(&app.get("/api/v2/orders/B-2").await.json), [2, 0, 2]);
    assert_eq!(received(&patch(&app, "B-2", &[], &item(2, 0)).await.json), [0, 0, 0]);

    app.stored(&[CARD]).await;
    assert_eq!(received(&patch(&app, "A-1", &[], &item(1, 1)).await.json), [1, 1], "the only item");

    for (body, field) in [
        (item(3, 1), "items"),
        (item(0, 1), "items"),
        (item(1, 1_000_001), "items"),
        (json!({"items": [{"position": 1, "qty_received": -1}]}), "items"),
        (json!({"items": [{"position": 1, "size": "M"}]}), "items"),
        (json!({"items": 1}), "items"),
        (json!({"items": [{"position": 1, "qty_received": 1}, {"position": 1, "qty_received": 2}]}), "items"),
        (json!({"items": [{"position": 1, "qty_received": 1}], "qty_received": 2}), "items"),
    ] {
        let reply = patch(&app, "B-2", &[], &body).await;
        assert_eq!(
            (reply.status, &reply.json["errors"][0]["field"]),
            (422, &json!(field)),
            "{body}: {}",
            reply.text
        );
    }
    let reply = bulk(&app, &json!({"orders": ["B-2"], "set": item(1, 1)})).await;
    assert_eq!(
        (reply.status, &reply.json["errors"][0]["field"]),
        (422, &json!("set.items")),
        "{}",
        reply.text
    );
}

#[tokio::test]
async fn an_order_number_may_have_slashes_in_the_path() {
    let app = App::start().await;
    app.stored(&[&CARD.replace("A-1", "12-34567/LA1/2")]).await;
    let encoded = app.get("/api/v2/orders/12-34567%2FLA1%2F2").await.json;
    assert_eq!(encoded["order_number"], "12-34567/LA1/2");
    for path in ["12-34567/LA1/2", "12-34567/LA1/2/", "12-34567/LA1%2F2", "%2312-34567/la1/2"] {
        let reply = app.get(&format!("/api/v2/orders/{path}")).await;
        assert_eq!((reply.status, &reply.json), (200, &encoded), "{path}");
    }
    assert_eq!(patch(&app, "12-34567/LA1/2", &[], &json!({"notes": "x"})).await.status, 200);
    assert_eq!(events(&app, "12-34567/LA1/2").await.len(), 2);
    let page = app.get("/api/v2/orders/12-34567/LA1/2/events?limit=1").await.json;
    assert_eq!(page["events"].as_array().unwrap().len(), 1);
    let cancelled = app.request(Method::DELETE, "/api/v2/orders/12-34567/LA1/2", &[], String::new()).await;
    assert_eq!((cancelled.status, &cancelled.json["status"]), (200, &json!("cancelled")));
    assert_eq!(app.get("/api/v2/orders/12-34567/LA1/3").await.json["code"], "not_found");
}
