//! The log: new messages appear, and a rejected one shows what is missing and can be read again.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;

use super::card;
use crate::support::app::App;
use crate::support::browser::{Browser, PHONE};
use crate::support::home::Home;

#[tokio::test]
async fn messages_appear_in_the_log_without_a_reload() {
    let app = App::start().await;
    app.stored(&[&card("A-1", &[])]).await;
    let Some(browser) = Browser::start(&app.url("")).await else { return };
    browser.goto("/log").await;
    browser.js("window.stays = true").await;
    assert_eq!(browser.texts("#rows .c-outcome").await, ["created"]);
    app.stored(&["Order Number\nA-1\nStatus\nshipped\n"]).await;
    browser.until("document.querySelectorAll('#rows > tr').length === 2").await;
    assert_eq!(browser.texts("#rows .c-outcome").await, ["updated", "created"]);
    browser.goto("/log?outcome=rejected").await;
    app.post("Order Number\nProduct\nExample Console\n**Reward Points**\n12\n").await;
    browser.until("document.querySelector('#rows .c-outcome')?.innerText === 'rejected'").await;
    assert_eq!(browser.errors().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_rejected_message_shows_what_is_missing_and_is_read_again() {
    let app = App::start().await;
    app.post("Order Number\nProduct\nExample Console\n**Reward Points**\n12\n").await;
    let Some(browser) = Browser::start(&app.url("")).await else { return };
    browser.goto("/log/1").await;
    browser.click(".needs summary").await;
    let missing = browser.texts(".needs .missing").await.join("\n");
    assert!(missing.contains("A heading") && missing.contains("An order number"), "{missing}");
    assert!(browser.texts(".needs .there").await.join("\n").contains("A product"));
    // In the message as it arrived, labels are marked: those that ROMS knows, and the others.
    assert_eq!(browser.texts("pre mark:not(.unknown)").await, ["Order Number", "Product"]);
    assert_eq!(browser.texts("pre mark.unknown").await, ["Reward Points"]);
    let result = replayed(&browser, "/log/1").await;
    assert!(result.starts_with("Read again. Rejected: ") && result.contains("no heading"), "{result}");
    assert_eq!(browser.texts(".top .badge").await, ["rejected"]);
    assert_eq!(browser.errors().await, Vec::<String>::new());
}

/// Opens a message, and reads it again without a reload of the page. Returns the result that the page shows.
async fn replayed(browser: &Browser, path: &str) -> String {
    browser.goto(path).await;
    browser.js("window.stays = true").await;
    browser.click("#replay").await;
    browser.until("document.querySelector('.notice[role=status]')").await;
    assert_eq!(browser.js("return window.stays").await, true);
    assert_eq!(browser.path().await, path);
    browser.texts(".notice[role=status]").await.remove(0)
}

#[tokio::test]
async fn a_replay_says_what_became_of_each_card() {
    let app = App::start().await;
    let failed = "Checkout Failed | Target\nProduct\nExample Console\nReason\nCard declined\n";
    app.post(failed).await;
    app.stored(&[&card("A/1", &[]), &card("A-2", &[])]).await;
    app.post("Order Number\nProduct\nExample Console\n").await;
    // As if an older release had not read the tracking number and the third order.
    let mut sql = app.sql().await;
    let tracking = "payload || 'Tracking Number\n1Z999AA10123456784\n'";
    sql.run(&format!("UPDATE webhook_logs SET payload = {tracking} WHERE id = 3")).await;
    sql.run(&format!("UPDATE webhook_logs SET payload = '{}' WHERE id = 4", card("A-3", &[]))).await;
    let Some(browser) = Browser::start(&app.url("")).await else { return };
    let result = replayed(&browser, "/log/1").await;
    assert_eq!(result, "Read again. Ignored: failed checkout, not an order: Card declined.");
    assert_eq!(replayed(&browser, "/log/2").await, "Read again. Nothing new in A/1.");
    assert_eq!(replayed(&browser, "/log/3").await, "Read again. Updated A-2.");
    assert_eq!(replayed(&browser, "/log/4").await, "Read again. Stored as a new order, A-3.");
    browser.click(".notice a").await;
    browser.until("location.pathname === '/orders/A-3'").await;
    assert_eq!(browser.errors().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_replay_without_script_leads_back_to_the_message() {
    let app = App::start().await;
    app.post("Good morning").await;
    let path = "/log/1/replay";
    let by_script = app.request(reqwest::Method::POST, path, &[("hx-request", "true")], "").await;
    assert_eq!(by_script.status, 200);
    assert!(by_script.text.contains("Read again."), "{}", by_script.text);
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    let posted = client.build().unwrap().post(app.url(path)).send().await.unwrap();
    assert_eq!((posted.status().as_u16(), &posted.headers()["location"]), (303, &"/log/1".parse().unwrap()));
}

#[tokio::test]
async fn a_phone_reaches_saved_views_and_changes_many_orders() {
    let app = App::start().await;
    for number in ["A-1", "A-2"] {
        app.stored(&[&card(number, &[("Status", "verified")])]).await;
    }
    let view = "name=Checked&query=status%3Dverified";
    assert_eq!(app.request(reqwest::Method::POST, "/views", &[], view).await.status, 200);
    let Some(browser) = Browser::start(&app.url("")).await else { return };
    browser.resize(PHONE).await;
    browser.goto("/orders").await;
    browser.until_live().await;
    browser.click(".side .more").await;
    browser.click(".views a").await;
    browser.until("location.search === '?status=verified'").await;
    browser.until_numbers(&["A-2", "A-1"]).await;
    browser.click("#o1 .pick input").await;
    browser.until("document.querySelector('#picked').innerText === '1 chosen'").await;
    browser.click("[data-bulk=received]").await;
    browser.until("document.querySelector('.toast')?.innerText.includes('Changed 1')").await;
    assert_eq!(app.get("/api/v2/orders/A-1").await.json["qty_received"], 1);
    assert_eq!(browser.errors().await, Vec::<String>::new());
}

#[tokio::test]
async fn the_page_can_be_installed_and_its_offline_page_holds_no_order() {
    let app = App::start().await;
    app.stored(&[&card("A-1", &[("Product", "Example Console")])]).await;
    let manifest = app.get("/manifest.json").await;
    let mut sizes = Vec::new();
    for icon in manifest.json["icons"].as_array().unwrap() {
        let reply = reqwest::get(app.url(icon["src"].as_str().unwrap())).await.unwrap();
        assert_eq!(
            (reply.status().as_u16(), &reply.headers()["content-type"]),
            (200, &icon["type"].as_str().unwrap().parse().unwrap())
        );
        let bytes = reply.bytes().await.unwrap();
        assert!(icon["type"] != "image/png" || bytes.starts_with(b"\x89PNG\r\n\x1a\n"));
        sizes.push(icon["sizes"].as_str().unwrap().to_owned());
    }
    assert_eq!(sizes, ["192x192", "512x512", "512x512", "any"]);
    let Some(browser) = Browser::start(&app.url("")).await else { return };
    browser.goto("/orders").await;
    browser.until_live().await;
    browser.js("window.ready = navigator.serviceWorker.ready.then(() => { window.isReady = true; })").await;
    browser.until("window.isReady").await;
    app.stop().await;
    browser.until("document.querySelector('#light').dataset.state === 'offline'").await;
    browser.client.refresh().await.unwrap();
    browser.until("document.querySelector('h1')?.innerText === 'No connection'").await;
    let kept = browser
        .js("return caches.keys().then((names) => Promise.all(names.map((name) => caches.open(name)
            .then((cache) => cache.keys())))).then((all) => all.flat().map((it) => new URL(it.url).pathname))")
        .await;
    assert!(kept.as_array().unwrap().iter().all(|path| !path.as_str().unwrap().contains("orders")), "{kept}");
}

/// Answers like an earlier release: with its service worker and its offline page.
async fn serve_earlier_release(listener: TcpListener) {
    let mut connections = JoinSet::new();
    loop {
        let (connection, _) = listener.accept().await.unwrap();
        connections.spawn(answer_like_earlier_release(connection));
    }
}

/// Answers one request. Chromium may also connect and send nothing, or reset the connection.
async fn answer_like_earlier_release(mut connection: TcpStream) -> io::Result<()> {
    let worker = include_str!("../../../assets/page/worker.js")
        .replace("STYLE", "/assets/page-earlier.css")
        .replace("SCRIPT", "/assets/page-earlier.js")
        .replace("ICON", "/assets/icon-earlier.svg")
        .replace("VERSION", "earlier");
    let mut request = [0; 4096];
    let size = connection.read(&mut request).await?;
    let is_worker = request[..size].starts_with(b"GET /worker.js ");
    let (kind, body) = if is_worker { ("javascript", &*worker) } else { ("html", "<h1>Earlier</h1>") };
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/{kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    connection.write_all(format!("{head}{body}").as_bytes()).await
}

#[tokio::test]
async fn a_new_release_replaces_the_kept_files_and_the_offline_page() {
    const KEPT: &str = "(async () => { const kept = []; for (const name of await caches.keys()) \
        for (const it of await (await caches.open(name)).keys()) kept.push(new URL(it.url).pathname); window.kept = kept; })()";
    // Keeps the port: another socket may listen on it, but the system gives it to no other test.
    let port = TcpSocket::new_v4().unwrap();
    port.set_reuseaddr(true).unwrap();
    port.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = port.local_addr().unwrap();
    let listener = TcpListener::bind(address).await.unwrap();
    let Some(browser) = Browser::start(&format!("http://{address}")).await else { return };
    let earlier = tokio::spawn(serve_earlier_release(listener));
    browser.goto("/").await;
    browser.js("navigator.serviceWorker.register('/worker.js').then(() => navigator.serviceWorker.ready).then(() => { window.isReady = true; })").await;
    browser.until("window.isReady").await;
    browser.js(KEPT).await;
    browser.until("window.kept?.includes('/assets/page-earlier.css')").await;
    earlier.abort();
    drop(earlier.await);

    let app = App::start_at(Home::new(), "", address).await;
    browser.goto("/orders").await;
    browser.until_live().await;
    let is_replaced = "window.kept?.length === 4 && window.kept.every((path) => !path.includes('earlier'))";
    browser.until(&format!("({KEPT}, {is_replaced})")).await;
    app.stop().await;
    browser.until("document.querySelector('#light').dataset.state === 'offline'").await;
    browser.client.refresh().await.unwrap();
    browser.until("document.querySelector('h1')?.innerText === 'No connection'").await;
    let background = "getComputedStyle(document.querySelector('.card')).borderRadius";
    assert_eq!(browser.js(&format!("return {background}")).await, "8px", "the style sheet is kept, too");
}
