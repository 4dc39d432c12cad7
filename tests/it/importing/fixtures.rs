//! Each form of each kind of file, in each door. The name of a fixture begins with its kind.

use std::path::PathBuf;

use reqwest::Method;
use serde_json::{Value, json};

use super::command::done;
use super::page::upload;
use super::{card, example};
use crate::support::app::{App, until};

/// The fixtures, each with the kind of its file.
pub(crate) fn fixtures() -> Vec<(PathBuf, String)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/files");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let with_kind = |path: PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (path, name.split('-').next().unwrap().to_owned())
    };
    files.map(with_kind).collect()
}

/// Sends a file to the API, and returns the import.
pub(super) async fn send(app: &App, query: &str, content: Vec<u8>) -> Value {
    let client = reqwest::Client::new();
    let reply = client.post(app.url(&format!("/api/v2/imports{query}"))).body(content).send().await.unwrap();
    assert_eq!(reply.status(), 200, "{}", reply.text().await.unwrap());
    reply.json().await.unwrap()
}

pub(super) async fn post(app: &App, path: &str) -> Value {
    let reply = reqwest::Client::new().post(app.url(path)).send().await.unwrap();
    assert_eq!(reply.status(), 200, "{path}: {}", reply.text().await.unwrap());
    reply.json().await.unwrap()
}

async fn assert_conflict(app: &App, path: &str, detail: &str) {
    let reply = app.request(Method::POST, path, &[], "").await;
    assert_eq!((reply.status, &reply.json["code"]), (409, &json!("not_importable")), "{}", reply.text);
    assert_eq!(reply.json["detail"], detail);
}

pub(super) async fn until_finished(app: &App, id: i64) {
    let path = format!("/api/v2/imports/{id}");
    until("the import is finished", async || app.get(&path).await.json["state"] == "finished").await;
}

#[tokio::test]
async fn each_form_is_recognised_in_each_door() {
    let app = App::start().await;
    app.stored(&[&card("A-1"), &card("A-2")]).await;
    for (path, kind) in fixtures() {
        let content = std::fs::read(&path).unwrap();
        let file = path.to_str().unwrap();
        let printed = done(app.home(), &["import", file, "--dry-run"]).await;
        assert!(printed.contains(&format!("A file of {kind} with ")), "{file}: {printed}");
        assert!(!printed.contains(" bad"), "{file}: {printed}");
        let import = send(&app, "", content.clone()).await;
        assert_eq!((&import["kind"], &import["state"]), (&json!(kind), &json!("shown")), "{file}");
        let (status, page) = upload(&app, "file", &content, "").await;
        assert_eq!(status, 303, "{file}: {page}");
        assert!(app.get(&page).await.text.contains(&format!("<dd>{kind}</dd>")), "{file}");
    }
}

#[tokio::test]
async fn a_file_is_imported_and_undone_over_the_api() {
    let app = App::start().await;
    app.stored(&[&card("A-1"), &card("A-2")]).await;
    let file = std::fs::read(example("tracking.csv")).unwrap();
    let shown = send(&app, "?name=drop.csv", file.clone()).await;
    assert_eq!(shown["counts"], json!([{"outcome": "updated", "rows": 2}]));
    let change = json!([{"field": "tracking_number", "old": null, "new": "1Z999AA10123456784"}]);
    assert_eq!(shown["rows"][0]["changes"], change);
    assert_eq!(shown["columns"][1], json!({"heading": "tracking number", "field": "tracking_number"}));
    assert_eq!(app.get("/api/v2/imports").await.json, json!({"imports": []}));
    post(&app, "/api/v2/imports/1/commit").await;
    until_finished(&app, 1).await;
    let events = app.get("/api/v2/orders/A-1/events").await.json["events"].clone();
    assert_eq!((&events[0]["import_id"], &events[1]["import_id"]), (&json!(null), &json!(1)));
    let again = send(&app, "?dry_run=false", file.clone()).await;
    assert_eq!((&again["id"], &again["state"]), (&json!(1), &json!("finished")));

    assert_conflict(&app, "/api/v2/imports/1/commit", "The import has ended already.").await;
    let undo = post(&app, "/api/v2/imports/1/undo").await;
    assert_eq!((&undo["undoes"], &undo["state"]), (&json!(1), &json!("shown")));
    post(&app, "/api/v2/imports/2/commit").await;
    until_finished(&app, 2).await;
    assert_eq!(app.get("/api/v2/imports/1").await.json["undone_by"], 2);
    let undone = "Import 2 undoes it already; nothing is undone again.";
    assert_conflict(&app, "/api/v2/imports/1/undo", undone).await;
    assert_eq!(app.get("/api/v2/orders/A-1").await.json["tracking_number"], json!(null));
    let stored = send(&app, "?dry_run=false", file).await;
    until_finished(&app, stored["id"].as_i64().unwrap()).await;
    assert_eq!(app.get("/api/v2/orders/A-1").await.json["tracking_number"], "1Z999AA10123456784");
}

#[tokio::test]
async fn the_examples_fit_each_other() {
    let home = super::with_cards(&[]).await;
    let names = ["orders.csv", "cards.txt", "tracking.csv", "scan-report.csv", "received.csv", "charges.csv"];
    for name in names.into_iter().chain(["cancellations.csv"]) {
        let printed = done(&home, &["import", example(name).to_str().unwrap(), "--yes"]).await;
        for outcome in [" not found", " ambiguous", " bad"] {
            assert!(!printed.contains(outcome), "{name}: {printed}");
        }
    }
}
