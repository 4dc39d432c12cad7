//! The undo of an import keeps what others have changed since.

use reqwest::Method;
use serde_json::json;

use super::card;
use super::fixtures::{post, send, until_finished};
use crate::support::app::App;

const FILE: &str = "order number,product,price\nLATE-1,Mini Kit,299.99\nLATE-2,Mini Kit,299.99\n";

/// Imports a file, and returns the id of the import.
async fn import(app: &App, content: &str) -> i64 {
    let stored = send(app, "?dry_run=false", content.into()).await;
    let id = stored["id"].as_i64().unwrap();
    until_finished(app, id).await;
    id
}

/// Undoes an import, and returns the undo.
async fn undo(app: &App, import: i64) -> serde_json::Value {
    let shown = post(app, &format!("/api/v2/imports/{import}/undo")).await;
    let id = shown["id"].as_i64().unwrap();
    post(app, &format!("/api/v2/imports/{id}/commit")).await;
    until_finished(app, id).await;
    shown
}

#[tokio::test]
async fn an_order_that_was_changed_after_its_import_is_not_cancelled() {
    let app = App::start().await;
    let added = import(&app, FILE).await;
    app.stored(&[&format!("{}Tracking\n1ZLATE\nEmail\nbuyer@example.com\n", card("LATE-1"))]).await;
    let notes = [("content-type", "application/json")];
    let reply =
        app.request(Method::PATCH, "/api/v2/orders/LATE-1", &notes, r#"{"notes":"call the store"}"#).await;
    assert_eq!(reply.status, 200, "{}", reply.text);

    let undone = undo(&app, added).await;
    let counts = json!([{"outcome": "updated", "rows": 1}, {"outcome": "unchanged", "rows": 1}]);
    assert_eq!(undone["counts"], counts, "{undone}");
    let reason = undone["rows"][0]["reason"].as_str().unwrap();
    assert!(reason.starts_with("kept, because it has changed since: "), "{reason}");
    assert!(reason.contains("tracking_number") && reason.ends_with("notes"), "{reason}");
    assert_eq!(app.get("/api/v2/orders/LATE-1").await.json["status"], "verified");
    assert_eq!(app.get("/api/v2/orders/LATE-2").await.json["status"], "cancelled");
}

#[tokio::test]
async fn an_import_that_was_undone_itself_is_no_later_change() {
    let app = App::start().await;
    let added = import(&app, FILE).await;
    let later = import(&app, "order number,tracking number\nLATE-1,1Z1\nLATE-2,1Z2\n").await;
    import(&app, "order number,notes,store\nLATE-2,kept,Target\n").await;
    undo(&app, later).await;
    let undone = undo(&app, added).await;
    assert_eq!(app.get("/api/v2/orders/LATE-1").await.json["status"], "cancelled", "{undone}");
    assert_eq!(app.get("/api/v2/orders/LATE-2").await.json["status"], json!(null), "{undone}");
}
