//! The search index itself: made, kept and removed. SQLite's follows the orders after a while;
//! what that means is tested on SQLite, whichever engine the other tests are run against.

use serde_json::json;

use super::shelf::{Shelf, numbers, order, search, some, with};
use crate::support::{app::until, home::Home};

/// What the index itself holds, and what it has not taken yet.
async fn indexed(shelf: &Shelf) -> (Vec<i64>, Vec<i64>) {
    let mut sql = shelf.sql().await;
    let ids = |rows: Vec<Vec<serde_json::Value>>| rows.iter().map(|row| row[0].as_i64().unwrap()).collect();
    let held = sql.values("SELECT id FROM orders_search_docsize ORDER BY id").await;
    let waiting = sql.values("SELECT order_id FROM search_pending ORDER BY order_id").await;
    (ids(held), ids(waiting))
}

#[tokio::test]
async fn the_index_follows_by_itself() {
    let shelf = Shelf::in_home(Home::sqlite(), "").await;
    shelf.put(&[order("A-1"), order("A-2")]).await;
    until("the index has both", async || indexed(&shelf).await == (vec![1, 2], vec![])).await;
    let shelf = shelf.again("").await;
    shelf.put(&[order("A-3")]).await;
    until("the index has the third", async || indexed(&shelf).await == (vec![1, 2, 3], vec![])).await;
}

#[tokio::test]
async fn a_change_is_found_at_once_and_what_was_there_before_is_not() {
    let shelf = Shelf::new().await;
    let hit = async |text: &str| {
        let page = shelf.store.order_page(&search(text), roms::store::PageStart::Newest, 9).await.unwrap();
        numbers(&page.items).join(" ")
    };
    shelf.put(&[with(order("A-1"), |fields| fields.product = some("old mug")), order("A-2")]).await;
    shelf.index().await;
    assert_eq!(hit("old mug").await, "A-1");
    shelf.put(&[with(order("A-1"), |fields| fields.product = some("new lamp"))]).await;
    for round in ["at once", "in the index"] {
        assert_eq!((hit("old mug").await.as_str(), hit("new lamp").await.as_str()), ("", "A-1"), "{round}");
        shelf.index().await;
    }
    // By hand, past the program.
    let mut sql = shelf.sql().await;
    sql.run("UPDATE orders SET tracking_number = '1Z-BY-HAND' WHERE order_number = 'A-2'").await;
    sql.run("DELETE FROM orders WHERE order_number = 'A-1'").await;
    for round in ["at once", "in the index"] {
        assert_eq!((hit("z-by-hand").await.as_str(), hit("new lamp").await.as_str()), ("A-2", ""), "{round}");
        shelf.index().await;
    }
    if !shelf.home().is_postgres() {
        assert_eq!(indexed(&shelf).await, (vec![2], vec![]));
    }
}

#[tokio::test]
async fn only_changes_of_what_is_searched_concern_the_index() {
    let shelf = Shelf::in_home(Home::sqlite(), "").await;
    let first = with(order("A-1"), |fields| fields.product = some("mug"));
    shelf.put(std::slice::from_ref(&first)).await;
    shelf.index().await;
    let mut sql = shelf.sql().await;
    // Nobody takes them into the index meanwhile.
    sql.run("BEGIN IMMEDIATE").await;
    sql.run("UPDATE orders SET notes = 'by hand', product = 'mug'").await;
    assert_eq!(sql.count("search_pending").await, 0);
    sql.run("UPDATE orders SET product = NULL").await;
    assert_eq!(sql.count("search_pending").await, 1);
    sql.run("ROLLBACK").await;
}

#[tokio::test]
async fn the_index_is_removed_and_made_again_as_configured() {
    let shelf = Shelf::new().await;
    let names = async |shelf: &Shelf| {
        let mut sql = shelf.sql().await;
        let names = sql.either(
            "SELECT name FROM sqlite_master WHERE name LIKE '%search%' ORDER BY name",
            "SELECT relname::text FROM pg_class WHERE relname LIKE '%search%'",
        );
        sql.values(names).await
    };
    shelf.put(&[with(order("A-1"), |fields| fields.product = some("blue mug"))]).await;
    shelf.index().await;
    let with_index = names(&shelf).await;
    assert!(!with_index.is_empty());

    let shelf = shelf.again("[database]\nsearch_index = false").await;
    assert_eq!(json!(names(&shelf).await), json!([]));
    shelf.put(&[with(order("A-2"), |fields| fields.product = some("blue lamp"))]).await;

    let shelf = shelf.again("").await;
    assert_eq!(names(&shelf).await, with_index);
    let page = async |text: &str| {
        let page = shelf.store.order_page(&search(text), roms::store::PageStart::Newest, 9).await.unwrap();
        numbers(&page.items).join(" ")
    };
    assert_eq!(page("blue").await, "A-2 A-1");
    if !shelf.home().is_postgres() {
        until("the index has both", async || indexed(&shelf).await == (vec![1, 2], vec![])).await;
    }
    assert_eq!(page("blue").await, "A-2 A-1");
    shelf.sql().await.assert_sound().await;
}
