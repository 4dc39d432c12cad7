//! Statistics over HTTP.

use serde_json::{Value, json};

use crate::support::app::App;

async fn app() -> App {
    let app = App::start_with("[orders]\ntimezone = \"America/New_York\"\n").await;
    for (number, store, price, status, date) in [
        ("S-1", "Best Buy US", "$1,299.99", "verified", "2026-01-31 10:00"),
        ("S-2", "Best Buy US", "$0.02", "shipped", "2026-01-31 11:00"),
        ("S-3", "Argos UK", "£140.00", "delivered", "2026-02-01 00:30"),
        ("S-4", "Target", "$50.00", "cancelled", "2026-02-01 23:30"),
    ] {
        let card = format!(
            "Successful Checkout | {store}\nOrder Number\n{number}\nPrice\n{price}\nStatus\n{status}\nOrder Date\n{date}\n"
        );
        app.stored(&[&card]).await;
    }
    app
}

#[tokio::test]
async fn totals_and_groups_are_those_of_the_command() {
    let app = app().await;
    let all = app.get("/api/v2/stats?period=all&by=store").await;
    assert_eq!(all.status, 200, "{}", all.text);
    assert_eq!(
        all.json["totals"],
        json!({
            "orders": 4, "cancelled_or_refunded": 1, "cancel_percent": 25.0, "units": 3,
            "spend": [
                {"currency": "USD", "amount": 1300.01, "average": 650.01, "orders": 2},
                {"currency": "GBP", "amount": 140.0, "average": 140.0, "orders": 1},
            ],
        })
    );
    let keys = |stats: &Value| -> Vec<Value> {
        stats["groups"].as_array().unwrap().iter().map(|group| group["key"].clone()).collect()
    };
    assert_eq!(keys(&all.json), ["Best Buy US", "Argos UK", "Target"]);
    assert_eq!(all.json["groups"][0]["spend"][0]["amount"], 1300.01);
    assert_eq!(
        (&all.json["by"], &all.json["title"], &all.json["more_groups"]),
        (&json!("store"), &json!("All time"), &json!(0))
    );

    let days = app.get("/api/v2/stats?since=2026-01-31&until=2026-02-01").await.json;
    assert_eq!(keys(&days), ["2026-01-31", "2026-02-01"]);
    assert_eq!(days["groups"][1]["orders"], 2, "days are those of New York");
    let ends = ["from", "to", "timezone", "title"].map(|name| days[name].clone());
    assert_eq!(
        ends,
        ["2026-01-31", "2026-02-01", "America/New_York", "31 Jan – 1 Feb 2026"].map(Value::from)
    );
    let one = app.get("/api/v2/stats?until=2026-01-31&by=status").await.json;
    assert_eq!(keys(&one), ["shipped", "verified"]);
    let today = app.get("/api/v2/stats?period=today").await.json;
    assert_eq!((&today["totals"]["orders"], &today["groups"]), (&json!(0), &json!([])));
    assert_eq!(
        app.get("/api/v2/stats").await.json["title"].as_str().unwrap().split(" ·").next(),
        Some("This month")
    );
}

#[tokio::test]
async fn a_period_that_cannot_be_used_names_its_parameter() {
    let app = App::start().await;
    for (query, parameter, detail) in [
        ("period=today&since=2026-01-31", "period", "either a period"),
        ("since=2026-02-01&until=2026-01-31", "since", "ends before it begins"),
        ("since=2099-01-01", "since", "in the future"),
        ("since=2026-01-31&until=soon", "until", "soon is not a date"),
        ("until=2026-02-30", "until", "not a date"),
        ("period=yesterday", "period", "One of: today, 7 days, "),
        ("by=colour", "by", "One of: day, store, "),
        ("group=day", "group", "Unknown parameter"),
    ] {
        let reply = app.get(&format!("/api/v2/stats?{query}")).await;
        let message = format!("Bad parameter: {parameter}");
        assert_eq!((reply.status, &reply.json["message"]), (400, &json!(message)), "{query}: {}", reply.text);
        assert!(reply.json["detail"].as_str().unwrap().contains(detail), "{query}: {}", reply.text);
    }
}

#[tokio::test]
async fn orders_are_counted_by_their_owner() {
    let app = app().await;
    let owner = r#"{"owner_id": "123456789012345678"}"#;
    for number in ["S-1", "S-3"] {
        let changed =
            app.request(reqwest::Method::PATCH, &format!("/api/v2/orders/{number}"), &[], owner).await;
        assert_eq!(changed.status, 200, "{}", changed.text);
    }
    let stats = app.get("/api/v2/stats?period=all&by=owner").await.json;
    let groups = stats["groups"].as_array().unwrap();
    let counted: Vec<Value> = groups.iter().map(|group| json!([group["key"], group["orders"]])).collect();
    assert_eq!(counted, [json!([null, 2]), json!(["123456789012345678", 2])]);
    let page = app.get("/numbers?period=all&by=owner").await.text;
    assert!(page.contains("owner=123456789012345678"), "{page}");
}
