//! The examples of the users' guide: posted over HTTP, checked with SQL.

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use chrono_tz::America::New_York;
use serde_json::json;

use crate::reading::text::SUPPORTED_FORMAT;
use crate::support::app::App;

/// "Optional Fields".
const OPTIONAL: &str = "Quantity
2
Total
$599.98
Commission
$50.00
Tracking Number
1Z999AA10123456784
Reference #
REF123
Payment Method
Credit Card
Shipping Address
123 Main St, City, State
Shipping Method
Express
Status
pending
Notes
Special instructions here
";

/// "Advanced Testing".
const TEST_1: &str = "Successful Checkout | Store
Product
Test Product
Price
$99.99
Order Number
TEST-001
Email
test@example.com
";
const TEST_2: &str = "Successful Checkout | Store
Product
Test Product
Price
$99.99
Quantity
2
Total
$199.98
Commission
$20.00
Profile
Profile 1
Proxy Details
Proxy 1
Order Number
TEST-002
Email
test@example.com
Tracking Number
1Z999AA10123456784
Reference #
REF123
Payment Method
Credit Card
Status
shipped
";
const TEST_3: &str = "Successful Checkout | Store
Order Number
TEST-001
Status
shipped
Tracking Number
1Z999AA10123456784
";

#[tokio::test]
async fn the_message_of_the_guide_is_stored_as_its_table_shows() {
    let app = App::start_with("[orders]\ntimezone = \"America/New_York\"").await;
    let before = Utc::now() - TimeDelta::seconds(1);

    let reply = app.post(SUPPORTED_FORMAT).await;

    assert_eq!(reply.status, 200);
    assert_eq!(
        reply.json,
        json!({
            "success": true, "message": "Order received and processed successfully", "order_id": 1,
            "order_number": "BBY01-807102506907", "outcome": "created", "log_id": 1,
            "orders": [{"order_id": 1, "order_number": "BBY01-807102506907", "outcome": "created", "warnings": []}]
        })
    );
    let mut sql = app.sql().await;
    let rows = sql.rows("SELECT * FROM orders").await;
    assert_eq!(rows.len(), 1);
    let mut row = rows[0].clone();
    let mut time = |column: &str| -> DateTime<Utc> {
        let text = row.remove(column).unwrap().as_str().unwrap().to_owned();
        assert!(text.ends_with("+00:00"), "{column}: {text}");
        text.parse().unwrap()
    };
    let ordered = time("order_date");
    for (column, at) in
        [("created_at", time("created_at")), ("updated_at", time("updated_at")), ("order_date", ordered)]
    {
        assert!(before < at && at <= Utc::now(), "{column}: {at}");
    }
    assert_eq!(time("newest_message_at"), ordered);
    let clock = row.remove("order_time").unwrap();
    assert_eq!(clock, ordered.with_timezone(&New_York).format("%I:%M:%S %p").to_string());
    assert!(NaiveTime::parse_from_str(clock.as_str().unwrap(), "%I:%M:%S %p").is_ok());
    // Columns for internal use.
    row.remove("derived");
    row.remove("cleared");
    row.remove("extra");
    row.remove("items_text");
    assert_eq!(
        serde_json::Value::Object(row),
        json!({
            "id": 1, "order_number": "BBY01-807102506907",
            "product": "STARLINK - Mini Kit AC Dual Band Wi-Fi System - White",
            "price": 299.99, "total": 299.99, "commission": null, "quantity": 1,
            "email": "woozy_byes28@icloud.com", "customer_name": null, "profile": "Lennar #8-$48-@07",
            "proxy_list": "Wealth Resi | http://resi-edge-pool.wealthproxies.com:5959/",
            "proxy_host": "resi-edge-pool.wealthproxies.com", "cancel_reason": null, "owner_id": null,
            "reference_number": null, "status": "verified", "tracking_number": null, "qty_received": 0,
            "payment_method": null, "shipping_address": null, "shipping_method": null, "notes": null,
            "posted_date": null, "shipped_date": null, "delivered_date": null, "source": "webhook",
            "worksheet_name": null, "store": "Best Buy US", "currency": "USD", "product_url": null,
            "order_url": null, "image_url": null, "fraud_status": null, "bot": null
        })
    );
}

