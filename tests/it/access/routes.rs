//! Every route against every scope, and against no token.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use reqwest::Method;
use roms::token::{Scope, Scopes};
use serde_json::Value;

use super::{create, get, locked, with};
use crate::support::{app::App, home::Home, program::Program};

/// The scope that each route needs; `-` is nothing, `any` is a token with any scope, and `link` is a token in the path.
const NEEDED: &[(&str, &str, &str)] = &[
    ("GET", "/", "any"),
    ("GET", "/openapi.json", "any"),
    ("GET", "/docs", "any"),
    ("POST", "/api/v2/webhooks/orders", "ingest"),
    ("POST", "/api/v2/webhooks/orders/{token}", "link"),
    ("POST", "/api/webhooks/{id}/{token}", "link"),
    ("GET", "/api/webhooks/{id}/{token}", "link"),
    ("POST", "/api/webhooks/{id}/{token}/slack", "link"),
    ("PATCH", "/api/webhooks/{id}/{token}/messages/{message}", "link"),
    ("DELETE", "/api/webhooks/{id}/{token}/messages/{message}", "link"),
    ("GET", "/api/v2/webhooks/test", "any"),
    ("GET", "/api/v2/webhooks/logs", "admin"),
    ("GET", "/api/v2/webhooks/logs/{id}", "admin"),
    ("GET", "/api/v2/access-log", "admin"),
    ("GET", "/api/v2/orders", "read"),
    ("GET", "/api/v2/orders/export", "read"),
    ("GET", "/api/v2/exports/{token}/orders.csv", "link"),
    ("GET", "/api/v2/orders/{order}", "read"),
    ("GET", "/api/v2/orders/{order}/events", "read"),
    ("PATCH", "/api/v2/orders/{order}", "write"),
    ("DELETE", "/api/v2/orders/{order}", "write"),
    ("POST", "/api/v2/orders/bulk", "write"),
    ("GET", "/api/v2/imports", "write"),
    ("POST", "/api/v2/imports", "write"),
    ("GET", "/api/v2/imports/{id}", "write"),
    ("DELETE", "/api/v2/imports/{id}", "write"),
    ("GET", "/api/v2/imports/{id}/report", "write"),
    ("POST", "/api/v2/imports/{id}/commit", "write"),
    ("POST", "/api/v2/imports/{id}/undo", "write"),
    ("GET", "/api/v2/stats", "read"),
    ("POST", "/api/v2/webhooks/logs/{id}/replay", "admin"),
    ("POST", "/api/v2/webhooks/logs/replay", "admin"),
    ("GET", "/api/v2/webhook-endpoints", "admin"),
    ("POST", "/api/v2/webhook-endpoints", "admin"),
    ("GET", "/api/v2/webhook-endpoints/{endpoint}", "admin"),
    ("PATCH", "/api/v2/webhook-endpoints/{endpoint}", "admin"),
    ("DELETE", "/api/v2/webhook-endpoints/{endpoint}", "admin"),
    ("POST", "/api/v2/webhook-endpoints/{endpoint}/test", "admin"),
    ("POST", "/api/v2/webhook-endpoints/{endpoint}/secret", "admin"),
    ("POST", "/api/v2/webhook-endpoints/{endpoint}/replay", "admin"),
    ("GET", "/api/v2/webhook-deliveries", "admin"),
    ("POST", "/api/v2/webhook-deliveries/{id}/replay", "admin"),
    ("GET", "/api/v2/events", "read"),
    ("GET", "/ws", "read"),
    ("GET", "/metrics", "admin"),
    ("GET", "/health", "-"),
    ("GET", "/health/live", "-"),
    ("GET", "/health/ready", "-"),
];

/// With this, every route exists.
const METRICS: &str = "[metrics]\nenabled = true\n";

/// The access that each route of the document needs, in the form of [`NEEDED`].
fn documented(document: &Value) -> BTreeSet<(String, String, String)> {
    let mut found = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let scope = match &operation["security"][0]["token"] {
                Value::Array(scopes) => scopes.first().map_or("any", |scope| scope.as_str().unwrap()),
                _ => "-",
            };
            found.insert((method.to_uppercase(), path.clone(), scope.to_owned()));
        }
    }
    found
}

#[tokio::test]
async fn every_route_asks_for_its_scope_and_accepts_no_other() {
    let (app, admin) = locked(METRICS).await;
    let mut tokens = BTreeMap::from([("admin", admin.clone())]);
    for scope in Scope::ALL.into_iter().filter(|scope| *scope != Scope::Admin) {
        tokens.insert(scope.as_str(), create(app.home(), scope.as_str()).await);
    }
    let document = get(&app, &admin, "/openapi.json").await.json;
    let needed = NEEDED
        .iter()
        .map(|(method, path, scope)| ((*method).to_owned(), (*path).to_owned(), scope.replace("link", "-")));
    assert_eq!(documented(&document), needed.collect(), "a new route needs a line in this table");
    assert_eq!(document["components"]["securitySchemes"]["token"]["scheme"], "bearer");

    for (method, path, needed) in NEEDED {
        let method: Method = method.parse().unwrap();
        // The stream of events would not end.
        let path = path
            .replace("v2/events", "v2/events?since=x")
            .replace("{order}", "none")
            .replace("{endpoint}", "none")
            .replace("{id}", "1");
        let reply = app.request(method.clone(), &path, &[], "x").await;
        assert_eq!(reply.status == 401, *needed != "-", "{method} {path}: {}", reply.text);
        for (name, token) in &tokens {
            let reply = with(&app, token, method.clone(), &path, "x").await;
            if *needed == "link" {
                assert_eq!(reply.status, 401, "{method} {path}: a header is no link");
                continue;
            }
            let scopes: Scopes = name.parse().unwrap();
            let allowed = needed.parse().map_or(true, |scope| scopes.allow(scope));
            assert_eq!(reply.status != 403, allowed, "{method} {path} with {name}: {}", reply.text);
            assert_ne!(reply.status, 401, "{method} {path} with {name}");
            if !allowed {
                assert_eq!(reply.json["code"], "missing_scope", "{method} {path}");
                assert_eq!(reply.json["message"], format!("The token lacks the scope `{needed}`"));
                assert!(reply.header("www-authenticate").contains(&format!("scope=\"{needed}\"")));
            }
        }
    }
}

