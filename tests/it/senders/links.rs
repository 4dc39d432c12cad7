//! The token in the path: what it permits, and that nothing reveals it.

use reqwest::Method;
use serde_json::json;

use super::{Link, card, open, order, post};
use crate::support::app::{App, until};
use crate::support::home::Home;

#[tokio::test]
async fn a_link_stores_cards_and_the_log_names_its_sender() {
    let (app, link) = open().await;
    let reply = post(&app, &link.v2(), "Successful Checkout | Store\nOrder Number\nA-1\n").await;
    assert_eq!((reply.status, &reply.json["outcome"]), (200, &json!("created")), "{}", reply.text);
    let reply = post(&app, &link.discord(""), card("A-2", &[]).to_string()).await;
    assert_eq!((reply.status, reply.text.as_str()), (204, ""));
    assert_eq!(order(&app, "A-2").await["product"], "Thing");

    let unnumbered = post(&app, &link.v2(), "Successful Checkout | Store\nProduct\nThing\n").await;
    assert_eq!((unnumbered.status, &unnumbered.json["code"]), (422, &json!("missing_order_number")));

    let logs = app.get("/api/v2/webhooks/logs").await;
    let endpoints: Vec<_> =
        logs.json["logs"].as_array().unwrap().iter().map(|row| &row["endpoint"]).collect();
    let discord = format!("/api/webhooks/{}/refract", link.id);
    let v2 = "/api/v2/webhooks/orders/refract";
    assert_eq!(json!(endpoints), json!([v2, discord, v2]));
    assert!(!logs.text.contains(&link.token), "{}", logs.text);
}

#[tokio::test]
async fn a_link_can_only_ingest_and_never_serves_as_a_header() {
    let home = Home::new();
    let link = Link::create(&home, "refract").await;
    let app = App::start_in(home, "[http]\nrequire_auth = true\n").await;
    let bearer = format!("Bearer {}", link.token);
    for (method, path) in [
        (Method::POST, "/api/v2/webhooks/orders"),
        (Method::GET, "/api/v2/webhooks/test"),
        (Method::GET, "/api/v2/orders"),
        (Method::GET, "/api/v2/webhooks/logs"),
        (Method::GET, "/docs"),
    ] {
        let reply = app.request(method, path, &[("authorization", &bearer)], "Order Number\nA-1\n").await;
        assert_eq!(reply.status, 401, "{path}: {}", reply.text);
    }
    assert_eq!(post(&app, &link.v2(), "Order Number\nA-1\n").await.status, 200);
}

#[tokio::test]
async fn only_tokens_that_cannot_do_more_than_ingest_work_in_a_link() {
    let home = Home::new();
    let scopes = ["ingest", "ingest,read", "admin"];
    let mut links = Vec::new();
    for (name, scopes) in scopes.iter().enumerate() {
        let new = roms::store::NewToken::api(
            format!("t{name}").parse().unwrap(),
            scopes.parse().unwrap(),
            "cli".to_owned(),
        );
        links.push(Link::of(&home, new).await);
    }
    let app = App::start_in(home, "").await;
    for (link, accepted) in links.iter().zip([true, false, false]) {
        let v2 = post(&app, &link.v2(), "Order Number\nA-1\n").await;
        assert_eq!(v2.status, if accepted { 200 } else { 401 }, "{}", v2.text);
        let discord = post(&app, &link.discord(""), card("A-1", &[]).to_string()).await;
        assert_eq!(discord.status, if accepted { 204 } else { 401 }, "{}", discord.text);
    }
}

#[tokio::test]
async fn a_revoked_link_stops_working_and_the_answers_have_the_form_of_each_route() {
    let (app, link) = open().await;
    let other = Link::create(app.home(), "other").await;
    let wrong = format!("roms_{}", "x".repeat(43));
    for token in [wrong.as_str(), "nonsense", other.token.as_str()] {
        let reply =
            post(&app, &format!("/api/webhooks/{}/{token}", link.id), card("A-1", &[]).to_string()).await;
        assert_eq!(reply.json, json!({"message": "Invalid Webhook Token", "code": 50027}), "{token}");
        assert_eq!(reply.status, 401);
    }
    let v2 = post(&app, &format!("/api/v2/webhooks/orders/{wrong}"), "Order Number\nA-1\n").await;
    assert_eq!((v2.status, &v2.json["code"]), (401, &json!("unauthorized")), "{}", v2.text);
    assert!(!v2.text.contains("Bearer"), "{}", v2.text);

    super::super::access::revoke(app.home(), "refract").await;
    until("the link is revoked", async || post(&app, &link.v2(), "x").await.status == 401).await;
    let gone = post(&app, &link.discord(""), card("A-1", &[]).to_string()).await;
    assert_eq!((gone.status, gone.json), (404, json!({"message": "Unknown Webhook", "code": 10015})));
    assert_eq!(app.sql().await.count("orders").await, 0);
}
