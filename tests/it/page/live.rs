//! Live rows: they appear without a reload, wait while the reader is busy, and none is missed.

use std::time::{Duration, Instant};

use tokio::net::TcpListener;

use super::{card, open};
use crate::support::app::{App, until};
use crate::support::browser::Browser;

#[tokio::test]
async fn a_new_order_appears_without_a_reload() {
    let app = App::start().await;
    app.stored(&[&card("A-1", &[("Status", "verified")])]).await;
    let Some(browser) = open(&app).await else { return };
    browser.js("window.stays = true").await;

    let posted = Instant::now();
    app.stored(&[&card("A-2", &[("Product", "Example Console"), ("Price", "$299.99")])]).await;
    browser.until_numbers(&["A-2", "A-1"]).await;
    assert!(posted.elapsed() < Duration::from_secs(5), "{:?}", posted.elapsed());
    assert_eq!(browser.texts("#o2 .c-total").await, ["$299.99"], "money in the reader's language");

    // A change is made in its place.
    app.stored(&["Order Number\nA-1\nStatus\nshipped\n"]).await;
    browser.until("document.querySelector('#o1 .c-status').innerText === 'shipped'").await;
    browser.until_numbers(&["A-2", "A-1"]).await;
    browser.until("document.querySelector('#totals').innerText.startsWith('2 orders')").await;
    assert_eq!(browser.js("return window.stays").await, true);
    assert_eq!(browser.errors().await, Vec::<String>::new());
}

#[tokio::test]
async fn the_start_counts_again_and_reads_only_the_counts() {
    let app = App::start().await;
    app.stored(&[&card("A-1", &[("Status", "verified")])]).await;
    for (path, part) in [("/?part=counts", "id=\"counts\""), ("/orders?part=totals", "id=\"totals\"")] {
        let accept = [("accept", "text/html"), ("hx-request", "true")];
        let reply = app.request(reqwest::Method::GET, path, &accept, "").await;
        assert!(reply.text.starts_with("<div") && reply.text.contains(part), "{}", reply.text);
        assert!(!reply.text.contains("A-1"), "{}", reply.text);
    }
    let Some(browser) = Browser::start(&app.url("")).await else { return };
    browser.goto("/").await;
    browser.until_live().await;
    let on_hold =
        "[...document.querySelectorAll('#attention .tile')].find((it) => it.innerText.includes('On hold'))";
    browser.until(&format!("{on_hold}.innerText.startsWith('0')")).await;
    app.stored(&["Order Number\nA-1\nStatus\npending\n"]).await;
    browser.until(&format!("{on_hold}.innerText.startsWith('1')")).await;
    assert_eq!(browser.texts("#rows .c-status").await, ["pending"]);
    assert_eq!(browser.errors().await, Vec::<String>::new());
}

#[tokio::test]
async fn many_new_orders_appear_together() {
    let app = App::start().await;
    let Some(browser) = open(&app).await else { return };
    let numbers: Vec<String> = (1..=40).map(|n| format!("A-{n}")).collect();
    let cards: Vec<String> = numbers.iter().map(|number| card(number, &[])).collect();
    app.stored(&[&cards.join("\n")]).await;
    let expected: Vec<&str> = numbers.iter().rev().map(String::as_str).collect();
    browser.until_numbers(&expected).await;
    assert_eq!(browser.texts("#light").await, ["Live"]);
    assert_eq!(browser.errors().await, Vec::<String>::new());
}

#[tokio::test]
async fn only_orders_of_the_filter_appear() {
    let app = App::start().await;
    app.stored(&[&card("A-1", &[("Status", "verified")])]).await;
    let Some(browser) = open(&app).await else { return };
    browser.goto("/orders?status=verified").await;
    browser.until_live().await;
    app.stored(&[&card("A-2", &[("Status", "shipped")]), &card("A-3", &[("Status", "verified")])]).await;
    browser.until_numbers(&["A-3", "A-1"]).await;
    // An order that no longer matches stays until the next load, so that the row does not vanish under the pointer.
    app.stored(&["Order Number\nA-1\nStatus\nshipped\n"]).await;
    browser.until("document.querySelector('#o1').className === 'gone'").await;
    browser.goto("/orders?status=verified").await;
    browser.until_numbers(&["A-3"]).await;
}

#[tokio::test]
async fn new_rows_wait_while_the_reader_has_scrolled() {
    let app = App::start().await;
    for n in 1..=50 {
        app.stored(&[&card(&format!("A-{n}"), &[])]).await;
    }
    let Some(browser) = open(&app).await else { return };
    browser.js("scrollTo(0, 900)").await;
    browser.until("document.querySelector('#rows').getBoundingClientRect().top < -40").await;
    app.stored(&[&card("A-51", &[]), &card("A-52", &[])]).await;
    browser.until("document.querySelector('#held button').innerText === '2 new'").await;
    assert_eq!(browser.numbers().await.len(), 50);
    assert_eq!(browser.texts("#light").await, ["Paused"]);
    browser.click("#held button").await;
    browser.until("document.querySelector('#rows > tr').dataset.number === 'A-52'").await;
    browser.until_live().await;
    assert_eq!(browser.js("return scrollY").await, 0);
    assert_eq!(browser.errors().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_restart_is_shown_and_nothing_is_missed() {
    let app = App::start().await;
    app.stored(&[&card("A-1", &[])]).await;
    let Some(browser) = open(&app).await else { return };
    let address = app.address;
    let home = app.stop().await;
    browser.until("document.querySelector('#light').dataset.state === 'offline'").await;

    // A search that gets no answer is repeated when the connection is back.
    browser.fill("#search", "A-").await;
    browser.until("document.querySelector('.toast')?.innerText.includes('does not answer')").await;

    // Stored while the page has no connection, by a process on another port.
    let other = App::start_in(home, "").await;
    other.stored(&[&card("A-2", &[]), &card("A-3", &[])]).await;
    let home = other.stop().await;
    until("the port is free", async || TcpListener::bind(address).await.is_ok()).await;
    let app = App::start_at(home, "", address).await;
    browser.until_live().await;
    browser.until_numbers(&["A-3", "A-2", "A-1"]).await;
    browser.until("location.search === '?search=A-'").await;
    browser.press_key(fantoccini::key::Key::Escape).await;
    app.stored(&[&card("A-4", &[])]).await;
    browser.until_numbers(&["A-4", "A-3", "A-2", "A-1"]).await;
    drop::<Browser>(browser);
}
