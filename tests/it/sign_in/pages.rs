//! Every page and every action against every level, of people from Discord and of tokens.

use std::collections::BTreeSet;
use std::path::Path;

use reqwest::Method;

use super::{Group, Visitor, always_ask};
use crate::access::{LOCKED, create};
use crate::support::app::{App, ORDERS};
use crate::support::home::Home;

/// Rights in the table below: nothing, or what a viewer, a viewer who sees personal data, a manager and an admin may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Right {
    None,
    See,
    SeePersonal,
    Change,
    Administer,
}

use Right::{Administer, Change, See, SeePersonal};

const GET: Method = Method::GET;
const POST: Method = Method::POST;

/// The rights of the scopes of a token and of a level in Discord.
const TOKENS: [(&str, &[Right]); 5] = [
    ("read", &[See]),
    ("read,read:pii", &[See, SeePersonal]),
    ("read,write", &[See, Change]),
    ("read:pii,write", &[See, SeePersonal, Change]),
    ("admin", &[See, SeePersonal, Change, Administer]),
];
const LEVELS: [(&str, &[Right]); 3] = [
    ("viewer", &[See]),
    ("manager", &[See, SeePersonal, Change]),
    ("admin", &[See, SeePersonal, Change, Administer]),
];

/// Each page and action: method, route, right, and a query or body that the handler accepts.
const PAGES: &[(Method, &str, Right, &str)] = &[
    (GET, "/assets/{file}", Right::None, ""),
    (GET, "/sign-in", Right::None, ""),
    (GET, "/sign-in/discord", Right::None, ""),
    (GET, "/sign-in/discord/callback", Right::None, ""),
    (GET, "/manifest.json", Right::None, ""),
    (GET, "/worker.js", Right::None, ""),
    (GET, "/offline", Right::None, ""),
    (GET, "/start", See, ""),
    (GET, "/numbers", See, ""),
    (GET, "/numbers", SeePersonal, "?by=profile"),
    (GET, "/numbers/export", See, ""),
    (GET, "/export", See, ""),
    (GET, "/export", SeePersonal, "?email=buyer%40example.com"),
    (GET, "/export/products", See, ""),
    (GET, "/export/products", SeePersonal, "?email=buyer%40example.com"),
    (GET, "/log", Administer, ""),
    (GET, "/log/{id}", Administer, ""),
    (POST, "/log/{id}/replay", Administer, ""),
    (GET, "/state", Administer, ""),
    (GET, "/orders", See, ""),
    (GET, "/orders", SeePersonal, "?email=buyer%40example.com"),
    (GET, "/orders", SeePersonal, "?sort=email"),
    (GET, "/suggest", See, "?of=store"),
    (GET, "/suggest", SeePersonal, "?of=profile"),
    (POST, "/views", Change, "name=x&query="),
    (POST, "/views/{id}/delete", Change, ""),
    (POST, "/bulk", Change, r#"{"orders": [], "set": {"notes": "x"}}"#),
    (POST, "/bulk/undo", Change, "[]"),
    (GET, "/import", Change, ""),
    (POST, "/import", Change, ""),
    (GET, "/import/examples/{file}", Change, ""),
    (GET, "/import/{id}", Change, ""),
    (GET, "/import/{id}/report", Change, ""),
    (POST, "/import/{id}/columns", Change, ""),
    (POST, "/import/{id}/commit", Change, ""),
    (POST, "/import/{id}/discard", Change, ""),
    (POST, "/import/{id}/undo", Change, ""),
    (GET, "/orders/{order}", See, ""),
    (GET, "/orders/{order}/discord", See, ""),
    (POST, "/orders/{order}", Change, ""),
    (POST, "/orders/{order}/cancel", Change, ""),
    // The stream of live rows would not end.
    (GET, "/live/orders", See, "?seen=x"),
    (POST, "/sessions/{id}/end", Administer, ""),
    // These end the session.
    (POST, "/sign-out/everywhere", See, ""),
    (POST, "/sign-out", Right::None, ""),
    (POST, "/sign-in", Right::None, "token=x"),
];

/// A path for a row of the table, and the body to send.
fn request(method: &Method, route: &str, rest: &'static str) -> (String, &'static str) {
    let path = route.replace("{order}", "A-1").replace("{id}", "999").replace("{file}", "none");
    if *method == GET { (format!("{path}{rest}"), "") } else { (path, rest) }
}

#[test]
fn the_table_has_every_route_of_the_page() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http/page.rs");
    let source = std::fs::read_to_string(source).unwrap();
    let source = source.replace("START, get", "\"/start\", get");
    let source = source.replace("CALLBACK, get", "\"/sign-in/discord/callback\", get");
    let mut routes = BTreeSet::new();
    for line in source.lines().map(str::trim).filter(|line| line.starts_with('(') && line.ends_with("),")) {
        let path = line.split('"').nth(1).unwrap_or_else(|| panic!("no path: {line}"));
        let methods = [("get(", GET), (".post(", POST), (" post(", POST)];
        let methods = methods.into_iter().filter(|(call, _)| line.contains(call));
        routes.extend(methods.map(|(_, method)| format!("{method} {path}")));
    }
    let listed: BTreeSet<String> =
        PAGES.iter().map(|(method, path, ..)| format!("{method} {path}")).collect();
    assert_eq!(routes, listed, "a new route needs a line in the table");
}

