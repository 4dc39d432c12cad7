//! Columns and encodings.

use serde_json::json;

use crate::support::app::App;

/// "Database Schema" of the users' guide.
const COLUMNS_OF_THE_GUIDE: [&str; 28] = [
    "id",
    "order_number",
    "product",
    "price",
    "total",
    "commission",
    "quantity",
    "email",
    "customer_name",
    "profile",
    "proxy_list",
    "reference_number",
    "status",
    "tracking_number",
    "qty_received",
    "payment_method",
    "shipping_address",
    "shipping_method",
    "notes",
    "order_date",
    "order_time",
    "posted_date",
    "shipped_date",
    "delivered_date",
    "source",
    "worksheet_name",
    "created_at",
    "updated_at",
];

#[tokio::test]
async fn the_columns_of_the_guide_come_first_under_its_names() {
    let app = App::start().await;
    let mut sql = app.sql().await;
    assert_eq!(sql.columns("orders").await[..28], COLUMNS_OF_THE_GUIDE);
    let key = sql.either(
        "SELECT name FROM pragma_table_info('orders') WHERE pk = 1",
        "SELECT attname::text FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey) \
         WHERE indrelid = 'orders'::regclass AND indisprimary",
    );
    assert_eq!(json!(sql.values(key).await), json!([["id"]]));

    // The guide allows inserting an order by hand with only the required columns.
    sql.run(
        "INSERT INTO orders (order_number, source, created_at, updated_at, extra, derived, newest_message_at) \
         VALUES ('HAND-1', 'manual_upload', '2026-01-31T00:00:00+00:00', '2026-01-31T00:00:00+00:00', '{}', '', \
         '2026-01-31T00:00:00+00:00')",
    )
    .await;
    let defaults = sql.values("SELECT quantity, qty_received, price, status FROM orders").await;
    assert_eq!(json!(defaults), json!([[1, 0, null, null]]));
    let reply = app.get("/api/v2/orders/HAND-1").await;
    assert_eq!((reply.status, &reply.json["source"]), (200, &json!("manual_upload")));
}

#[tokio::test]
async fn every_time_has_one_encoding_in_utc() {
    let app = App::start_with("[orders]\ntimezone = \"Asia/Tokyo\"").await;
    app.stored(&[
        "Successful Checkout | Store\nOrder Number\nA-1\nStatus\nshipped\n",
        "Order Number\nA-1\nStatus\ndelivered\n",
        r#"{"content":"Order Number\nA-2\nStatus\nshipped","timestamp":"2026-01-31T17:56:00.123456789+05:30"}"#,
        r#"{"order_number":"A-3","order_date":"2026-01-31T17:56:00-05:00"}"#,
    ])
    .await;
    let mut sql = app.sql().await;
    let mut found = 0;
    for table in ["orders", "order_events", "webhook_logs"] {
        for row in sql.rows(&format!("SELECT * FROM {table}")).await {
            for (column, value) in
                row.iter().filter(|(name, _)| name.ends_with("_at") || name.ends_with("_date"))
            {
                let Some(text) = value.as_str() else { continue };
                let time: chrono::DateTime<chrono::Utc> = text.parse().unwrap();
                assert_eq!(time.to_rfc3339(), text, "{table}.{column}");
                assert_eq!(
                    time.timestamp_subsec_nanos() % 1000,
                    0,
                    "{table}.{column} is finer than microseconds"
                );
                found += 1;
            }
        }
    }
    assert!(found > 20, "{found}");
    let dates = sql.values("SELECT order_date FROM orders WHERE order_number > 'A-1' ORDER BY id").await;
    assert_eq!(json!(dates), json!([["2026-01-31T12:26:00.123456+00:00"], ["2026-01-31T22:56:00+00:00"]]));
    assert_eq!(sql.value("SELECT order_time FROM orders WHERE order_number = 'A-2'").await, "09:26:00 PM");
}
