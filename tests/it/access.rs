//! API tokens: how they are made and revoked, what they permit, and what they do not reveal.

mod canary;
mod command;
mod health;
mod masking;
mod origins;
mod proxies;
mod record;
mod routes;
mod valid;

use chrono::{TimeDelta, Utc};
use reqwest::Method;
use roms::store::{NewToken, Options, Store};

use crate::support::app::{App, Reply};
use crate::support::home::Home;

/// The configuration of a ROMS that asks for tokens on a loopback address.
pub(crate) const LOCKED: &str = "[http]\nrequire_auth = true\n";

/// Creates a token, named after its scopes.
pub(crate) async fn create(home: &Home, scopes: &str) -> String {
    create_for(home, scopes, None).await
}

/// Creates a token that expires after this time.
pub(crate) async fn create_for(home: &Home, scopes: &str, lifetime: Option<TimeDelta>) -> String {
    let config = home.config("");
    let store = Store::open_with(&config.database.url, Options::of(&config)).await.unwrap();
    let now = Utc::now();
    let name = scopes.replace([':', ','], "-").parse().unwrap();
    let new = NewToken {
        expires_at: lifetime.map(|lifetime| now + lifetime),
        ..NewToken::api(name, scopes.parse().unwrap(), "cli".to_owned())
    };
    let created = store.create_token(new, now).await.unwrap();
    store.close().await.unwrap();
    created.secret.expose().to_owned()
}

/// Revokes a token that [`create`] made.
pub(crate) async fn revoke(home: &Home, name: &str) {
    let store = Store::open(&home.config("").database.url).await.unwrap();
    assert!(store.revoke_token(name, "cli", Utc::now()).await.unwrap());
    store.close().await.unwrap();
}

/// A ROMS that asks for tokens, and a token for everything.
pub(crate) async fn locked(toml: &str) -> (App, String) {
    let home = Home::new();
    let admin = create(&home, "admin").await;
    (App::start_in(home, &format!("{LOCKED}{toml}")).await, admin)
}

/// Sends a request with a token.
async fn with(app: &App, token: &str, method: Method, path: &str, body: &'static str) -> Reply {
    app.request(method, path, &[("authorization", &format!("Bearer {token}"))], body).await
}

pub(crate) async fn get(app: &App, token: &str, path: &str) -> Reply {
    with(app, token, Method::GET, path, "").await
}