/// Stores an order with a token that may send cards.
async fn store_order(app: &App, token: &str) {
    let (bearer, card) = (format!("Bearer {token}"), "Order Number\nA-1\nEmail\nbuyer@example.com\n");
    let stored = app.request(POST, ORDERS, &[("authorization", &bearer)], card).await;
    assert_eq!(stored.status, 200, "{}", stored.text);
}

/// Sends every request of the table, and compares the answers with the rights.
async fn check(visitor: &mut Visitor, name: &str, rights: &[Right]) {
    for (method, route, right, rest) in PAGES {
        let (path, body) = request(method, route, rest);
        let name = format!("{method} {path} as {name}");
        if *method == POST {
            // A page of another site makes the browser send its cookie.
            let foreign = [("origin", "http://evil.example")];
            let reply = visitor.send(POST, &path, &foreign, body).await;
            assert!([401, 403].contains(&reply.status), "{name} from another site: {}", reply.text);
        }
        let is_signed_in = visitor.session().is_some();
        let reply = visitor.send(method.clone(), &path, &[], body).await;
        let status = reply.status;
        assert!(status < 500, "{name}: {status} {}", reply.text);
        assert!(!reply.header("content-type").contains("json") || status == 200, "{name}: {}", reply.text);
        if *right == Right::None || is_signed_in && rights.contains(right) {
            let is_wrong_token = *route == "/sign-in" && *method == POST;
            assert!(status != 401 && (status != 403 || is_wrong_token), "{name}: {status} {}", reply.text);
        } else if is_signed_in {
            assert_eq!(status, 403, "{name}: {}", reply.text);
            assert!(reply.text.contains("<h1>No access</h1>"), "{name}: {}", reply.text);
            assert!(reply.header("content-security-policy").contains("style-src 'self'"), "{name}");
        } else if *method == GET {
            let next: String = form_urlencoded::byte_serialize(path.as_bytes()).collect();
            assert_eq!(
                (status, reply.header("location")),
                (303, &*format!("/sign-in?next={next}")),
                "{name}"
            );
        } else {
            assert_eq!(status, 401, "{name}: {}", reply.text);
            assert!(reply.text.contains("<h1>You are signed out</h1>"), "{name}: {}", reply.text);
        }
        let is_masked = rights.contains(&SeePersonal) || !reply.text.contains("buyer@example.com");
        assert!(is_masked, "{name} shows personal data: {}", reply.text);
        assert!(!rights.is_empty() || !reply.text.contains("A-1<"), "{name} shows an order");
    }
}

