//! The OpenAPI document and the documentation page.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::Value;

use crate::support::app::App;

/// Every route, with a path for a request and the status code of its answer.
const ROUTES: [(&str, &str, &str, u16); 47] = [
    ("get", "/", "/", 200),
    ("get", "/openapi.json", "/openapi.json", 200),
    ("get", "/docs", "/docs", 200),
    ("post", "/api/v2/webhooks/orders", "/api/v2/webhooks/orders", 200),
    ("post", "/api/v2/webhooks/orders/{token}", "/api/v2/webhooks/orders/x", 401),
    ("post", "/api/webhooks/{id}/{token}", "/api/webhooks/1/x", 404),
    ("get", "/api/webhooks/{id}/{token}", "/api/webhooks/1/x", 404),
    ("post", "/api/webhooks/{id}/{token}/slack", "/api/webhooks/1/x/slack", 404),
    ("patch", "/api/webhooks/{id}/{token}/messages/{message}", "/api/webhooks/1/x/messages/1", 404),
    ("delete", "/api/webhooks/{id}/{token}/messages/{message}", "/api/webhooks/1/x/messages/1", 404),
    ("get", "/api/v2/webhooks/test", "/api/v2/webhooks/test", 200),
    ("get", "/api/v2/webhooks/logs", "/api/v2/webhooks/logs?limit=1", 200),
    ("get", "/api/v2/webhooks/logs/{id}", "/api/v2/webhooks/logs/1", 200),
    ("post", "/api/v2/webhooks/logs/{id}/replay", "/api/v2/webhooks/logs/1/replay", 200),
    ("post", "/api/v2/webhooks/logs/replay", "/api/v2/webhooks/logs/replay", 200),
    ("get", "/api/v2/access-log", "/api/v2/access-log", 200),
    ("get", "/api/v2/stats", "/api/v2/stats", 200),
    ("get", "/api/v2/orders", "/api/v2/orders", 200),
    ("get", "/api/v2/orders/export", "/api/v2/orders/export", 200),
    ("get", "/api/v2/exports/{token}/orders.csv", "/api/v2/exports/x/orders.csv", 401),
    ("get", "/api/v2/orders/{order}", "/api/v2/orders/A-1", 200),
    ("patch", "/api/v2/orders/{order}", "/api/v2/orders/A-1", 400),
    ("delete", "/api/v2/orders/{order}", "/api/v2/orders/A-1", 200),
    ("post", "/api/v2/orders/bulk", "/api/v2/orders/bulk", 400),
    ("get", "/api/v2/orders/{order}/events", "/api/v2/orders/A-1/events", 200),
    ("post", "/api/v2/imports", "/api/v2/imports", 200),
    ("get", "/api/v2/imports", "/api/v2/imports", 200),
    ("get", "/api/v2/imports/{id}", "/api/v2/imports/1", 200),
    ("get", "/api/v2/imports/{id}/report", "/api/v2/imports/1/report", 200),
    ("post", "/api/v2/imports/{id}/commit", "/api/v2/imports/1/commit", 200),
    ("post", "/api/v2/imports/{id}/undo", "/api/v2/imports/1/undo", 200),
    ("delete", "/api/v2/imports/{id}", "/api/v2/imports/2", 204),
    ("get", "/api/v2/events", "/api/v2/events?since=x", 400),
    ("get", "/api/v2/webhook-endpoints", "/api/v2/webhook-endpoints", 200),
    ("post", "/api/v2/webhook-endpoints", "/api/v2/webhook-endpoints", 400),
    ("get", "/api/v2/webhook-endpoints/{endpoint}", "/api/v2/webhook-endpoints/none", 404),
    ("patch", "/api/v2/webhook-endpoints/{endpoint}", "/api/v2/webhook-endpoints/none", 400),
    ("delete", "/api/v2/webhook-endpoints/{endpoint}", "/api/v2/webhook-endpoints/none", 404),
    ("post", "/api/v2/webhook-endpoints/{endpoint}/test", "/api/v2/webhook-endpoints/none/test", 404),
    ("post", "/api/v2/webhook-endpoints/{endpoint}/secret", "/api/v2/webhook-endpoints/none/secret", 404),
    ("post", "/api/v2/webhook-endpoints/{endpoint}/replay", "/api/v2/webhook-endpoints/none/replay", 400),
    ("get", "/api/v2/webhook-deliveries", "/api/v2/webhook-deliveries", 200),
    ("post", "/api/v2/webhook-deliveries/{id}/replay", "/api/v2/webhook-deliveries/1/replay", 404),
    ("get", "/ws", "/ws", 426),
    ("get", "/health", "/health", 200),
    ("get", "/health/live", "/health/live", 200),
    ("get", "/health/ready", "/health/ready", 200),
];

#[tokio::test]
async fn the_document_matches_its_snapshot() {
    let app = App::start().await;
    let mut document = app.get("/openapi.json").await.json;
    document["info"]["version"] = "[version]".into();
    let text = serde_json::to_string_pretty(&document).unwrap();
    insta::assert_snapshot!(text.replace(env!("CARGO_PKG_VERSION"), "[version]"));
}

