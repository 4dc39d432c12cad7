//! How often a client may try to sign in, and what its failures leave.

use reqwest::Method;
use serde_json::json;

use super::{Group, Visitor, always_ask};

#[tokio::test]
async fn one_client_may_try_twenty_times_a_minute() {
    let (app, token) = crate::access::locked("trusted_proxies = [\"127.0.0.1\"]\nrate_limit = 0\n").await;
    let from = |peer: &str| {
        let mut visitor = Visitor::of(&app);
        visitor.headers = vec![("x-forwarded-for", peer.to_owned())];
        visitor
    };
    let mut guesser = from("203.0.113.9");
    for n in 0..20 {
        assert_eq!(guesser.sign_in_with(&format!("roms_{n}")).await.status, 403);
    }
    let refused = guesser.sign_in_with(&token).await;
    assert_eq!(refused.status, 429, "{}", refused.text);
    assert!(refused.header("retry-after").parse::<u16>().unwrap() <= 4);
    assert_eq!(guesser.session(), None);
    let callback = guesser.get("/sign-in/discord/callback?code=x&state=x").await;
    assert_eq!(callback.status, 404, "there is no Discord");
    assert_eq!(from("203.0.113.10").sign_in_with(&token).await.status, 303, "others are not affected");

    let home = app.stop().await;
    let mut sql = home.sql().await;
    let failed = "SELECT CAST(sum(count) AS bigint), peer FROM access_log WHERE detail = 'wrong_token POST /sign-in' GROUP BY peer";
    assert_eq!(json!(sql.values(failed).await), json!([[20, "203.0.113.9"]]));
}

#[tokio::test]
async fn answers_of_discord_are_limited_as_well() {
    let group = Group::start().await;
    let app = group.app(always_ask()).await;
    let mut visitor = Visitor::of(&app);
    for _ in 0..20 {
        assert_eq!(visitor.get("/sign-in/discord/callback?code=x&state=x").await.status, 303);
    }
    assert_eq!(visitor.get("/sign-in/discord/callback?code=x&state=x").await.status, 429);
    let other = [("origin", "http://evil.example")];
    assert_eq!(visitor.send(Method::POST, "/sign-in", &other, "token=x").await.status, 403);
}
