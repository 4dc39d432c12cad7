//! The credentials of a proxy, in whatever form, appear in no display, not even for the highest level.

use std::fs;

use futures_util::StreamExt;
use reqwest::Method;
use tokio_tungstenite::connect_async;

use crate::cli::{out, roms};
use crate::redaction::FORMS;
use crate::support::app::{App, ORDERS, soon};

/// In the user and the password of every proxy.
const SECRET: &str = "canary";

/// A proxy in this form.
fn proxy(form: &str, host: &str) -> String {
    let part = |c| match c {
        'H' => host.to_owned(),
        'P' => "8000".to_owned(),
        'U' => "canary-user".to_owned(),
        'S' => "canaryPassword7".to_owned(),
        c => c.to_string(),
    };
    form.chars().map(part).collect()
}

/// A card that states the proxy under a label for proxies, under an unknown label, and where a price is expected.
fn card(number: usize, proxy: &str) -> String {
    format!(
        "Successful Checkout | Target\nProduct\nPlush\nPrice\n{proxy}\nOrder Number\nP-{number}\nProxy Used\n{proxy}\n\
         **Checkout Proxy Line**\n{proxy}\n"
    )
}

/// Cards with a proxy in every form; without a dot in the host, only labels tell that it is a proxy.
fn cards() -> Vec<String> {
    let proxies =
        FORMS.iter().flat_map(|form| ["gate.example.io", "203.0.113.7"].map(|host| proxy(form, host)));
    let named = FORMS.iter().map(|form| proxy(form, "gateway"));
    let card_of_name = |(number, proxy): (usize, String)| {
        let price = format!("Price\n{proxy}\n");
        card(number, &proxy).replace(&price, "")
    };
    let cards: Vec<String> = (0..).zip(proxies).map(|(number, proxy)| card(number, &proxy)).collect();
    let more = (cards.len()..).zip(named).map(card_of_name);
    let more: Vec<String> = more.collect();
    cards.into_iter().chain(more).collect()
}

fn check(text: &str, place: &str) {
    let line = text.lines().find(|line| line.contains(SECRET));
    assert_eq!(line, None, "{place}");
}

#[tokio::test]
async fn no_display_shows_the_credentials_of_a_proxy() {
    let app = App::start().await;
    let (mut socket, _) = connect_async(format!("ws://{}/ws", app.address)).await.unwrap();
    soon(socket.next()).await.unwrap().unwrap();
    for (number, card) in cards().iter().enumerate() {
        let stored = app.request(Method::POST, ORDERS, &[], card.clone()).await;
        assert_eq!(stored.status, 200, "{card}: {}", stored.text);
        check(&stored.text, card);
        let update = soon(socket.next()).await.unwrap().unwrap().into_text().unwrap().to_string();
        check(&update, card);
        let log = number + 1;
        for path in [
            format!("/api/v2/orders/P-{number}"),
            format!("/api/v2/orders/P-{number}/events"),
            format!("/api/v2/webhooks/logs/{log}"),
            "/api/v2/webhooks/logs?limit=1".to_owned(),
            format!("/orders/P-{number}"),
            format!("/log/{log}"),
            "/log".to_owned(),
        ] {
            let shown = app.get(&path).await;
            assert_eq!(shown.status, 200, "{path}: {}", shown.text);
            check(&shown.text, &format!("{path}: {card}"));
        }
    }
    for path in ["/api/v2/orders", "/api/v2/orders/export", "/orders", "/api/v2/stats?by=store"] {
        check(&app.get(path).await.text, path);
    }
    let order = app.get("/api/v2/orders/P-0").await.json;
    assert_eq!(order["proxy_host"], "gate.example.io");
}

#[test]
fn roms_parse_shows_no_credentials_as_text_and_as_json() {
    let folder = tempfile::tempdir().unwrap();
    for card in cards() {
        fs::write(folder.path().join("card.txt"), &card).unwrap();
        for form in ["--text", "--json"] {
            let shown = out(&roms(folder.path(), &["parse", form, "card.txt"], ""));
            assert!(shown.contains("proxy_list"), "{shown}");
            check(&shown, &card);
        }
    }
}
