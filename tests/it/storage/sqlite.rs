//! SQLite itself. These tests use it even if the others run on PostgreSQL.

use std::path::Path;

use roms::config::DatabaseUrl;
use roms::store::Store;
use serde_json::json;

use crate::support::{app::App, home::Home};

fn url(path: &Path) -> DatabaseUrl {
    format!("sqlite://{}", path.display()).parse().unwrap()
}

#[tokio::test]
async fn every_connection_has_its_settings() {
    let home = Home::sqlite();
    let store = Store::open(&home.url()).await.unwrap();
    let settings = [
        ("journal_mode", ["wal", "wal"]),
        ("synchronous", ["2", "2"]),
        ("foreign_keys", ["1", "1"]),
        ("busy_timeout", ["5000", "5000"]),
        ("query_only", ["0", "1"]),
        ("journal_size_limit", ["67108864", "67108864"]),
        ("temp_store", ["2", "0"]),
    ];
    for (name, expected) in settings {
        assert_eq!(store.pragma(name).await.unwrap(), expected, "{name}");
    }
    store.close().await.unwrap();
}

#[tokio::test]
async fn ids_that_were_changed_by_hand_are_not_reused() {
    let app = App::start_in(Home::sqlite(), "").await;
    app.stored(&["Order Number\nA-1\n", "Order Number\nA-2\n"]).await;
    let mut sql = app.sql().await;
    // The default of SQLite programs.
    sql.run("PRAGMA foreign_keys = OFF").await;
    for (change, number) in [
        ("UPDATE orders SET id = 3 WHERE order_number = 'A-1'", "B-1"),
        ("UPDATE webhook_logs SET id = (SELECT max(id) + 1 FROM webhook_logs) WHERE id = 1", "B-2"),
        ("DELETE FROM sqlite_sequence", "B-3"),
        ("DELETE FROM orders WHERE order_number = 'B-3'", "B-4"),
    ] {
        sql.run(change).await;
        app.stored(&[&format!("Order Number\n{number}\n")]).await;
    }
    let ids: Vec<_> = app.get("/api/v2/orders").await.json["orders"]
        .as_array()
        .unwrap()
        .iter()
        .map(|order| (order["order_number"].as_str().unwrap().to_owned(), order["id"].as_i64().unwrap()))
        .collect();
    let expected = [("B-4", 7), ("B-2", 5), ("B-1", 4), ("A-1", 3), ("A-2", 2)];
    assert_eq!(ids, expected.map(|(number, id)| (number.to_owned(), id)));
}

#[tokio::test]
async fn without_free_ids_a_message_is_refused_and_not_stored() {
    let app = App::start_in(Home::sqlite(), "").await;
    app.stored(&["Order Number\nA-1\n"]).await;
    let mut sql = app.sql().await;
    sql.run("UPDATE sqlite_sequence SET seq = 9223372036854775807 WHERE name = 'orders'").await;
    let reply = app.post("Order Number\nA-2\n").await;
    assert_eq!((reply.status, &reply.json["code"]), (500, &json!("not_stored")), "{}", reply.text);
    assert_eq!(app.get("/api/v2/orders").await.json["total"], json!(1));
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let app = App::start_in(Home::sqlite(), "").await;
    app.stored(&["Order Number\nA-1\n"]).await;
    for suffix in ["", "-wal", "-shm"] {
        let file = app.home().path().join(format!("roms_v2.db{suffix}"));
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "roms_v2.db{suffix}");
    }
}

#[tokio::test]
async fn a_clean_stop_leaves_one_file() {
    let app = App::start_in(Home::sqlite(), "").await;
    app.stored(&["Order Number\nA-1\n"]).await;
    let home = app.stop().await;
    let names: Vec<_> =
        std::fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["roms_v2.db"]);
}

#[tokio::test]
async fn the_reads_have_their_indexes() {
    let app = App::start_in(Home::sqlite(), "").await;
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
async fn a_path_is_used_literally() {
    let home = Home::sqlite();
    let path = home.path().join("a b%20cx.db");
    for _ in 0..2 {
        Store::open(&url(&path)).await.unwrap().close().await.unwrap();
    }
    assert!(path.exists());
}

#[tokio::test]
async fn a_file_that_is_not_a_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    let text = "Dear diary, this is no database at all. ".repeat(200);
    std::fs::write(&path, &text).unwrap();

    let error = Store::open(&url(&path)).await.unwrap_err().to_string();

    assert!(error.contains("notes.txt is not an SQLite database"), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[tokio::test]
async fn the_error_names_a_path_where_no_file_can_be_created() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    for path in ["missing/roms.db", "file/roms.db", "."] {
        let path = folder.path().join(path);
        let error = Store::open(&url(&path)).await.unwrap_err().to_string();
        assert!(error.starts_with("cannot open the database file ") && !error.contains('\n'), "{error}");
        assert!(error.contains(&path.display().to_string()), "{error}");
    }
}
