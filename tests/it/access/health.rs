//! `/health` needs no token, and names channels and servers only if a token may read them.

use chrono::Utc;
use reqwest::{Client, Method};
use roms::store::{NewToken, Store};
use serde_json::Value;

use super::{create, locked, with};
use crate::support::app::{ORDERS, until};
use crate::watching::stage::Stage;

#[tokio::test]
async fn channels_are_shown_only_with_a_token_where_tokens_are_required() {
    let mut stage = Stage::before(|_, _| {}).await;
    stage.bot.config.http.require_auth = true;
    let store = Store::open(&stage.bot.config.database.url).await.unwrap();
    let mut tokens = Vec::new();
    for scopes in ["read", "ingest"] {
        let new = NewToken::api(scopes.parse().unwrap(), scopes.parse().unwrap(), "cli".to_owned());
        tokens.push(store.create_token(new, Utc::now()).await.unwrap().secret.expose().to_owned());
    }
    store.close().await.unwrap();
    stage.start().await;
    let url = format!("{}/health", stage.bot.url());
    let ask = async |token: &str| {
        let answer = Client::new().get(&url).bearer_auth(token).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.json::<Value>().await.unwrap()["checks"]["discord"].clone()
    };
    until("it is connected", async || ask("nonsense").await["connected"] == true).await;
    assert_eq!(ask(&tokens[0]).await["channels"][0]["name"], "checkouts");
    for token in [tokens[1].as_str(), "nonsense", "roms_0000000000000000000000000000000000000000000"] {
        let discord = ask(token).await;
        assert_eq!((&discord["role"], &discord["channels"]), (&"leader".into(), &Value::Array(Vec::new())));
    }
    stage.end().await;
}

#[tokio::test]
async fn the_cause_of_an_outage_is_shown_only_with_a_token_where_tokens_are_required() {
    let (app, admin) = locked("").await;
    let reader = create(app.home(), "read").await;
    app.sql().await.run("ALTER TABLE webhook_logs RENAME TO gone").await;
    let down = async |headers: &[(&str, &str)]| {
        let posted = with(&app, &admin, Method::POST, ORDERS, "Order Number\nA-1\n").await;
        assert_eq!(posted.status, 503, "{}", posted.text);
        let health = app.request(Method::GET, "/health", headers, "").await;
        assert_eq!(health.status, 503, "{}", health.text);
        health.json["checks"]["database"]["cause"].clone()
    };
    assert_eq!(down(&[]).await, Value::Null);
    assert!(down(&[("authorization", &*format!("Bearer {reader}"))]).await.is_string());
}
