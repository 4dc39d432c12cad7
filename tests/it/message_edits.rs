//! Edits of messages in Discord: products that a message no longer lists, corrected order numbers, and several cards about
//! one order.

use roms::order::{Fields, Status};

use crate::support::pipeline::{Pipeline, edit, minute};

const LIST: &str =
    "Successful Checkout | Target\nOrder Number\nHP-70\nItems\n2x Kettle - $25.00\n1x Mug - $5.00\n";
const SHORTER: &str = "Successful Checkout | Target\nOrder Number\nHP-70\nItems\n1x Mug - $5.00\n";
const WRONG: &str = "Successful Checkout | Target\nOrder Number\nHP-70\nProduct\nKettle\nPrice\n$10.00\n";
const RIGHT: &str = "Successful Checkout | Target\nOrder Number\nHP-71\nProduct\nKettle\nPrice\n$10.00\n";

/// The product, quantity and total of an order, and the names of its items.
async fn summary(pipeline: &Pipeline, number: &str) -> String {
    let order = pipeline.order(number).await;
    let Fields { product, quantity, total, .. } = &order.fields;
    let items: Vec<_> = order.items.iter().filter_map(|item| item.product.clone()).collect();
    let total = total.map(|total| total.to_string()).unwrap_or_default();
    format!("{} x{} {total} {items:?}", product.clone().unwrap_or_default(), quantity.unwrap_or_default())
}