#[tokio::test]
async fn every_route_answers_and_is_in_the_document() {
    let app = App::start().await;
    let document = app.get("/openapi.json").await.json;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let documented: BTreeSet<_> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| {
            item.as_object().unwrap().keys().map(move |method| (method.as_str(), path.as_str()))
        })
        .collect();
    let routes: BTreeSet<_> = ROUTES.iter().map(|(method, path, ..)| (*method, *path)).collect();
    assert_eq!(documented, routes);

    app.stored(&["Order Number\nA-1\n"]).await;
    for (method, _, path, status) in ROUTES {
        let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
        let reply = app.request(method, path, &[], "Order Number\nA-2\n").await;
        assert_eq!(reply.status, status, "{path}: {}", reply.text);
    }
}

#[tokio::test]
async fn every_operation_is_described_with_its_errors() {
    let app = App::start().await;
    let document = app.get("/openapi.json").await.json;
    for (method, path, ..) in ROUTES {
        let operation = &document["paths"][path][method];
        for member in ["summary", "operationId", "tags"] {
            assert!(!operation[member].is_null(), "{path} has no {member}");
        }
    }
    let post = &document["paths"]["/api/v2/webhooks/orders"]["post"];
    let statuses: Vec<_> = post["responses"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        statuses,
        ["200", "400", "401", "403", "408", "409", "413", "421", "422", "429", "500", "503"]
    );
    let codes: Vec<_> = post["responses"]["503"]["content"]["application/json"]["examples"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(codes, ["busy", "shutting_down", "storage_unavailable"]);
}

#[tokio::test]
async fn every_reference_in_the_document_can_be_resolved() {
    let app = App::start().await;
    let document = app.get("/openapi.json").await.json;
    let mut references = Vec::new();
    collect_references(&document, &mut references);
    assert!(!references.is_empty());
    for reference in references {
        let pointer = reference.strip_prefix('#').expect("a reference within the document");
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
}

fn collect_references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str));
            members.values().for_each(|member| collect_references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, found)),
        _ => {}
    }
}

#[tokio::test]
async fn the_page_loads_only_its_own_files() {
    let app = App::start().await;
    let page = app.get("/docs").await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("name=\"viewport\""), "the page fits a phone");
    assert!(page.header("content-type").starts_with("text/html"));
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self'"), "{policy}");
    assert!(!policy.contains("http"), "{policy}");

    let files: Vec<&str> =
        ["src=\"", "href=\""].into_iter().flat_map(|name| values_after(&page.text, name)).collect();
    assert!(files.len() >= 4, "{}", page.text);
    let mut compressed = 0;
    for file in files {
        assert!(!file.contains("//") && !file.starts_with("data:"), "{file} is elsewhere");
        let reply = app.get(file).await;
        assert_eq!(reply.status, 200, "{file}");
        assert!(!reply.header("content-type").is_empty(), "{file}");
        // The bytes 1F and 8B, where the second is not UTF-8.
        let is_gzip = reply.text.starts_with("\u{1f}\u{fffd}");
        assert_eq!(is_gzip, reply.header("content-encoding") == "gzip", "{file}");
        compressed += usize::from(is_gzip);
    }
    assert!(compressed >= 2, "the script and the styles are compressed");
    let start = app.get("/docs/swagger-initializer.js").await;
    assert!(start.text.contains("\"/openapi.json\""), "{}", start.text);
    assert!(!start.text.contains("://"), "{}", start.text);
}

/// The text between each `start` and the next quote.
fn values_after<'a>(text: &'a str, start: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(start).skip(1).filter_map(|rest| rest.split('"').next())
}

#[tokio::test]
async fn try_it_out_prefills_no_parameter_and_offers_lists_of_names() {
    let app = App::start().await;
    let document = app.get("/openapi.json").await.json;
    let mut names = Vec::new();
    for item in document["paths"].as_object().unwrap().values() {
        let operations = item.as_object().unwrap().values();
        let parameters = operations.filter_map(|operation| operation["parameters"].as_array()).flatten();
        for parameter in parameters {
            for prefilled in ["/example", "/examples", "/schema/example", "/schema/default"] {
                assert_eq!(parameter.pointer(prefilled), None, "{parameter}");
            }
            assert!(!parameter["description"].as_str().unwrap().is_empty(), "{parameter}");
            let may_be_empty = parameter["in"] == "query" && parameter["required"] != true;
            assert_eq!(parameter["allowEmptyValue"] == true, may_be_empty, "{parameter}");
            if ["status", "outcome", "source"].contains(&parameter["name"].as_str().unwrap()) {
                names.push(parameter["schema"]["enum"].as_array().expect("a list of names").len());
            }
        }
    }
    // The event stream, the table by a link, the list of orders, their table, the log, the replay and the WebSocket.
    assert_eq!(
        names,
        [8, 3, 8, 8, 8, 6, 3, 6, 8, 3],
        "status, source; status; status; status; outcome, source; outcome; status, source"
    );

    let body = &document["paths"]["/api/v2/webhooks/orders"]["post"]["requestBody"]["content"];
    let first_of = |value: &Value| value.as_object().unwrap().iter().next().unwrap().1.clone();
    let example = first_of(&first_of(body)["examples"])["value"].as_str().unwrap().to_owned();
    assert!(example.starts_with("Successful Checkout | Best Buy US\nProduct\n"), "{example}");
    let posted = app.post(example).await;
    assert_eq!((posted.status, &posted.json["outcome"]), (200, &"created".into()));
}
