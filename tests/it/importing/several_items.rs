//! Files about orders with several items.

use serde_json::json;

use super::command::done;
use super::kinds::import;
use super::{value, with_cards};
use crate::support::home::Home;

const CARD: &str = "Successful Checkout | Target\nOrder Number\nM-3\nProduct (1)\nA\nPrice (1)\n$10.00\nQuantity (1)\n2\n\
                    Product (2)\nB\nPrice (2)\n$5.00\nQuantity (2)\n1\nTotal\n$25.00\n";

/// The columns of the order, and its items.
async fn state(home: &Home) -> Vec<Vec<serde_json::Value>> {
    let mut sql = home.sql().await;
    let order = "SELECT product, quantity, total, price FROM orders WHERE order_number = 'M-3'";
    let items = "SELECT product, quantity, unit_price, line_total FROM order_items ORDER BY position";
    let mut rows = sql.values(order).await;
    rows.extend(sql.values(items).await);
    rows
}

#[tokio::test]
async fn an_undo_removes_the_item_that_the_import_added() {
    let home = with_cards(&[CARD]).await;
    let before = state(&home).await;
    let more = "Successful Checkout | Target\nOrder Number\nM-3\nProduct\nC\nPrice\n$3.00\nQuantity\n4\n";
    let first = "Successful Checkout | Target\nOrder Number\nM-3\nProduct\nA\nPrice\n$11.00\nQuantity\n7\n";
    import(&home, "cards.txt", &format!("{more}\n{first}")).await;
    let after = state(&home).await;
    assert_eq!(after.len(), 4, "{after:?}");

    done(&home, &["imports", "undo", "1", "--yes"]).await;
    assert_eq!(state(&home).await, before);
    done(&home, &["imports", "undo", "2", "--yes"]).await;
    assert_eq!(state(&home).await, after);
    home.sql().await.assert_sound().await;
}

#[tokio::test]
async fn an_undo_names_an_added_item_that_has_changed_since() {
    let home = with_cards(&[CARD]).await;
    let more = "Successful Checkout | Target\nOrder Number\nM-3\nProduct\nC\nPrice\n$3.00\nQuantity\n4\n";
    import(&home, "cards.txt", more).await;
    import(&home, "later.txt", &more.replace("$3.00", "$2.00")).await;
    let printed = done(&home, &["imports", "undo", "1", "--yes"]).await;
    assert!(printed.contains("kept, because it has changed since: items[3].product"), "{printed}");
    assert_eq!(state(&home).await.len(), 4);
}

#[tokio::test]
async fn a_table_with_another_product_name_changes_only_the_order() {
    let home = with_cards(&[CARD]).await;
    let before = state(&home).await;
    let table = "order number,product,quantity,total\nM-3,A + B (black),3,25.00\n";
    let printed = import(&home, "orders.csv", table).await;
    assert!(printed.contains("product: A + B → A + B (black)"), "{printed}");
    let mut after = before.clone();
    after[0][0] = json!("A + B (black)");
    assert_eq!(state(&home).await, after);
    import(&home, "later.csv", "order number,product,quantity\nM-3,Kits,9\n").await;
    assert_eq!(value(&home, "M-3", "quantity").await, 9);
    assert_eq!(value(&home, "M-3", "product").await, "Kits");
    done(&home, &["imports", "undo", "2", "--yes"]).await;
    assert_eq!(state(&home).await, after);
    home.sql().await.assert_sound().await;
}

#[tokio::test]
async fn a_placeholder_is_no_order_number() {
    let home = with_cards(&[CARD]).await;
    let table = "order number,product\n0,Kit\nundefined,Kit\nN/A,Kit\nnull,Kit\n000,Kit\nM-4,Kit\n";
    let printed = import(&home, "orders.csv", table).await;
    assert!(printed.contains("1 created, 5 bad"), "{printed}");
    assert!(printed.contains("this stands in place of an order number"), "{printed}");
    let table = "order number,tracking number\nnull,1Z\nM-4,1Z\n";
    assert!(import(&home, "tracking.csv", table).await.contains("1 updated, 1 bad"));
}