#[tokio::test]
async fn all_optional_labels_are_read() {
    let app = App::start().await;

    app.stored(&[&format!("{SUPPORTED_FORMAT}{OPTIONAL}")]).await;

    let rows = app
        .sql()
        .await
        .rows(
            "SELECT price, quantity, total, commission, tracking_number, reference_number, payment_method, \
             shipping_address, shipping_method, status, notes, email FROM orders",
        )
        .await;
    assert_eq!(
        json!(rows),
        json!([{
            "price": 299.99, "quantity": 2, "total": 599.98, "commission": 50.0,
            "tracking_number": "1Z999AA10123456784", "reference_number": "REF123",
            "payment_method": "Credit Card", "shipping_address": "123 Main St, City, State",
            "shipping_method": "Express", "status": "pending", "notes": "Special instructions here",
            "email": "woozy_byes28@icloud.com"
        }])
    );
}

#[tokio::test]
async fn the_three_advanced_tests_pass_in_sequence() {
    let app = App::start().await;
    let mut sql = app.sql().await;
    let kept = "SELECT id, product, price, total, quantity, email, order_date, order_time, created_at, store \
                FROM orders WHERE order_number = 'TEST-001'";

    app.stored(&[TEST_1]).await;
    let first = sql.rows(kept).await;
    assert_eq!(first[0]["product"], "Test Product");
    assert_eq!((&first[0]["price"], &first[0]["total"]), (&json!(99.99), &json!(99.99)));

    app.stored(&[TEST_2]).await;
    let complete = sql
        .rows(
            "SELECT product, price, quantity, total, commission, profile, proxy_list, email, tracking_number, \
             reference_number, payment_method, status FROM orders WHERE order_number = 'TEST-002'",
        )
        .await;
    assert_eq!(
        json!(complete),
        json!([{
            "product": "Test Product", "price": 99.99, "quantity": 2, "total": 199.98, "commission": 20.0,
            "profile": "Profile 1", "proxy_list": "Proxy 1", "email": "test@example.com",
            "tracking_number": "1Z999AA10123456784", "reference_number": "REF123",
            "payment_method": "Credit Card", "status": "shipped"
        }])
    );

    let reply = app.post(TEST_3).await;
    assert_eq!(
        (reply.status, &reply.json["outcome"], &reply.json["order_id"]),
        (200, &json!("updated"), &json!(1))
    );
    assert_eq!(sql.rows(kept).await, first, "an update keeps the fields that it does not contain");
    let updated = sql
        .rows("SELECT status, tracking_number, shipped_date IS NULL AS undated FROM orders WHERE id = 1")
        .await;
    assert_eq!(
        json!(updated),
        json!([{"status": "shipped", "tracking_number": "1Z999AA10123456784", "undated": 0}])
    );
    assert_eq!(sql.count("orders").await, 2);
}

#[tokio::test]
async fn the_sql_of_the_guide_works_unchanged() {
    let app = App::start().await;
    app.stored(&[TEST_1, SUPPORTED_FORMAT, TEST_3]).await;
    let mut sql = app.sql().await;

    let recent = sql
        .rows(
            "SELECT
    order_number,
    product,
    price,
    email,
    status,
    created_at
FROM orders
ORDER BY created_at DESC
LIMIT 10;",
        )
        .await;
    let numbers: Vec<_> = recent.iter().map(|row| row["order_number"].as_str().unwrap()).collect();
    assert_eq!(numbers, ["BBY01-807102506907", "TEST-001"]);
    assert_eq!(recent[0]["price"], 299.99);

    let events = sql.rows("SELECT * FROM order_events WHERE order_id = 1;").await;
    let kinds: Vec<_> = events.iter().map(|event| event["event_type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["created", "updated"]);
    let changes: serde_json::Value = serde_json::from_str(events[1]["changes"].as_str().unwrap()).unwrap();
    let status = json!({"field": "status", "old": "verified", "new": "shipped"});
    assert!(changes.as_array().unwrap().contains(&status), "{changes}");
    assert_eq!(events[1]["log_id"], 3);
}

#[tokio::test]
async fn the_log_and_the_health_check_of_the_guide_answer() {
    let app = App::start().await;
    app.stored(&[SUPPORTED_FORMAT]).await;

    let logs = app.get("/api/v2/webhooks/logs?limit=10").await;
    assert_eq!((logs.status, &logs.json["total"]), (200, &json!(1)));
    let log = &logs.json["logs"][0];
    assert_eq!(log["outcome"], "created");
    assert_eq!(log["order_ids"], json!([1]));
    assert!(log["payload_preview"].as_str().unwrap().starts_with("Successful Checkout | Best Buy US\n"));

    let whole = app.get("/api/v2/webhooks/logs/1").await;
    assert_eq!(whole.json["payload"], SUPPORTED_FORMAT);

    let health = app.get("/health").await;
    assert_eq!((health.status, &health.json["status"]), (200, &json!("healthy")));
    assert_eq!(health.json["checks"]["database"]["status"], "up");
}
