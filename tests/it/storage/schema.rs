//! Settings, columns, indexes and encodings.

use roms::store::Store;
use serde_json::json;

use crate::support::app::{App, config};

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
async fn every_connection_is_durable_patient_and_strict() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&config(&folder.path().join("roms.db"), "").database.url).await.unwrap();
    let settings = [
        ("journal_mode", ["wal", "wal"]),
        ("synchronous", ["2", "2"]),
        ("foreign_keys", ["1", "1"]),
        ("busy_timeout", ["5000", "5000"]),
        ("query_only", ["0", "1"]),
        ("journal_size_limit", ["67108864", "67108864"]),
    ];
    for (name, expected) in settings {
        assert_eq!(store.pragma(name).await.unwrap(), expected, "{name}");
    }
    store.close().await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn the_files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let app = App::start().await;
    app.stored(&["Order Number\nA-1\n"]).await;
    for suffix in ["", "-wal", "-shm"] {
        let file = app.database().with_file_name(format!("roms.db{suffix}"));
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "roms.db{suffix}");
    }
}

#[tokio::test]
async fn an_orderly_end_leaves_one_file() {
    let app = App::start().await;
    app.stored(&["Order Number\nA-1\n"]).await;
    let folder = app.stop().await;
    let names: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["roms.db"]);
}

#[tokio::test]
async fn the_columns_of_the_guide_come_first_under_its_names() {
    let app = App::start().await;
    let mut sql = app.sql().await;
    let columns = sql.values("SELECT name FROM pragma_table_info('orders') ORDER BY cid").await;
    let names: Vec<_> = columns.iter().map(|row| row[0].as_str().unwrap()).collect();
    assert_eq!(names[..28], COLUMNS_OF_THE_GUIDE);
    let key = sql.values("SELECT name FROM pragma_table_info('orders') WHERE pk = 1").await;
    assert_eq!(json!(key), json!([["id"]]));

    // What the guide lets somebody do by hand: an order with nothing but what must be there.
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
async fn the_reads_have_their_indexes() {
    let app = App::start().await;
    let mut sql = app.sql().await;
    let queries = [
        ("SELECT * FROM orders WHERE order_number = 'A'", "order_number"),
        ("SELECT * FROM orders WHERE status = 'shipped' ORDER BY id DESC LIMIT 50", "orders_status_id"),
        ("SELECT * FROM orders ORDER BY created_at DESC, id DESC LIMIT 10", "orders_created_at_id"),
        (
            "SELECT * FROM orders WHERE order_date >= '2026-01-01' AND order_date < '2026-01-02'",
            "orders_order_date",
        ),
        ("SELECT * FROM order_events WHERE order_id = 1 ORDER BY id", "order_events_order_id_id"),
        (
            "SELECT * FROM webhook_logs WHERE outcome = 'rejected' ORDER BY id DESC LIMIT 50",
            "webhook_logs_outcome_id",
        ),
        (
            "SELECT * FROM webhook_logs WHERE source = 'webhook' ORDER BY id DESC LIMIT 50",
            "webhook_logs_source_id",
        ),
        ("SELECT * FROM webhook_logs WHERE source_key = 'a'", "source_key"),
        (
            "SELECT id FROM webhook_logs WHERE emptied_at IS NULL AND created_at < '2026-01-01' \
             ORDER BY created_at LIMIT 500",
            "webhook_logs_whole",
        ),
    ];
    for (query, index) in queries {
        let plan = sql.rows(&format!("EXPLAIN QUERY PLAN {query}")).await;
        let detail = json!(plan).to_string();
        let used = detail.contains(index)
            || detail.contains("sqlite_autoindex") && detail.contains(&format!("({index}"));
        assert!(used, "{query}: {detail}");
        assert!(!detail.contains("TEMP B-TREE"), "{query} sorts: {detail}");
    }
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
