//! The door of the page: a file is handed in, shown, corrected, stored and undone.

use reqwest::Method;
use reqwest::redirect::Policy;
use serde_json::json;

use super::{card, example};
use crate::access::{LOCKED, create};
use crate::sign_in::Visitor;
use crate::support::app::{App, until_ok};
use crate::support::browser::Browser;
use crate::support::home::Home;

/// Hands in a file as a browser does, and returns the path of the page that follows.
pub(super) async fn upload(app: &App, name: &str, content: &[u8], kind: &str) -> (u16, String) {
    let mut body = format!(
        "--x\r\nContent-Disposition: form-data; name=\"kind\"\r\n\r\n{kind}\r\n--x\r\n\
         Content-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(content);
    body.extend_from_slice(b"\r\n--x--\r\n");
    let client = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
    let request = client.post(app.url("/import")).header("content-type", "multipart/form-data; boundary=x");
    let reply = request.body(body).send().await.unwrap();
    let path = reply.headers().get("location").map(|value| value.to_str().unwrap().to_owned());
    let status = reply.status().as_u16();
    (
        status,
        match path {
            Some(path) => path,
            None => reply.text().await.unwrap(),
        },
    )
}

pub(super) async fn post(app: &App, path: &str, form: &str) -> String {
    let client = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
    let reply = client.post(app.url(path)).body(form.to_owned()).send().await.unwrap();
    assert_eq!(reply.status(), 303, "{path}: {}", reply.text().await.unwrap());
    reply.headers()["location"].to_str().unwrap().to_owned()
}

pub(super) async fn until_finished(app: &App, path: &str) {
    until_ok("the import is finished", async || {
        let page = app.get(path).await.text;
        if page.contains(">finished") { Ok(()) } else { Err(page) }
    })
    .await;
}

#[tokio::test]
async fn a_file_is_shown_stored_and_undone() {
    let app = App::start().await;
    app.stored(&[&card("A-1"), &card("A-2")]).await;
    let file = std::fs::read(example("tracking.csv")).unwrap();
    let (status, path) = upload(&app, "drop.csv", &file, "").await;
    assert_eq!((status, path.as_str()), (303, "/import/1"));
    let page = app.get(&path).await.text;
    assert!(page.contains("tracking_number: empty → 1Z999AA10123456784"), "{page}");
    assert!(page.contains("<dd id=\"counts\">2 updated</dd>"), "{page}");
    assert_eq!(app.get("/api/v2/orders/A-1").await.json["tracking_number"], json!(null));
    let report = app.get("/import/1/report").await;
    assert!(report.text.contains("2,updated,A-1"), "{}", report.text);

    post(&app, "/import/1/commit", "").await;
    until_finished(&app, "/import/1").await;
    assert_eq!(app.get("/api/v2/orders/A-1").await.json["tracking_number"], "1Z999AA10123456784");
    let events = app.get("/api/v2/orders/A-1/events").await.json["events"].clone();
    assert_eq!(events.as_array().unwrap().last().unwrap()["actor"], "page");
    // The file itself is not kept.
    assert_eq!(app.sql().await.count("imports WHERE content IS NOT NULL").await, 0);

    let (status, again) = upload(&app, "drop.csv", &file, "").await;
    assert_eq!((status, again.as_str()), (303, "/import/1?again=1"));
    assert!(app.get(&again).await.text.contains("This file was imported before."));

    let undo = post(&app, "/import/1/undo", "").await;
    assert!(app.get(&undo).await.text.contains("tracking_number: 1Z999AA10123456784 → empty"));
    post(&app, &format!("{undo}/commit"), "").await;
    until_finished(&app, &undo).await;
    assert_eq!(app.get("/api/v2/orders/A-1").await.json["tracking_number"], json!(null));
    let order = app.get("/orders/A-1").await.text;
    assert!(order.contains(r#"<a href="/import/1">the file drop.csv</a>"#), "{order}");
    assert!(order.contains(r#"<a href="/import/2">the undo of import 1</a>"#), "{order}");
    let list = app.get("/import").await.text;
    assert!(list.contains("undo of import 1") && list.contains("finished, undone by import 2"), "{list}");
    // After its undo, the file is a new import.
    assert_eq!(upload(&app, "drop.csv", &file, "").await, (303, "/import/3".to_owned()));
}

#[tokio::test]
async fn the_columns_are_corrected_and_saved_under_a_name() {
    let app = App::start().await;
    app.stored(&[&card("A-1")]).await;
    let file = b"Order Number,Paket\nA-1,1ZABC\n";
    let (_, path) = upload(&app, "list.csv", file, "orders").await;
    let page = app.get(&path).await.text;
    assert!(page.contains("extra.Paket"), "{page}");
    post(
        &app,
        &format!("{path}/columns"),
        "kind=orders&field0=order_number&field1=tracking_number&name=Lager",
    )
    .await;
    let page = app.get(&path).await.text;
    assert!(page.contains("tracking_number: empty → 1ZABC"), "{page}");
    assert!(app.get("/import").await.text.contains("<option>Lager</option>"));
    let unknown = app.request(Method::POST, &format!("{path}/columns"), &[], "kind=colours").await;
    assert_eq!(unknown.status, 422, "{}", unknown.text);
    assert!(unknown.text.contains("One of tracking, received"), "{}", unknown.text);
    post(&app, &format!("{path}/discard"), "").await;
    assert_eq!(app.get(&path).await.status, 404);

    // An empty field leaves the saved kind, and an unknown kind is refused.
    for (kind, status) in [("", 200), ("orders", 200), ("ordres", 422)] {
        let part =
            |name, value| format!("--x\r\nContent-Disposition: form-data; name={name}\r\n\r\n{value}\r\n");
        let file = part("file", "Order Number,Paket\nA-1,1ZABC\n");
        let form = format!("{}{}{file}--x--\r\n", part("saved", "Lager"), part("kind", kind));
        let headers = [("content-type", "multipart/form-data; boundary=x")];
        let reply = app.request(Method::POST, "/api/v2/imports", &headers, form).await;
        assert_eq!(reply.status, status, "{}", reply.text);
        match status {
            200 => assert_eq!(reply.json["kind"], "orders"),
            _ => assert_eq!(reply.json["errors"][0]["field"], "kind"),
        }
    }
}

#[tokio::test]
async fn unknown_columns_are_chosen_on_the_page_and_remembered() {
    let app = App::start().await;
    app.stored(&[&card("A-1")]).await;
    let file = b"Ref,Paket,Lager\nA-1,1ZABC,7\n";
    let (status, path) = upload(&app, "list.csv", file, "").await;
    assert_eq!(status, 303, "{path}");
    let page = app.get(&path).await.text;
    assert!(
        page.contains("needs a column with the order_number; its columns are: Ref, Paket, Lager"),
        "{page}"
    );
    assert!(!page.contains("id=\"commit\"") && !page.contains("/report"), "{page}");
    // Still without an order number.
    let columns = format!("{path}/columns");
    post(&app, &columns, "kind=tracking&field0=ignore&field1=tracking_number&field2=ignore").await;
    let page = app.get(&path).await.text;
    assert!(page.contains("a file of tracking needs a column with the order_number"), "{page}");
    let form = "kind=tracking&field0=order_number&field1=tracking_number&field2=ignore&name=Lager";
    post(&app, &columns, form).await;
    let page = app.get(&path).await.text;
    assert!(page.contains("tracking_number: empty → 1ZABC"), "{page}");
    post(&app, &format!("{path}/commit"), "").await;
    until_finished(&app, &path).await;
    assert_eq!(app.get("/api/v2/orders/A-1").await.json["tracking_number"], "1ZABC");
    assert!(app.get("/import").await.text.contains("<option>Lager</option>"));
}

#[tokio::test]
async fn the_amount_of_a_statement_without_headings_is_chosen_on_the_page() {
    let app = App::start().await;
    let (status, path) = upload(&app, "card.csv", b"02/02/2026,TARGET.COM,25,3\n", "").await;
    assert_eq!(status, 303, "{path}");
    let page = app.get(&path).await.text;
    assert!(
        page.contains(
            "a file of charges needs a column with the amount; its columns are: Column 1, Column 2"
        ),
        "{page}"
    );
    let form = "kind=charges&field0=posted_date&field1=details&field2=amount&field3=ignore";
    post(&app, &format!("{path}/columns"), form).await;
    let page = app.get(&path).await.text;
    assert!(page.contains("<dd id=\"counts\">1 not found</dd>"), "{page}");
}

#[tokio::test]
async fn only_managers_hand_in_files_and_only_of_20_mb() {
    let home = Home::new();
    let (reader, writer) = (create(&home, "read").await, create(&home, "read,write").await);
    let app = App::start_in(home, LOCKED).await;
    let mut cookie = String::new();
    for (token, expected) in [(&reader, 403), (&writer, 200)] {
        let mut visitor = Visitor::of(&app);
        visitor.sign_in_with(token).await;
        cookie = format!("roms={}", visitor.session().unwrap());
        let headers = [("accept", "text/html"), ("cookie", cookie.as_str())];
        assert_eq!(app.request(Method::GET, "/import", &headers, "").await.status, expected);
    }
    let foreign = [("cookie", cookie.as_str()), ("origin", "http://evil.example")];
    assert_eq!(app.request(Method::POST, "/import/1/commit", &foreign, "").await.status, 403);

    let open = App::start().await;
    let (status, text) = upload(&open, "big.csv", &vec![b'x'; 21 * 1024 * 1024], "").await;
    assert_eq!(status, 422, "{text}");
    assert!(text.contains("larger than 20 MB"), "{text}");
    let (status, text) = upload(&open, "x.csv", b"", "").await;
    assert_eq!(status, 422, "{text}");
}

#[tokio::test]
async fn the_history_names_a_file_only_to_managers() {
    let home = Home::new();
    let (reader, writer) = (create(&home, "read").await, create(&home, "read,write").await);
    let app = App::start_in(home, LOCKED).await;
    let bearer = format!("Bearer {writer}");
    let file = "Order Number,Product\nA-1,Console\n";
    let path = "/api/v2/imports?name=buyer.csv&kind=orders&dry_run=false";
    let reply = app.request(Method::POST, path, &[("authorization", &bearer)], file).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    for (token, author) in
        [(&reader, "by import 1"), (&writer, r#"<a href="/import/1">the file buyer.csv</a>"#)]
    {
        let mut visitor = Visitor::of(&app);
        visitor.sign_in_with(token).await;
        let cookie = format!("roms={}", visitor.session().unwrap());
        let order = until_ok("the order is stored", async || {
            let headers = [("accept", "text/html"), ("cookie", cookie.as_str())];
            let order = app.request(Method::GET, "/orders/A-1", &headers, "").await;
            if order.status == 200 { Ok(order.text) } else { Err(order.text) }
        })
        .await;
        assert!(order.contains(author), "{order}");
        assert_eq!(order.contains("buyer.csv"), token == &writer, "{order}");
    }
}

#[tokio::test]
async fn a_dropped_file_is_shown_and_its_state_follows_the_import() {
    let app = App::start().await;
    app.stored(&[&card("A-1")]).await;
    let Some(browser) = Browser::start(&app.url("")).await else { return };
    browser.goto("/import").await;
    let drop = "const data = new DataTransfer();
        data.items.add(new File(['Order #,Tracking\\nA-1,1ZABC\\n'], 'drop.csv'));
        const event = new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true });
        document.querySelector('form[action=\"/import\"] p').dispatchEvent(event);
        return event.defaultPrevented";
    assert_eq!(browser.js(drop).await, true);
    browser.click("form[action='/import'] button.primary").await;
    browser.until("document.querySelector('#import .badge')?.innerText === 'shown'").await;
    browser.click("#commit").await;
    browser.until("document.querySelector('#import .badge')?.innerText === 'finished'").await;
    assert_eq!(browser.errors().await, Vec::<String>::new());
}

#[tokio::test]
async fn the_preview_shows_times_and_amounts_in_the_form_of_the_reader() {
    let app = App::start_with("[orders]\ntimezone = \"America/New_York\"").await;
    app.stored(&[&card("A-1")]).await;
    let file = b"Order Number,Date,Total\nA-1,2026-02-01 09:12,1299.9\n";
    let (_, path) = upload(&app, "list.csv", file, "orders").await;
    let Some(browser) = Browser::start(&app.url("")).await else { return };
    browser.goto(&path).await;
    let row = browser.texts("#rows td:last-child").await.remove(0);
    assert!(row.contains("Feb 1") && row.contains("9:12 AM") && row.contains("1,299.90"), "{row}");
    assert!(!row.contains('Z'), "{row}");
    assert_eq!(browser.errors().await, Vec::<String>::new());
}

#[tokio::test]
async fn an_import_reaches_the_live_list_as_one_message() {
    let app = App::start().await;
    app.stored(&[&card("A-1"), &card("A-2")]).await;
    let Some(browser) = Browser::start(&app.url("")).await else { return };
    browser.goto("/orders").await;
    browser.until_live().await;
    let file = std::fs::read(example("tracking.csv")).unwrap();
    let (_, path) = upload(&app, "drop.csv", &file, "").await;
    post(&app, &format!("{path}/commit"), "").await;
    browser
        .until("document.querySelector('.toast')?.innerText.includes('An import has changed orders: 2.')")
        .await;
    assert_eq!(browser.js("return document.querySelectorAll('.toast').length").await, 1);
    assert_eq!(browser.errors().await, Vec::<String>::new());
}

#[tokio::test]
async fn each_example_is_dropped_stored_and_undone() {
    let app = App::start().await;
    let Some(browser) = Browser::start(&app.url("")).await else { return };
    browser.goto("/import").await;
    let names =
        browser.js("return [...document.querySelectorAll('a[download]')].map(a => a.innerText)").await;
    assert_eq!(names.as_array().unwrap().len(), 7, "{names}");
    let until_badge = async |state: &str| {
        browser.until(&format!("document.querySelector('#import .badge')?.innerText === '{state}'")).await;
    };
    for at in 0..7 {
        browser.goto("/import").await;
        let drop = format!(
            "const link = document.querySelectorAll('a[download]')[{at}];
            const content = await (await fetch(link.href)).text();
            const data = new DataTransfer();
            data.items.add(new File([content], link.href.split('/').pop()));
            const event = new DragEvent('drop', {{ dataTransfer: data, bubbles: true, cancelable: true }});
            document.querySelector('form[action=\"/import\"] p').dispatchEvent(event);
            return event.defaultPrevented"
        );
        assert_eq!(browser.js(&format!("return (async () => {{ {drop} }})()")).await, true);
        browser.click("form[action='/import'] button.primary").await;
        until_badge("shown").await;
        let counts = browser.js("return document.querySelector('#counts').innerText").await;
        let text = counts.as_str().unwrap();
        assert!(text.contains("created") || text.contains("updated"), "{}: {text}", names[at]);
        for outcome in ["not found", "ambiguous", "bad"] {
            assert!(!text.contains(outcome), "{}: {text}", names[at]);
        }
        let label = browser.js("return document.querySelector('#commit').innerText").await;
        assert!(label.as_str().unwrap().starts_with("Store "), "{label}");
        browser.click("#commit").await;
        until_badge("finished").await;
    }
    // The last one first, so that each undo restores everything.
    for id in (1..=7).rev() {
        browser.goto(&format!("/import/{id}")).await;
        browser.click("#undo").await;
        until_badge("shown").await;
        let text = browser.js("return document.querySelector('#counts').innerText").await;
        assert!(!text.as_str().unwrap().contains("unchanged"), "import {id}: {text}");
        browser.click("#commit").await;
        until_badge("finished").await;
    }
    let left = app.sql().await.values("SELECT order_number, status FROM orders ORDER BY order_number").await;
    assert!(left.iter().all(|row| row[1] == "cancelled"), "{left:?}");
    assert_eq!(browser.errors().await, Vec::<String>::new());
}
