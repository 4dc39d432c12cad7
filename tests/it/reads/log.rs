//! The webhook log.

use serde_json::json;

use crate::support::app::{App, Reply};

fn ids(reply: &Reply) -> Vec<i64> {
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json["logs"].as_array().unwrap().iter().map(|log| log["id"].as_i64().unwrap()).collect()
}

/// Three created, two rejected, one ignored; ids 1 to 6.
async fn app_with_log() -> App {
    let app = App::start().await;
    for body in [
        "Order Number\nA-1\n",
        "hello",
        "Order Number\nA-2\n",
        "Test Webhook | Refract\nProduct\nThing\n",
        "hello",
        "Order Number\nA-3\n",
    ] {
        app.post(body).await;
    }
    app
}

#[tokio::test]
async fn the_log_is_newest_first_with_every_field() {
    let app = app_with_log().await;
    let reply = app.get("/api/v2/webhooks/logs").await;
    assert_eq!(ids(&reply), [6, 5, 4, 3, 2, 1]);
    let page = |name: &str| reply.json[name].clone();
    assert_eq!(
        (page("total"), page("limit"), page("has_next"), page("next"), page("next_before_id")),
        (json!(6), json!(50), json!(false), json!(null), json!(null))
    );
    let mut row = reply.json["logs"][0].clone();
    assert!(row["created_at"].as_str().unwrap().ends_with('Z'));
    row.as_object_mut().unwrap().remove("created_at");
    assert_eq!(
        row,
        json!({
            "id": 6, "source": "webhook", "endpoint": "/api/v2/webhooks/orders", "method": "POST", "status_code": 200,
            "processed": true, "outcome": "created", "code": null, "error_message": null, "warnings": [],
            "order_ids": [3], "payload_preview": "Order Number\nA-3\n", "emptied_at": null
        })
    );
}

#[tokio::test]
async fn the_log_is_read_page_by_page() {
    let app = app_with_log().await;
    let mut seen = Vec::new();
    let mut next = json!(7);
    while let Some(before) = next.as_i64() {
        let reply = app.get(&format!("/api/v2/webhooks/logs?limit=2&before={before}")).await;
        assert_eq!(reply.json["total"], 6, "of all pages");
        assert_eq!(reply.json["has_next"], json!(!reply.json["next"].is_null()));
        let older_name = app.get(&format!("/api/v2/webhooks/logs?limit=2&before_id={before}")).await;
        assert_eq!(older_name.text, reply.text);
        seen.push(ids(&reply));
        next = reply.json["next"].clone();
    }
    assert_eq!(seen, [[6, 5], [4, 3], [2, 1]]);
    let odd = app.get("/api/v2/webhooks/logs?limit=5").await;
    assert_eq!((&odd.json["next"], &odd.json["next_before_id"]), (&json!(2), &json!(2)));
}

#[tokio::test]
async fn the_log_is_filtered() {
    let app = app_with_log().await;
    let cases: [(&str, &[i64], u64); 7] = [
        ("outcome=rejected", &[5, 2], 2),
        ("outcome=Created&limit=1", &[6], 3),
        ("outcome=ignored", &[4], 1),
        ("outcome=duplicate", &[], 0),
        ("source=webhook&outcome=rejected&before_id=5", &[2], 2),
        ("source=discord_bot", &[], 0),
        ("limit=200&before_id=3", &[2, 1], 6),
    ];
    for (query, expected, total) in cases {
        let reply = app.get(&format!("/api/v2/webhooks/logs?{query}")).await;
        assert_eq!(ids(&reply), expected, "{query}");
        assert_eq!(reply.json["total"], total, "{query}");
    }
}

#[tokio::test]
async fn an_answer_holds_at_most_200_rows() {
    let app = App::start().await;
    let bodies = (0..201).map(|at| app.post(format!("hello {at}")));
    futures_util::future::join_all(bodies).await;
    let reply = app.get("/api/v2/webhooks/logs?limit=200").await;
    assert_eq!((ids(&reply).len(), &reply.json["next_before_id"]), (200, &json!(2)));
    assert_eq!(ids(&app.get("/api/v2/webhooks/logs").await).len(), 50);
}

#[tokio::test]
async fn a_bad_parameter_of_the_log_is_named() {
    let app = App::start().await;
    let cases = [
        ("logs?limit=ten", "limit"),
        ("logs?before_id=1e3", "before_id"),
        ("logs?before=1e3", "before"),
        ("logs?outcome=lost", "outcome"),
        ("logs?source=mail", "source"),
        ("logs/first", "id"),
    ];
    for (path, name) in cases {
        let reply = app.get(&format!("/api/v2/webhooks/{path}")).await;
        assert_eq!((reply.status, &reply.json["code"]), (400, &json!("bad_parameter")), "{path}");
        assert_eq!(reply.json["message"], format!("Bad parameter: {name}"));
        assert!(!reply.json["detail"].as_str().unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_single_row_has_the_whole_payload_and_a_list_its_beginning() {
    let app = App::start().await;
    let body = format!("Order Number\nA-1\nNotes\n{}\n", "\u{e9}".repeat(500));
    app.stored(&[&body]).await;
    let whole = app.get("/api/v2/webhooks/logs/1").await.json;
    assert_eq!(whole["payload"], body);
    assert!(whole["flattened"].as_str().unwrap().contains("Order Number\nA-1"));
    let listed = app.get("/api/v2/webhooks/logs").await.json;
    let preview: String = body.chars().take(200).collect();
    assert_eq!(listed["logs"][0]["payload_preview"], preview);

    let missing = app.get("/api/v2/webhooks/logs/2").await;
    assert_eq!((missing.status, &missing.json["message"]), (404, &json!("There is no such log entry")));
}

#[tokio::test]
async fn the_count_of_a_long_log_stops_and_says_so() {
    let app = App::start().await;
    app.sql()
        .await
        .run(
            "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 10500) \
             INSERT INTO webhook_logs (source, endpoint, outcome, warnings, order_ids, payload, flattened, sent_at, \
             created_at) SELECT 'webhook', '/', CASE WHEN n <= 200 THEN 'ignored' ELSE 'rejected' END, '[]', '[]', \
             'x', 'x', '2026-01-31T00:00:00+00:00', '2026-01-31T00:00:00+00:00' FROM numbers",
        )
        .await;
    for (query, total, is_exact) in
        [("", 10_000, false), ("?outcome=rejected", 10_000, false), ("?outcome=ignored", 200, true)]
    {
        let reply = app.get(&format!("/api/v2/webhooks/logs{query}")).await;
        let found = (&reply.json["total"], &reply.json["total_is_exact"]);
        assert_eq!(found, (&json!(total), &json!(is_exact)), "{query}: {}", reply.text);
        assert_eq!(ids(&reply).len(), 50);
    }
    let longest = app.get("/api/v2/webhooks/logs?limit=200").await;
    assert_eq!(ids(&longest).len(), 200);
}
