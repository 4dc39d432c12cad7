//! Signed messages: which signatures are accepted, and where one is needed.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::Utc;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Method;
use roms::store::NewToken;
use serde_json::json;
use sha2::Sha256;

use super::{Link, card, post};
use crate::support::app::{App, ORDERS, Reply};
use crate::support::home::Home;

type Headers = Vec<(&'static str, String)>;

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// The header of the guide's system.
pub(super) fn hex_signature(secret: &str, body: &str) -> Headers {
    vec![("x-webhook-signature", hex::encode(mac(secret.as_bytes(), body)))]
}

/// The headers of Standard Webhooks, sent this many seconds from now.
pub(super) fn standard(secret: &str, body: &str, seconds: i64) -> Headers {
    let key = BASE64_STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let timestamp = (Utc::now().timestamp() + seconds).to_string();
    let signature = BASE64_STANDARD.encode(mac(&key, &format!("msg_1.{timestamp}.{body}")));
    vec![
        ("webhook-id", "msg_1".to_owned()),
        ("webhook-timestamp", timestamp),
        ("webhook-signature", format!("v1,{signature}")),
    ]
}

pub(super) async fn send(app: &App, path: &str, headers: &Headers, body: &str) -> Reply {
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    app.request(Method::POST, path, &headers, body.to_owned()).await
}

#[tokio::test]
async fn a_token_with_a_secret_accepts_only_messages_that_are_signed_with_it() {
    let app = App::start().await;
    let new = NewToken { signed: true, ..NewToken::url("shop".parse().unwrap(), "cli".to_owned()) };
    let link = Link::of(app.home(), new).await;
    let secret = link.signing_secret.clone().unwrap();
    let other = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let body = card("A-1", &[]).to_string();

    let mut rotated = standard(&secret, &body, 0);
    rotated[2].1 = format!("v1,{} {} v1a,x", BASE64_STANDARD.encode([0; 32]), rotated[2].1);
    let mut prefixed = hex_signature(&secret, &body);
    prefixed[0].1 = format!("sha256={}", prefixed[0].1);
    let both = [hex_signature(&secret, &body), standard(&secret, &body, 0)].concat();
    for headers in [
        hex_signature(&secret, &body),
        prefixed,
        rotated,
        both,
        standard(&secret, &body, 0),
        standard(&secret, &body, -290),
        standard(&secret, &body, 290),
    ] {
        let reply = send(&app, &link.v2(), &headers, &body).await;
        assert_eq!(reply.status, 200, "{headers:?}: {}", reply.text);
        assert_eq!(send(&app, &link.discord(""), &headers, &body).await.status, 204);
    }

    let rows = app.sql().await.count("webhook_logs").await;
    let mut incomplete = standard(&secret, &body, 0);
    incomplete.pop();
    let mut cut = hex_signature(&secret, &body);
    cut[0].1.pop();
    let half = [hex_signature(&secret, &body), standard(other, &body, 0)].concat();
    for headers in [
        Vec::new(),
        hex_signature(other, &body),
        hex_signature(&secret, "x"),
        cut,
        incomplete,
        half,
        vec![("x-webhook-signature", String::new())],
        standard(other, &body, 0),
        standard(&secret, "x", 0),
        standard(&secret, &body, -310),
        standard(&secret, &body, 310),
    ] {
        let reply = send(&app, &link.v2(), &headers, &body).await;
        assert_eq!(
            (reply.status, &reply.json["code"]),
            (401, &json!("bad_signature")),
            "{headers:?}: {}",
            reply.text
        );
        let reply = send(&app, &link.discord("/slack"), &headers, &body).await;
        assert_eq!((reply.status, &reply.json["code"]), (401, &json!(0)), "{headers:?}: {}", reply.text);
    }
    assert_eq!(
        app.sql().await.count("webhook_logs").await,
        rows,
        "a message without a valid signature leaves no log row"
    );
}

#[tokio::test]
async fn the_configured_secret_checks_signatures_and_asks_for_them_only_if_told_to() {
    let (secret, body) = ("correct horse", "Order Number\nA-1\n");
    for is_required in [false, true] {
        let config = format!("[http]\nwebhook_secret = \"{secret}\"\nrequire_signature = {is_required}\n");
        let app = App::start_with(&config).await;
        assert_eq!(send(&app, ORDERS, &hex_signature(secret, body), body).await.status, 200);
        assert_eq!(send(&app, ORDERS, &hex_signature("wrong", body), body).await.status, 401);
        let unsigned = app.post(body).await;
        assert_eq!(unsigned.status, if is_required { 401 } else { 200 }, "{}", unsigned.text);
        // A sender that can only paste a URL cannot sign.
        let link = Link::create(app.home(), "refract").await;
        assert_eq!(post(&app, &link.v2(), body).await.status, 200);
    }
}

#[tokio::test]
async fn the_configured_secret_is_not_shown_and_must_be_there_if_signatures_are_required() {
    let home = Home::new();
    let check = |variables: &[(&str, &str)]| {
        let mut command = home.command(&["check-config"]);
        command.envs(variables.iter().copied());
        let output = command.output().unwrap();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    };
    let secret = ("ROMS__HTTP__WEBHOOK_SECRET", "correct horse");
    let shown = check(&[secret, ("ROMS__HTTP__REQUIRE_SIGNATURE", "true")]);
    assert!(shown.contains("webhook_secret = \"***\"") && !shown.contains("horse"), "{shown}");
    let error = check(&[("ROMS__HTTP__REQUIRE_SIGNATURE", "true")]);
    assert!(error.contains("require_signature needs a `webhook_secret`"), "{error}");
}
