//! Edits of messages of webhook links, and what a replay of all versions makes of them.

use serde_json::{Value, json};

use super::discord::{patch, sent};
use super::{Link, open, order, post};
use crate::support::app::App;

const GPU: &str = "1x GPU - $999.99";
const CABLE: &str = "3x Cable - $9.99";

/// A Discord message with a card that lists these products. An empty total is left out.
fn list(number: &str, items: &[&str], total: &str) -> Value {
    let fields = [("Order Number", number), ("Items", &items.join("\n")), ("Total", total)];
    let stated = fields.into_iter().filter(|(_, value)| !value.is_empty());
    let fields: Vec<_> = stated.map(|(name, value)| json!({"name": name, "value": value})).collect();
    json!({"embeds": [{"title": "Successful Checkout | Best Buy", "fields": fields}]})
}

/// The product, quantity and total of an order, and its number of items.
async fn summary(app: &App, number: &str) -> [Value; 4] {
    let order = order(app, number).await;
    let items = order["items"].as_array().unwrap().len();
    [order["product"].clone(), order["quantity"].clone(), order["total"].clone(), json!(items)]
}

async fn replay(app: &App, path: &str) -> Value {
    let reply = post(app, &format!("/api/v2/webhooks/logs/{path}"), "").await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json
}

/// Posts a message, edits it with each of the other versions, and returns its path.
async fn edited(app: &App, link: &Link, versions: &[Value]) -> String {
    let message = link.discord(&format!("/messages/{}", sent(app, link, &versions[0]).await));
    for version in &versions[1..] {
        let reply = patch(app, &message, version).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
    }
    message
}

#[tokio::test]
async fn a_replay_does_not_bring_back_what_an_edit_removed() {
    for total in ["$999.99", ""] {
        let (app, link) = open().await;
        let both = list("BBY01-1", &[GPU, CABLE], "$1,029.96");
        let message = edited(&app, &link, &[both.clone(), list("BBY01-1", &[GPU], total)]).await;
        let edited = summary(&app, "BBY01-1").await;
        assert_eq!((&edited[0], &edited[1], &edited[3]), (&json!("GPU"), &json!(1), &json!(1)));
        let whole = order(&app, "BBY01-1").await;
        let replays = ["1/replay", "replay?outcome=all&dry_run=true", "replay?outcome=all", "2/replay"];
        for path in replays {
            let replayed = replay(&app, path).await;
            if path.contains("all") {
                let counts = ["read", "created", "updated"].map(|name| &replayed[name]);
                assert_eq!(counts, [&json!(2), &json!(0), &json!(0)], "{path}");
            }
            assert_eq!(order(&app, "BBY01-1").await, whole, "{path}, total {total}");
        }
        assert_eq!(app.sql().await.count("order_events").await, 2);
        // A later edit may list the product again.
        assert_eq!(patch(&app, &message, &both).await.status, 200);
        replay(&app, "replay?outcome=all").await;
        assert_eq!(summary(&app, "BBY01-1").await[1], 4);
        app.sql().await.assert_sound().await;
    }
}

#[tokio::test]
async fn only_the_newest_of_several_versions_decides() {
    let (app, link) = open().await;
    let both = list("BBY01-1", &[GPU, CABLE], "$1,029.96");
    let cable = list("BBY01-1", &[CABLE], "$29.97");
    edited(&app, &link, &[list("BBY01-1", &[GPU], "$999.99"), both, cable]).await;
    let whole = order(&app, "BBY01-1").await;
    assert_eq!((&whole["product"], &whole["total"]), (&json!("Cable"), &json!(29.97)));
    replay(&app, "replay?outcome=all").await;
    assert_eq!(order(&app, "BBY01-1").await, whole);
    app.sql().await.assert_sound().await;
}

