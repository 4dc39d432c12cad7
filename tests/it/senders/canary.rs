//! Tokens, secrets and signatures appear in no log line, no error and no table but their own.

use reqwest::{Client, Method};
use roms::store::NewToken;
use serde_json::json;

use super::signatures::{hex_signature, standard};
use super::{Link, card};
use crate::support::app::ORDERS;
use crate::support::home::Home;
use crate::support::program::Program;

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a list of requests")]
async fn nothing_reveals_what_a_sender_presents() {
    let home = Home::new();
    let link = Link::create(&home, "refract").await;
    let new = NewToken { signed: true, ..NewToken::url("shop".parse().unwrap(), "cli".to_owned()) };
    let signed = Link::of(&home, new).await;
    let secret = signed.signing_secret.clone().unwrap();
    let bearer =
        Link::of(&home, NewToken::api("api".parse().unwrap(), "ingest".parse().unwrap(), "cli".to_owned()))
            .await;
    let read = "read".parse().unwrap();
    let table =
        Link::of(&home, NewToken::export_link("sheet".parse().unwrap(), read, "cli".to_owned()).unwrap())
            .await;
    let wrong = format!("roms_{}", "Canary7".repeat(6) + "x");

    let mut serve = home.command(&[]);
    serve
        .env("ROMS__LOG__FILTER", "trace")
        .env("ROMS__LOG__FORMAT", "json")
        .env("ROMS__HTTP__REQUIRE_AUTH", "true");
    serve.env("ROMS__HTTP__WEBHOOK_SECRET", "canary-secret");
    let program = Program::start_by(serve, home).await;
    let client = Client::builder().no_proxy().build().unwrap();

    let body = card("A-1", &[]).to_string();
    let signatures = [
        hex_signature(&secret, &body),
        hex_signature("other", &body),
        standard(&secret, &body, 0),
        standard(&secret, &body, -900),
        hex_signature("canary-secret", &body),
    ];
    let mut canaries = vec![
        secret.clone(),
        "canary-secret".to_owned(),
        "cookie-canary".to_owned(),
        "key-canary".to_owned(),
        wrong.clone(),
    ];
    canaries.extend(
        [&link.token, &signed.token, &bearer.token, &table.token].map(|token| token.replace("roms_", "")),
    );
    for headers in &signatures {
        canaries.extend(
            headers
                .iter()
                .filter(|(name, _)| name.ends_with("signature"))
                .map(|(_, value)| value.replace("v1,", "")),
        );
    }

    let links = [
        (link.id, &link.token),
        (signed.id, &signed.token),
        (99, &link.token),
        (link.id, &wrong),
        (link.id, &signed.token),
    ];
    let mut paths = vec![
        ORDERS.to_owned(),
        "/api/v2/orders".to_owned(),
        "/ws".to_owned(),
        format!("/nothing/{}", link.token),
    ];
    for token in [&table.token, &link.token, &wrong] {
        paths.extend(["", "?limit=1", "x"].map(|rest| format!("/api/v2/exports/{token}/orders.csv{rest}")));
    }
    for (id, token) in links {
        let discord = format!("/api/webhooks/{id}/{token}");
        paths.extend(
            ["", "?wait=true&wait=true", "/slack", "/messages/1", "/messages/x", "/nothing"]
                .map(|rest| format!("{discord}{rest}")),
        );
        paths.push(format!("/api/v2/webhooks/orders/{token}"));
    }
    let mut errors = 0;
    for path in &paths {
        for method in [Method::POST, Method::GET, Method::PATCH, Method::DELETE] {
            for (at, headers) in signatures.iter().enumerate() {
                let text = if at == 1 { "{" } else { &body };
                let mut request =
                    client.request(method.clone(), format!("{}{path}", program.url)).body(text.to_owned());
                request =
                    request.header("cookie", "session=cookie-canary").header("idempotency-key", "key-canary");
                request = request.bearer_auth(if at == 0 { &wrong } else { &bearer.token });
                for (name, value) in headers {
                    request = request.header(*name, value);
                }
                let reply = request.send().await.unwrap();
                let (status, text) = (reply.status(), reply.text().await.unwrap());
                errors += usize::from(!status.is_success());
                for canary in &canaries {
                    assert!(!text.contains(canary), "{method} {path} answers {status} {text}");
                }
            }
        }
    }
    assert!(errors > 100, "{errors}");
    // A failing database does not either.
    let mut sql = program.sql().await;
    sql.run("DROP TABLE idempotency_keys").await;
    let failing = client.post(format!("{}/api/v2/webhooks/orders/{}", program.url, link.token));
    let reply = failing.header("idempotency-key", "key-canary").body(body).send().await.unwrap();
    assert_eq!(reply.status(), 503);
    let stored = json!([
        sql.rows("SELECT * FROM access_log").await,
        sql.rows("SELECT endpoint, source_key, payload, error_message FROM webhook_logs").await,
        sql.rows("SELECT * FROM order_events").await,
    ])
    .to_string();
    program.signal("TERM");
    let end = program.end().await;
    assert!(end.log.contains("request refused: unauthorized"), "{}", end.log);
    assert!(end.log.contains("/api/webhooks/{id}/{token}"), "the log names the route");
    for canary in canaries {
        assert!(!end.log.contains(&canary), "{canary} is in the log");
        assert!(!stored.contains(&canary), "{canary} is in the database");
    }
}
