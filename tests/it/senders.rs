//! Senders over HTTP: webhook links, and what they answer.

mod canary;
mod discord;
mod edits;
mod idempotency;
mod limits;
mod links;
mod signatures;
mod slack;

use chrono::Utc;
use reqwest::Method;
use roms::store::{NewToken, Options, Store};
use serde_json::{Value, json};

use crate::support::app::{App, Reply};
use crate::support::home::Home;

/// A webhook link.
struct Link {
    id: i64,
    token: String,
    signing_secret: Option<String>,
}

impl Link {
    /// A link with this name.
    async fn create(home: &Home, name: &str) -> Self {
        Self::of(home, NewToken::url(name.parse().unwrap(), "cli".to_owned())).await
    }

    async fn of(home: &Home, new: NewToken) -> Self {
        let config = home.config("");
        let store = Store::open_with(&config.database.url, Options::of(&config)).await.unwrap();
        let created = store.create_token(new, Utc::now()).await.unwrap();
        store.close().await.unwrap();
        let signing_secret = created.signing_secret.map(|secret| secret.expose().to_owned());
        Self { id: created.id, token: created.secret.expose().to_owned(), signing_secret }
    }

    /// Its path in Discord's form, with this behind it.
    fn discord(&self, rest: &str) -> String {
        format!("/api/webhooks/{}/{}{rest}", self.id, self.token)
    }

    /// Its path in the form of ROMS.
    fn v2(&self) -> String {
        format!("/api/v2/webhooks/orders/{}", self.token)
    }
}

/// A ROMS with a link, on a loopback address without required tokens.
async fn open() -> (App, Link) {
    let app = App::start().await;
    let link = Link::create(app.home(), "refract").await;
    (app, link)
}

async fn post(app: &App, path: &str, body: impl Into<reqwest::Body>) -> Reply {
    app.request(Method::POST, path, &[], body).await
}

/// A Discord message with a card that has these fields.
fn card(number: &str, fields: &[(&str, &str)]) -> Value {
    let own = [("Product", "Thing"), ("Price", "$9.99"), ("Order Number", number)];
    let fields: Vec<Value> =
        own.iter().chain(fields).map(|(name, value)| json!({"name": name, "value": value})).collect();
    json!({"username": "Refract", "embeds": [{"title": "Successful Checkout | Store", "fields": fields}]})
}

/// One column of the only order with this number.
async fn order(app: &App, number: &str) -> Value {
    app.get(&format!("/api/v2/orders/{number}")).await.json
}
