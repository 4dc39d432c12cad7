//! Each form of each kind of file, in each door. The name of a fixture begins with its kind.

use std::path::PathBuf;

use reqwest::Method;
use serde_json::{Value, json};

use super::command::done;
use super::page::upload;
use super::{card, example};
use crate::access::{LOCKED, create};
use crate::sign_in::Visitor;
use crate::support::app::{App, until};
use crate::support::home::Home;

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
    assert_eq!((&shown["repeated"], &again["repeated"]), (&json!(false), &json!(true)));

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
    let names = ["orders.csv", "cards.txt", "tracking.csv", "received.csv", "scan-report.csv", "charges.csv"];
    for name in names.into_iter().chain(["cancellations.csv"]) {
        let printed = done(&home, &["import", example(name).to_str().unwrap(), "--yes"]).await;
        assert!(printed.contains(" updated") || printed.contains(" created"), "{name}: {printed}");
        for outcome in [" not found", " ambiguous", " bad"] {
            assert!(!printed.contains(outcome), "{name}: {printed}");
        }
    }
}

#[tokio::test]
async fn columns_are_named_saved_and_used_again_over_the_api() {
    let app = App::start().await;
    app.stored(&[&card("A-1")]).await;
    let file = b"Ref,Paket\nA-1,1ZABC\n".to_vec();
    let named = send(
        &app,
        "?kind=tracking&map=Ref=order_number&map=paket%3Dtracking_number&save_as=Lager",
        file.clone(),
    )
    .await;
    assert_eq!(named["counts"], json!([{"outcome": "updated", "rows": 1}]));
    assert_eq!(send(&app, "?saved=Lager", file.clone()).await["columns"], named["columns"]);
    let ignored = send(&app, "?saved=Lager&kind=orders&map=Paket=ignore", file).await;
    assert_eq!(ignored["columns"][1]["field"], "ignore");
    for (query, parameter) in [("map=Paket", "map"), ("map=Paket=colour", "map"), ("maps=1", "maps")] {
        let reply = app.request(Method::POST, &format!("/api/v2/imports?{query}"), &[], "x,y\n1,2\n").await;
        let message = format!("Bad parameter: {parameter}");
        assert_eq!((reply.status, &reply.json["message"]), (400, &json!(message)), "{}", reply.text);
    }
}

#[tokio::test]
async fn a_preview_is_discarded_over_the_api_and_a_started_import_is_not() {
    let app = App::start().await;
    app.stored(&[&card("A-1"), &card("A-2")]).await;
    let file = std::fs::read(example("tracking.csv")).unwrap();
    send(&app, "", file.clone()).await;
    let report = app.get("/api/v2/imports/1/report").await;
    assert!(
        report.text.contains("2,updated,A-1,tracking_number: empty → 1Z999AA10123456784"),
        "{}",
        report.text
    );
    let discard =
        async |id: i64| app.request(Method::DELETE, &format!("/api/v2/imports/{id}"), &[], "").await;
    assert_eq!(discard(1).await.status, 204);
    assert_eq!(discard(1).await.status, 404);
    let stored = send(&app, "?dry_run=false", file).await["id"].as_i64().unwrap();
    until_finished(&app, stored).await;
    assert_eq!(app.get(&format!("/api/v2/imports/{stored}/report")).await.status, 404);
    let refused = discard(stored).await;
    assert_eq!((refused.status, &refused.json["code"]), (409, &json!("not_importable")));
    assert_eq!(refused.json["detail"], "The import was started already; undo it instead.");
}

/// Otherwise the outcome of a row would tell whether the caller has guessed a hidden value.
#[tokio::test]
async fn a_token_that_may_not_see_personal_data_cannot_import_such_data() {
    let home = Home::new();
    let (writer, manager) = (create(&home, "read,write").await, create(&home, "read:pii,write").await);
    let app = App::start_in(home, LOCKED).await;
    let hidden = [
        "order number,email\nA-1,guess@example.com\n",
        "order number,product,payment method\nA-1,Kit,PayPal (guess@example.com)\n",
        "order number,product,Paket\nA-1,Kit,7\n",
        "Successful Checkout | Target\nOrder Number\nA-1\nProduct\nKit\nEmail\nguess@example.com\n",
    ];
    let open = [
        "order number,tracking number\nA-1,1Z1\n",
        "tracking_number,total,commission,status,qty,order_number,created,modified\n1Z1,,,,1,8812,,\n",
        "Date,Description,Amount\n02/02/2026,TARGET,25\n",
    ];
    let send = async |token: &str, dry: bool, file: &str| {
        let headers = [("authorization", format!("Bearer {token}"))];
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        let path = format!("/api/v2/imports?dry_run={dry}");
        app.request(Method::POST, &path, &headers, file.to_owned()).await
    };
    for file in hidden {
        for dry in [true, false] {
            let refused = send(&writer, dry, file).await;
            assert_eq!(refused.status, 403, "{file}: {}", refused.text);
            assert!(refused.text.contains("read:pii"), "{}", refused.text);
        }
        assert_eq!(send(&manager, true, file).await.status, 200, "{file}");
    }
    for file in open {
        assert_eq!(send(&writer, true, file).await.status, 200, "{file}");
    }
    // The page of a manager's preview, and its start.
    let bearer = format!("Bearer {writer}");
    let headers = [("authorization", bearer.as_str())];
    for (method, path) in [(Method::GET, "/api/v2/imports/1"), (Method::POST, "/api/v2/imports/1/commit")] {
        assert_eq!(app.request(method, path, &headers, "").await.status, 403, "{path}");
    }
    let mut visitor = Visitor::of(&app);
    visitor.sign_in_with(&writer).await;
    let cookie = format!("roms={}", visitor.session().unwrap());
    let headers = [("accept", "text/html"), ("cookie", cookie.as_str())];
    for path in ["/import/1", "/import/1/report"] {
        assert_eq!(app.request(Method::GET, path, &headers, "").await.status, 403, "{path}");
    }
}

#[tokio::test]
async fn a_card_statement_is_always_shown_first() {
    let app = App::start().await;
    app.stored(&[&card("A-100001")]).await;
    let file = std::fs::read_to_string(example("charges.csv")).unwrap();
    let refused = app.request(Method::POST, "/api/v2/imports?dry_run=false", &[], file.clone()).await;
    let message = json!("Bad parameter: dry_run");
    assert_eq!((refused.status, &refused.json["message"]), (400, &message), "{}", refused.text);
    let shown = send(&app, "", file.into_bytes()).await;
    assert!(shown["rows"].to_string().contains("its number is in"), "{shown}");
    post(&app, "/api/v2/imports/1/commit").await;
    until_finished(&app, 1).await;
}