#[tokio::test]
async fn every_level_reaches_only_its_pages_and_actions() {
    let (group, home) = (Group::start().await, Home::new());
    let token = create(&home, "ingest").await;
    let app = group.app_in(home, always_ask()).await;
    store_order(&app, &token).await;
    check(&mut Visitor::of(&app), "nobody", &[]).await;
    for (level, rights) in LEVELS {
        let mut visitor = group.sign_in(&app, &group.member(level, Some(level))).await;
        check(&mut visitor, level, rights).await;
    }
    // The cookie is no permission for the API, where no page protects it.
    let mut visitor = group.sign_in(&app, &group.member("Ann", Some("admin"))).await;
    assert_eq!(visitor.get("/api/v2/orders").await.status, 401);
    let bearer = format!("Bearer {}", visitor.session().unwrap());
    let reply = app.request(GET, "/api/v2/orders", &[("authorization", &bearer)], "").await;
    assert_eq!(reply.status, 401);
}

#[tokio::test]
async fn every_token_reaches_only_the_pages_and_actions_of_its_scopes() {
    let home = Home::new();
    let mut tokens = Vec::new();
    for (scopes, rights) in TOKENS {
        tokens.push((scopes, rights, create(&home, scopes).await));
    }
    let app = App::start_in(home, LOCKED).await;
    store_order(&app, &tokens.last().unwrap().2).await;
    for (scopes, rights, token) in &tokens {
        let mut visitor = Visitor::of(&app);
        assert_eq!(visitor.sign_in_with(token).await.status, 303);
        check(&mut visitor, scopes, rights).await;
    }
}

#[tokio::test]
async fn a_token_that_cannot_sign_in_is_told_which_one_can() {
    let home = Home::new();
    let sender = create(&home, "ingest").await;
    let writer = create(&home, "write").await;
    let output = home.command(&["token", "create", "--name", "bot", "--url"]).output();
    let output = String::from_utf8(output.unwrap().stdout).unwrap();
    let link = output.split_whitespace().find(|word| word.contains("/roms_")).unwrap().to_owned();
    let secret = link.split('/').find(|part| part.starts_with("roms_")).unwrap();
    let app = App::start_in(home, LOCKED).await;
    for (entered, text) in [
        ("roms_wrong", "This is not a valid token."),
        (&*sender, "This token may not read orders. Use one with the scope `read`"),
        (&*writer, "This token may not read orders."),
        (secret, "This token belongs to a link and cannot sign in. Use an API token with the scope `read`"),
        (&*link, "This token belongs to a link and cannot sign in."),
    ] {
        let mut visitor = Visitor::of(&app);
        let reply = visitor.sign_in_with(entered).await;
        assert_eq!(reply.status, 403, "{text}");
        assert!(reply.text.contains(text), "{text}: {}", reply.text);
        assert_eq!(visitor.session(), None, "{text}");
    }
}

#[tokio::test]
async fn an_unknown_path_is_a_page_for_people_and_json_for_programs() {
    let app = App::start().await;
    let mut visitor = Visitor::of(&app);
    let reply = visitor.get("/nothing/here").await;
    assert_eq!((reply.status, reply.header("content-type")), (404, "text/html; charset=utf-8"));
    assert!(reply.text.contains("<h1>No such page</h1>"), "{}", reply.text);
    assert!(reply.header("content-security-policy").contains("style-src 'self'"));
    // A path that only takes forms.
    let reply = visitor.get("/bulk").await;
    assert_eq!((reply.status, reply.header("content-type")), (405, "text/html; charset=utf-8"));
    let reply = visitor.get("/orders/none").await;
    assert_eq!(reply.status, 404);
    assert!(reply.text.contains("<h1>Not found</h1>") && reply.text.contains("There is no such order"));
    let reply = visitor.get("/api/v2/nothing").await;
    assert_eq!((reply.status, reply.header("content-type")), (404, "application/json"));
    assert_eq!(app.get("/nothing/here").await.json["code"], "unknown_route");
}