/// Pages and files are not in the API document. This finds routes that are added without a guard.
#[test]
fn every_route_is_added_with_a_guard() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http");
    let mut folders = vec![folder];
    let mut guarded = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            for line in code.lines().filter(|line| line.contains(".route(")) {
                // A connection beyond the limit can only ask whether the process runs.
                let is_health = path.ends_with("serve.rs") && line.contains("\"/health/live\"");
                // The listener of its own for metrics asks for no token.
                let is_open = is_health || path.ends_with("metrics.rs") && line.contains("\"/metrics\"");
                assert!(is_open || line.contains(".route_layer(guard("), "{}: {line}", path.display());
                guarded += usize::from(!is_open);
            }
        }
    }
    assert!(guarded > 0, "the routes are added in another way now");
}

#[tokio::test]
async fn a_refusal_does_not_say_what_is_wrong_with_a_token() {
    let (app, admin) = locked("").await;
    let gone = create(app.home(), "read").await;
    super::revoke(app.home(), "read").await;
    let mut answers = BTreeSet::new();
    let unknown = format!("roms_{}", "x".repeat(43));
    for value in
        ["", "Bearer", "Bearer x", "Basic eDp4", &format!("Bearer {unknown}"), &format!("Bearer {gone}")]
    {
        let reply = app.request(Method::GET, "/api/v2/orders", &[("authorization", value)], "").await;
        assert_eq!(
            (reply.status, reply.header("www-authenticate")),
            (401, "Bearer realm=\"ROMS\""),
            "{value}"
        );
        let mut body = reply.json;
        body["request_id"].take();
        answers.insert(body.to_string());
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert!(answers.iter().all(|answer| answer.contains("Authorization: Bearer TOKEN")), "{answers:?}");
    assert_eq!(get(&app, &admin, "/api/v2/orders").await.status, 200);
    // The name of the scheme has no case.
    let lower = format!("bearer {admin}");
    assert_eq!(
        app.request(Method::GET, "/api/v2/orders", &[("authorization", &lower)], "").await.status,
        200
    );
    // A token does not belong into a query.
    let query = format!("/api/v2/orders?token={admin}");
    assert_eq!(app.get(&query).await.status, 401);
}

#[tokio::test]
async fn a_browser_may_send_a_token_as_password_for_the_pages_only() {
    let (app, admin) = locked("").await;
    // `x:` and the token.
    let basic = |token: &str| {
        use base64::{Engine as _, prelude::BASE64_STANDARD};
        format!("Basic {}", BASE64_STANDARD.encode(format!("x:{token}")))
    };
    let header = [("authorization", &*basic(&admin))];
    for page in ["/docs", "/docs/docs.css", "/openapi.json", "/"] {
        assert!(app.get(page).await.header("www-authenticate").starts_with("Basic "), "{page}");
        assert_eq!(app.request(Method::GET, page, &header, "").await.status, 200, "{page}");
    }
    assert_eq!(app.request(Method::GET, "/api/v2/orders", &header, "").await.status, 401);
}

#[tokio::test]
async fn without_required_tokens_everything_stays_open() {
    let home = Home::new();
    create(&home, "read").await;
    let app = App::start_in(home, METRICS).await;
    for (method, path, _) in NEEDED.iter().filter(|(.., needed)| *needed != "link") {
        // The stream of events would not end.
        let path = path
            .replace("v2/events", "v2/events?since=x")
            .replace("{order}", "none")
            .replace("{endpoint}", "none")
            .replace("{id}", "1");
        let reply = app.request(method.parse().unwrap(), &path, &[], "x").await;
        assert!(![401, 403].contains(&reply.status), "{method} {path}: {}", reply.text);
    }
    let ignored = [("authorization", "Bearer nonsense")];
    assert_eq!(app.request(Method::GET, "/api/v2/orders", &ignored, "").await.status, 200);
    let document = app.get("/openapi.json").await.json;
    assert!(document["paths"]["/api/v2/orders"]["get"]["security"].is_null());
}

#[tokio::test]
async fn roms_does_not_start_where_nobody_could_use_it() {
    for (name, value, reason) in [
        ("ROMS__HTTP__BIND", "0.0.0.0:0", "bind is 0.0.0.0:0, which other machines can reach"),
        ("ROMS__HTTP__REQUIRE_AUTH", "true", "require_auth is true"),
    ] {
        let home = Home::new();
        let mut serve = home.command(&[]);
        serve.env("ROMS__HTTP__BIND", "127.0.0.1:0").env(name, value);
        let output = serve.output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.contains(reason) && !error.contains("Server running"), "{error}");
        let hint = "roms token create --name NAME --scope admin";
        assert!(error.lines().last().unwrap().contains(hint), "{error}");

        create(&home, "admin").await;
        let mut serve = home.command(&[]);
        serve.env("ROMS__HTTP__REQUIRE_AUTH", "true");
        let program = Program::start_by(serve, home).await;
        program.signal("TERM");
        assert_eq!(program.end().await.code, Some(0));
    }
}
