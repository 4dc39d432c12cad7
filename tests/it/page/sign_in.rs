//! Signing in with a token, and what each level sees.

use reqwest::Method;

use crate::access::{LOCKED, create};
use crate::support::app::App;
use crate::support::browser::Browser;
use crate::support::home::Home;

#[tokio::test]
async fn a_browser_signs_in_with_a_token_and_out_again() {
    let home = Home::new();
    let token = create(&home, "read,write").await;
    let sender = create(&home, "ingest").await;
    let app = App::start_in(home, LOCKED).await;
    store_order(&app, &sender).await;
    let Some(browser) = Browser::start(&app.url("")).await else { return };
    browser.goto("/orders?search=A-1").await;
    assert_eq!(browser.path().await, "/sign-in?next=%2Forders%3Fsearch%3DA-1");
    browser.fill("[name=token]", "roms_wrong").await;
    browser.click(".primary").await;
    browser.until("document.querySelector('.notice')?.innerText === 'This is not a valid token.'").await;
    browser.fill("[name=token]", &token).await;
    browser.click(".primary").await;
    browser.until_numbers(&["A-1"]).await;
    assert_eq!(browser.path().await, "/orders?search=A-1");
    browser.until_live().await;
    assert_eq!(browser.js("return document.cookie").await, "", "no script can read the token");
    browser.goto("/orders/A-1").await;
    browser.until("document.querySelector('.details')?.innerText.includes('***')").await;
    assert!(!browser.client.source().await.unwrap().contains("buyer@example.com"));

    browser.click(".below form button").await;
    browser.until("location.pathname === '/sign-in'").await;
    browser.goto("/orders").await;
    assert_eq!(browser.path().await, "/sign-in?next=%2Forders");
}

#[tokio::test]
async fn a_form_survives_the_end_of_the_session() {
    let home = Home::new();
    let token = create(&home, "read:pii,write").await;
    let sender = create(&home, "ingest").await;
    let app = App::start_in(home, LOCKED).await;
    store_order(&app, &sender).await;
    let Some(browser) = Browser::start(&app.url("")).await else { return };
    browser.goto("/orders/A-1?edit=1").await;
    browser.fill("[name=token]", &token).await;
    browser.click(".primary").await;
    browser.fill("[name=notes]", "a long text").await;
    app.sql().await.run("DELETE FROM sessions").await;
    browser.until("document.querySelector('.toast')?.innerText.includes('You are signed out')").await;
    browser.click(".edit .primary").await;
    browser.until("document.querySelector('h1')?.innerText === 'You are signed out'").await;
    // In another tab, as the link does.
    let sign_in = format!(
        "return fetch('/sign-in', {{method: 'POST', body: 'token={token}', redirect: 'manual'}}).then(() => true)"
    );
    browser.js(&sign_in).await;
    browser.client.back().await.unwrap();
    browser.until("document.querySelector('[name=notes]')?.value === 'a long text'").await;
    browser.click(".edit .primary").await;
    browser.until("document.querySelector('.details')?.innerText.includes('a long text')").await;
}

/// Stores an order with a token that may send cards.
async fn store_order(app: &App, token: &str) {
    let (path, body) = ("/api/v2/webhooks/orders", "Order Number\nA-1\nEmail\nbuyer@example.com\n");
    let bearer = format!("Bearer {token}");
    let stored = app.request(Method::POST, path, &[("authorization", &bearer)], body).await;
    assert_eq!(stored.status, 200, "{}", stored.text);
}

#[tokio::test]
async fn sign_in_leads_only_to_pages_of_this_server() {
    let home = Home::new();
    let token = create(&home, "read").await;
    let app = App::start_in(home, LOCKED).await;
    for next in ["//evil.example/", "https://evil.example/", "/\\evil.example", ""] {
        let body = format!("token={token}&next={next}");
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        let reply = client.post(app.url("/sign-in")).body(body).send().await.unwrap();
        assert_eq!(
            (reply.status().as_u16(), reply.headers()["location"].to_str().unwrap()),
            (303, "/"),
            "{next}"
        );
        let cookie = reply.headers()["set-cookie"].to_str().unwrap();
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    }
    let https = client_post(&app, &format!("token={token}"), "https://orders.example").await;
    assert!(https.contains("__Host-roms=") && https.contains("Secure"), "{https}");
}

/// The cookie of a sign-in from a page at this origin, whose host a reverse proxy passes on.
async fn client_post(app: &App, body: &str, origin: &str) -> String {
    let client =
        reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
    let host = origin.split_once("://").unwrap().1;
    let request = client.post(app.url("/sign-in")).header("origin", origin).header("host", host);
    let reply = request.body(body.to_owned()).send().await.unwrap();
    reply.headers()["set-cookie"].to_str().unwrap().to_owned()
}