#[tokio::test]
async fn a_corrected_number_renames_the_order() {
    let (app, link) = open().await;
    let numbered = |number: &str| list(&format!("#BBY01-90000000000{number}"), &[GPU], "$999.99");
    let message = edited(&app, &link, &[numbered("1"), numbered("2"), numbered("3")]).await;
    assert_eq!(order(&app, "BBY01-900000000003").await["id"], 1);
    replay(&app, "replay?outcome=all").await;
    assert_eq!(app.sql().await.count("orders").await, 1, "a replay of the first version makes no order");
    assert_eq!(order(&app, "BBY01-900000000003").await["status"], "verified");

    // Another message of the same link has changed the order.
    let shipped = json!({"content": "Order Number\nBBY01-900000000003\nStatus\nshipped"});
    sent(&app, &link, &shipped).await;
    assert_eq!(patch(&app, &message, &numbered("4")).await.status, 200);
    assert_eq!(app.sql().await.count("orders").await, 2);
    app.sql().await.assert_sound().await;
}

#[tokio::test]
async fn the_original_bytes_sent_again_do_not_undo_an_edit() {
    let (app, link) = open().await;
    let both = list("BBY01-1", &[GPU, CABLE], "$1,029.96");
    edited(&app, &link, &[both.clone(), list("BBY01-1", &[GPU], "$999.99")]).await;
    let renamed = |number: &str| list(number, &[CABLE], "$29.97");
    edited(&app, &link, &[renamed("BBY01-900000000001"), renamed("BBY01-900000000002")]).await;
    let whole = [order(&app, "BBY01-1").await, order(&app, "BBY01-900000000002").await];
    for again in [both, renamed("BBY01-900000000001")] {
        sent(&app, &link, &again).await;
    }
    let after = [order(&app, "BBY01-1").await, order(&app, "BBY01-900000000002").await];
    for (after, whole) in after.iter().zip(&whole) {
        assert_eq!(
            ["product", "quantity", "total", "items"].map(|name| &after[name]),
            ["product", "quantity", "total", "items"].map(|name| &whole[name])
        );
    }
    assert_eq!(app.sql().await.count("orders").await, 2, "no order with the wrong number");
    let outcomes = app.sql().await.rows("SELECT outcome FROM webhook_logs ORDER BY id DESC LIMIT 2").await;
    assert!(outcomes.iter().all(|row| row["outcome"] == "duplicate"), "{outcomes:?}");
    app.sql().await.assert_sound().await;
}

#[tokio::test]
async fn a_replay_of_versions_that_were_all_rejected_makes_the_order_of_the_newest_one() {
    let (app, link) = open().await;
    let versions = [
        list("BBY01-1", &[GPU, CABLE], "$1,029.96"),
        list("BBY01-2", &[GPU, CABLE], "$1,029.96"),
        list("BBY01-3", &[GPU], "$999.99"),
    ];
    edited(&app, &link, &versions).await;
    // As a parser left them that could not read the cards.
    let mut sql = app.sql().await;
    for table in ["order_events", "order_items", "orders"] {
        sql.run(&format!("DELETE FROM {table}")).await;
    }
    sql.run("UPDATE webhook_logs SET outcome = 'rejected', code = 'not_an_order', order_ids = '[]'").await;
    sql.run("UPDATE webhook_logs SET source_key = NULL WHERE id = 1").await;
    replay(&app, "replay?outcome=all").await;
    assert_eq!(summary(&app, "BBY01-3").await, [json!("GPU"), json!(1), json!(999.99), json!(1)]);
    assert_eq!(app.sql().await.count("orders").await, 1);
}

/// A Slack message with a card that lists these products.
fn slack_list(number: &str, items: &[&str], total: &str) -> Value {
    let fields = [("Order Number", number), ("Items", &items.join("\n")), ("Total", total)];
    let fields: Vec<_> = fields.iter().map(|(name, value)| json!({"title": name, "value": value})).collect();
    json!({"text": "Successful Checkout | Best Buy", "attachments": [{"fields": fields}]})
}