#[tokio::test]
async fn an_edit_removes_a_product_that_the_message_no_longer_lists() {
    let pipeline = Pipeline::start().await;
    pipeline.discord(5, LIST, 0).await;
    assert_eq!(summary(&pipeline, "HP-70").await, r#"Kettle + Mug x3 55.00 ["Kettle", "Mug"]"#);
    pipeline.discord(5, SHORTER, 1).await;
    assert_eq!(summary(&pipeline, "HP-70").await, r#"Mug x1 5.00 ["Mug"]"#);
    let history = pipeline.history("HP-70").await;
    let removed = history[1].changes.iter().find(|change| change.field == "items[2].product").unwrap();
    assert_eq!((removed.old.as_deref(), removed.new.as_deref()), (Some("Mug"), None));

    pipeline.replay("all").await;
    assert_eq!(summary(&pipeline, "HP-70").await, r#"Mug x1 5.00 ["Mug"]"#, "a replay brings nothing back");
    pipeline.discord(5, LIST, 3).await;
    assert_eq!(summary(&pipeline, "HP-70").await, r#"Mug + Kettle x3 55.00 ["Mug", "Kettle"]"#);
    pipeline.sql().await.assert_sound().await;
    pipeline.end().await;
}

#[tokio::test]
async fn a_replay_keeps_the_total_of_the_newest_version() {
    let pipeline = Pipeline::start().await;
    pipeline.discord(5, &format!("{LIST}Total\n$60.00\n"), 0).await;
    pipeline.discord(5, &format!("{SHORTER}Total\n$7.00\n"), 1).await;
    assert_eq!(summary(&pipeline, "HP-70").await, r#"Mug x1 7.00 ["Mug"]"#);
    let events = pipeline.rows("order_events").await.len();
    pipeline.replay("all").await;
    assert_eq!(summary(&pipeline, "HP-70").await, r#"Mug x1 7.00 ["Mug"]"#);
    assert_eq!(pipeline.rows("order_events").await.len(), events);
    pipeline.end().await;
}

#[tokio::test]
async fn an_edit_keeps_products_of_other_messages_received_ones_and_those_of_a_cancelled_order() {
    let pipeline = Pipeline::start().await;
    pipeline.discord(5, LIST, 0).await;
    pipeline.discord(6, SHORTER, 1).await;
    pipeline.discord(6, &SHORTER.replace("1x", "2x"), 2).await;
    assert_eq!(summary(&pipeline, "HP-70").await, r#"Kettle + Mug x4 60.00 ["Kettle", "Mug"]"#);
    pipeline.discord(5, &SHORTER.replace("Successful Checkout", "Order Cancelled"), 3).await;
    assert_eq!(pipeline.order("HP-70").await.items.len(), 2);

    pipeline.discord(7, &LIST.replace("HP-70", "HP-80"), 4).await;
    let order = pipeline.order("HP-80").await;
    pipeline.edit(edit(order.id, Fields { qty_received: Some(1), ..Fields::default() })).await;
    let later = (chrono::Utc::now() - minute(0)).num_minutes() + 9;
    pipeline.discord(7, &SHORTER.replace("HP-70", "HP-80"), later).await;
    assert_eq!(pipeline.order("HP-80").await.items.len(), 2, "a unit of the kettle was received");
    pipeline.end().await;
}

#[tokio::test]
async fn a_corrected_number_renames_the_order() {
    let pipeline = Pipeline::start().await;
    pipeline.discord(5, WRONG, 0).await;
    let before = pipeline.order("HP-70").await;
    pipeline.discord(5, RIGHT, 1).await;
    assert_eq!(pipeline.order("HP-71").await.id, before.id);
    let history = pipeline.history("HP-71").await;
    assert_eq!(history[1].changes[0].field, "order_number");
    pipeline.replay("all").await;
    assert_eq!(pipeline.rows("orders").await.len(), 1, "a replay of the first version makes no order");
    pipeline.sql().await.assert_sound().await;
    pipeline.end().await;
}

#[tokio::test]
async fn another_number_is_another_order_if_the_purchase_differs_or_others_changed_the_order() {
    let pipeline = Pipeline::start().await;
    pipeline.discord(5, WRONG, 0).await;
    pipeline.discord(5, &RIGHT.replace("Kettle", "Mug"), 1).await;
    assert_eq!(pipeline.rows("orders").await.len(), 2, "a message that shows one order after the other");
    pipeline.discord(6, &WRONG.replace("HP-70", "HP-72"), 2).await;
    pipeline.discord(7, "Order Shipped\nOrder Number\nHP-72\n", 3).await;
    pipeline.discord(6, &RIGHT.replace("HP-71", "HP-73"), 4).await;
    assert_eq!(pipeline.order("HP-72").await.fields.status, Some(Status::Shipped));
    assert_eq!(pipeline.order("HP-73").await.fields.status, Some(Status::Verified));
    pipeline.end().await;
}

#[tokio::test]
async fn two_cards_of_a_message_list_the_products_of_one_order() {
    let pipeline = Pipeline::start().await;
    let card = |product: &str, price: &str| {
        format!("Successful Checkout | Target\nOrder Number\nHP-70\nProduct\n{product}\nPrice\n{price}\n")
    };
    let both = card("Kettle", "$10.00") + &card("Mug", "$5.00");
    pipeline.discord(5, &both, 0).await;
    assert_eq!(summary(&pipeline, "HP-70").await, r#"Kettle + Mug x2 15.00 ["Kettle", "Mug"]"#);
    let replayed = pipeline.replay("all").await;
    assert_eq!((replayed.created, replayed.updated), (0, 0));
    assert_eq!(summary(&pipeline, "HP-70").await, r#"Kettle + Mug x2 15.00 ["Kettle", "Mug"]"#);
    pipeline.discord(5, &card("Mug", "$5.00"), 1).await;
    assert_eq!(summary(&pipeline, "HP-70").await, r#"Mug x1 5.00 ["Mug"]"#);
    pipeline.end().await;
}

#[tokio::test]
async fn an_edit_with_the_time_of_its_message_counts_as_newer() {
    let pipeline = Pipeline::start().await;
    pipeline.discord(5, LIST, 0).await;
    pipeline.discord(5, SHORTER, 0).await;
    assert_eq!(summary(&pipeline, "HP-70").await, r#"Mug x1 5.00 ["Mug"]"#);
    let held = WRONG.replace("HP-70", "HP-90").replace("Successful Checkout", "Order Cancelled");
    pipeline.discord(6, &held, 1).await;
    pipeline
        .discord(6, &format!("{held}Status\nshipped\n").replace("Order Cancelled", "Order Shipped"), 1)
        .await;
    assert_eq!(pipeline.order("HP-90").await.fields.status, Some(Status::Shipped));
    pipeline.discord(7, &WRONG.replace("HP-70", "HP-91"), 2).await;
    pipeline.discord(7, &WRONG.replace("HP-70", "HP-92"), 2).await;
    assert_eq!(pipeline.order("HP-92").await.fields.status, Some(Status::Verified));
    assert_eq!(pipeline.rows("orders").await.len(), 3, "the number was corrected");
    pipeline.replay("all").await;
    assert_eq!(summary(&pipeline, "HP-70").await, r#"Mug x1 5.00 ["Mug"]"#);
    assert_eq!(pipeline.order("HP-90").await.fields.status, Some(Status::Shipped));
    pipeline.end().await;
}

#[tokio::test]
async fn an_order_that_is_shipped_after_all_has_no_reason_for_a_cancellation() {
    let cancelled = "Order Cancelled\nOrder Number\nHP-70\nCancel Reason\nItem Demand\n";
    let shipped = "Order Shipped\nOrder Number\nHP-70\nStatus\nshipped\n";
    for (first, second) in [((cancelled, 1), (shipped, 2)), ((shipped, 2), (cancelled, 1))] {
        let pipeline = Pipeline::start().await;
        pipeline.discord(5, WRONG, 0).await;
        for (id, (text, at)) in [(6, first), (7, second)] {
            pipeline.discord(id, text, at).await;
        }
        let order = pipeline.order("HP-70").await;
        assert_eq!((order.fields.status, order.fields.cancel_reason), (Some(Status::Shipped), None));
        pipeline.replay("all").await;
        assert_eq!(pipeline.order("HP-70").await.fields.cancel_reason, None);
        pipeline.discord(8, cancelled, 3).await;
        assert_eq!(pipeline.order("HP-70").await.fields.cancel_reason.as_deref(), Some("Item Demand"));
        let refunded = "Order Update\nOrder Number\nHP-70\nStatus\nrefunded\n";
        pipeline.discord(9, refunded, 4).await;
        assert_eq!(pipeline.order("HP-70").await.fields.cancel_reason.as_deref(), Some("Item Demand"));
        pipeline.end().await;
    }
}
