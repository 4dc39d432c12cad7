//! The search index itself: created, updated with each order, replaced and removed.

use roms::store::PageStart;
use serde_json::json;

use super::shelf::{Shelf, found, numbers, order, search, some, with};
use crate::support::home::Home;

/// The row ids that SQLite's index itself lists for a trigram.
async fn indexed(shelf: &Shelf, trigram: &str) -> Vec<i64> {
    let query =
        format!("SELECT rowid FROM orders_search WHERE orders_search MATCH '{trigram}' ORDER BY rowid");
    let rows = shelf.sql().await.values(&query).await;
    rows.iter().map(|row| row[0].as_i64().unwrap()).collect()
}

/// The names of everything in the database that belongs to the index.
async fn index_names(shelf: &Shelf) -> serde_json::Value {
    let mut sql = shelf.sql().await;
    let names = sql.either(
        "SELECT name FROM sqlite_master WHERE name LIKE '%search%' ORDER BY name",
        "SELECT relname::text FROM pg_class WHERE relname LIKE '%search%'",
    );
    json!(sql.values(names).await)
}

#[tokio::test]
async fn a_change_is_found_at_once_and_the_old_text_is_not() {
    let shelf = Shelf::new().await;
    shelf.put(&[with(order("A-1"), |fields| fields.product = some("old mug")), order("A-2")]).await;
    assert_eq!(found(&shelf, "old mug").await, "A-1");
    shelf.put(&[with(order("A-1"), |fields| fields.product = some("new lamp"))]).await;
    assert_eq!(
        (found(&shelf, "old mug").await.as_str(), found(&shelf, "new lamp").await.as_str()),
        ("", "A-1")
    );
    // By hand, without ROMS.
    let mut sql = shelf.sql().await;
    sql.run("UPDATE orders SET tracking_number = '1Z-BY-HAND' WHERE order_number = 'A-2'").await;
    sql.run("DELETE FROM orders WHERE order_number = 'A-1'").await;
    assert_eq!(
        (found(&shelf, "z-by-hand").await.as_str(), found(&shelf, "new lamp").await.as_str()),
        ("A-2", "")
    );
}

#[tokio::test]
async fn the_index_of_sqlite_lists_exactly_what_the_orders_contain() {
    let shelf = Shelf::in_home(Home::sqlite(), "").await;
    shelf.put(&[with(order("A-1"), |fields| fields.product = some("mug")), order("A-2")]).await;
    assert_eq!(indexed(&shelf, "mug").await, [1]);
    let mut sql = shelf.sql().await;
    sql.run("UPDATE orders SET notes = 'by hand', product = 'mug' WHERE id = 2").await;
    assert_eq!(indexed(&shelf, "mug").await, [1, 2]);
    sql.run("UPDATE orders SET product = NULL WHERE id = 1").await;
    sql.run("DELETE FROM orders WHERE id = 2").await;
    assert_eq!(indexed(&shelf, "mug").await, [] as [i64; 0]);
    sql.run("INSERT INTO orders_search (orders_search, rank) VALUES ('integrity-check', 1)").await;
}

#[tokio::test]
async fn a_transaction_that_is_rolled_back_leaves_nothing_in_the_index() {
    let shelf = Shelf::in_home(Home::sqlite(), "").await;
    let mut sql = shelf.sql().await;
    shelf.put(&[order("A-1")]).await;
    sql.run("BEGIN; UPDATE orders SET product = 'mug'; ROLLBACK").await;
    assert_eq!(indexed(&shelf, "mug").await, [] as [i64; 0]);
    sql.run("INSERT INTO orders_search (orders_search, rank) VALUES ('integrity-check', 1)").await;
}

#[tokio::test]
async fn the_index_is_removed_and_created_again_as_configured() {
    let shelf = Shelf::new().await;
    shelf.put(&[with(order("A-1"), |fields| fields.product = some("blue mug"))]).await;
    let with_index = index_names(&shelf).await;
    assert_ne!(with_index, json!([]));

    let shelf = shelf.again("[database]\nsearch_index = false").await;
    assert_eq!(index_names(&shelf).await, json!([]));
    shelf.put(&[with(order("A-2"), |fields| fields.product = some("blue lamp"))]).await;
    assert_eq!(found(&shelf, "blue").await, "A-2 A-1");

    let shelf = shelf.again("").await;
    assert_eq!(index_names(&shelf).await, with_index);
    assert_eq!(found(&shelf, "blue").await, "A-2 A-1");
    shelf.sql().await.assert_sound().await;
}

/// The index as releases before 0.2 made it: filled by ROMS a moment after the orders.
const FIRST_INDEX: &str = "
    CREATE VIRTUAL TABLE orders_search USING fts5(order_number, product, email, profile, tracking_number,
        content='', contentless_delete=1, tokenize='trigram');
    CREATE TABLE search_pending (order_id integer PRIMARY KEY);
    CREATE TRIGGER orders_search_new AFTER INSERT ON orders
        BEGIN INSERT INTO search_pending SELECT new.id; END;
    CREATE TRIGGER orders_search_changed AFTER UPDATE OF product ON orders
        BEGIN INSERT INTO search_pending SELECT new.id; END;
    CREATE TRIGGER orders_search_gone AFTER DELETE ON orders
        BEGIN INSERT INTO search_pending SELECT old.id; END;
    INSERT INTO search_pending SELECT id FROM orders;
    DELETE FROM seaql_migrations WHERE version LIKE 'm0012%'";

#[tokio::test]
async fn the_first_index_is_replaced_also_by_a_command_that_leaves_the_index_as_it_is() {
    let shelf = Shelf::in_home(Home::sqlite(), "").await;
    let expected = index_names(&shelf).await;
    let shelf = shelf.again("[database]\nsearch_index = false").await;
    shelf.put(&[with(order("A-1"), |fields| fields.product = some("blue mug")), order("A-2")]).await;
    let mut sql = shelf.sql().await;
    sql.run(FIRST_INDEX).await;
    let store = shelf.open_by_default().await;
    assert_eq!(index_names(&shelf).await, expected);
    let page = store.order_page(&search("blue mug"), PageStart::Newest, 9).await.unwrap();
    assert_eq!(numbers(&page.items), ["A-1"]);
    assert_eq!(indexed(&shelf, "mug").await, [1]);
}