#[tokio::test]
async fn a_message_of_slacks_form_may_be_edited_in_either_form() {
    let (app, link) = open().await;
    let first = slack_list("BBY01-1", &[GPU, CABLE], "$1,029.96");
    let fields_of = |list: &Value| list["embeds"][0]["fields"].clone();
    let embed = json!({"embeds": [{"fields": fields_of(&list("BBY01-1", &[GPU], "$999.99"))}]});
    let slack = json!({"attachments": slack_list("BBY01-1", &[CABLE], "$29.97")["attachments"]});
    let renamed = json!({"embeds": [{"fields": fields_of(&list("BBY01-2", &[CABLE], "$29.97"))}]});
    let path = format!("/messages/{}", sent(&app, &link, &first).await);
    for (edit, number, product, total) in [
        (json!({"content": "Order Confirmed | Best Buy"}), "BBY01-1", "GPU + Cable", 1029.96),
        (embed, "BBY01-1", "GPU", 999.99),
        (slack, "BBY01-1", "Cable", 29.97),
        (json!({"text": "Successful Checkout | Best Buy US"}), "BBY01-1", "Cable", 29.97),
        (renamed, "BBY01-2", "Cable", 29.97),
    ] {
        assert_eq!(patch(&app, &link.discord(&path), &edit).await.status, 200);
        let stored = summary(&app, number).await;
        assert_eq!((&stored[0], &stored[2]), (&json!(product), &json!(total)), "{edit}");
    }
    assert_eq!(app.sql().await.count("orders").await, 1, "the corrected number renames the order");
    app.sql().await.assert_sound().await;
}

#[tokio::test]
async fn a_message_posted_to_slacks_path_may_be_edited_and_its_number_corrected() {
    let (app, link) = open().await;
    let first = slack_list("BBY01-900000000001", &[GPU], "$999.99").to_string();
    assert_eq!(post(&app, &link.discord("/slack"), first).await.status, 200);
    for number in ["BBY01-900000000002", "BBY01-900000000003"] {
        let edit = list(number, &[GPU], "$999.99");
        assert_eq!(patch(&app, &link.discord("/messages/1"), &edit).await.status, 200);
    }
    assert_eq!(order(&app, "BBY01-900000000003").await["id"], 1);
    assert_eq!(app.sql().await.count("orders").await, 1);
    app.sql().await.assert_sound().await;
}

#[tokio::test]
async fn edits_of_one_message_at_the_same_time_all_count() {
    let (app, link) = open().await;
    let first = list("BBY01-1", &[GPU], "$999.99");
    let path = link.discord(&format!("/messages/{}", sent(&app, &link, &first).await));
    let content = json!({"content": "Order Number\nBBY01-2\nProduct\nMug\nPrice\n$5"});
    let embeds = list("BBY01-1", &[GPU, CABLE], "$1,029.96");
    let embeds = json!({"embeds": embeds["embeds"]});
    let edits = [&content, &embeds, &content, &embeds].map(|edit| patch(&app, &path, edit));
    for reply in futures_util::future::join_all(edits).await {
        assert_eq!(reply.status, 200, "{}", reply.text);
    }
    let newest = app.sql().await.rows("SELECT payload FROM webhook_logs ORDER BY id DESC LIMIT 1").await;
    let newest: Value = serde_json::from_str(newest[0]["payload"].as_str().unwrap()).unwrap();
    assert_eq!((&newest["content"], &newest["embeds"]), (&content["content"], &embeds["embeds"]));
    app.sql().await.assert_sound().await;
}

#[tokio::test]
async fn a_replay_judges_the_newest_version_by_what_arrived() {
    let (app, link) = open().await;
    edited(&app, &link, &[list("BBY01-1", &[GPU], "$999.99"), list("BBY01-2", &[GPU], "$999.99")]).await;
    // As a release left them that could neither flatten nor parse the messages.
    let mut sql = app.sql().await;
    for table in ["order_events", "order_items", "orders"] {
        sql.run(&format!("DELETE FROM {table}")).await;
    }
    let unread = "outcome = 'rejected', code = 'not_an_order', order_ids = '[]', flattened = ''";
    sql.run(&format!("UPDATE webhook_logs SET {unread}")).await;
    sql.run("UPDATE webhook_logs SET source_key = NULL WHERE id = 1").await;
    replay(&app, "replay?outcome=all").await;
    assert_eq!(summary(&app, "BBY01-2").await[0], json!("GPU"));
    assert_eq!(app.sql().await.count("orders").await, 1, "only the newest version makes an order");
}
