//! Tokens, cookies and signatures appear in no log line, metric or error, and personal data in no log line, whatever is
//! requested.
//!
//! The requests follow from the API document, so that a new route is covered without a change here.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::process::Command;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use reqwest::{Client, Method};
use roms::config::{Log, LogFormat};
use serde_json::Value;

use super::create;
use crate::support::app::{DEADLINE, soon};
use crate::support::home::Home;
use crate::support::program::Program;
use crate::support::sql::Sql;

/// In every secret and personal value of the requests.
const CANARY: &str = "canary";
/// In every header. The body of an error may repeat a value of the request's body, but no header.
const HEADER: &str = "canary-header";
const CARD: &str = "Successful Checkout | Store\nProduct\nPlush\nOrder Number\nA-1\nEmail\ncanary@mail.example\n\
                    Customer Name\nCanary Person\nProfile\nCanary Profile\nPrice\ncanary\n\
                    Proxy Details\nhttp://canary:secret@proxy.example:80\nShipping Address\n1 Canary Street\n";
/// Bodies that some route accepts, and bodies that none does.
const BODIES: [&str; 6] = [
    CARD,
    "{\"price\": [\"canary@mail.example\"], \"email\": [\"canary\"]}",
    "{\"orders\": [\"canary@mail.example\"], \"set\": {\"email\": \"canary@mail.example\"}}",
    "{\"email\": \"canary@mail.example\"",
    "{\"embeds\": [{\"title\": \"canary@mail.example\"}]}",
    "canary\u{0}canary@mail.example",
];
/// Paths that are not in the document: those of the page, and some that do not exist.
const OTHER_PATHS: [&str; 10] = [
    "/missing",
    "/docs/missing",
    "/numbers",
    "/orders",
    "/orders/{order}",
    "/orders/{order}/cancel",
    "/bulk",
    "/log/{id}",
    "/state",
    "/sign-in",
];
const METHODS: [Method; 6] =
    [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];

/// A running ROMS that asks for tokens, and everything that it must not repeat.
struct Run {
    program: Program,
    client: Client,
    admin: String,
    reader: String,
    /// A well-formed token that does not exist.
    unknown: String,
    /// Every operation of the API document: its path with `{…}`, its method, and whether it reads a body.
    operations: BTreeSet<(String, String, bool)>,
    /// Errors and metrics that ROMS answered.
    answers: String,
    sent: usize,
}

impl Run {
    async fn start(filter: &str, format: &str) -> Self {
        let home = Home::new();
        let (admin, reader) = (create(&home, "admin").await, create(&home, "read").await);
        let mut serve = home.command(&[]);
        serve.env("ROMS__HTTP__REQUIRE_AUTH", "true").env("ROMS__METRICS__ENABLED", "true");
        serve.env("ROMS__LOG__FILTER", filter).env("ROMS__LOG__FORMAT", format);
        let program = Program::start_by(serve, home).await;
        let client = Client::builder().no_proxy().timeout(DEADLINE).build().unwrap();
        let unknown = format!("roms_{}", "canary".repeat(8).get(..43).unwrap());
        let document = client.get(format!("{}/openapi.json", program.url)).bearer_auth(&admin);
        let document: Value = document.send().await.unwrap().json().await.unwrap();
        let paths = document["paths"].as_object().unwrap().iter();
        let operations = paths
            .flat_map(|(path, item)| {
                let operations = item.as_object().unwrap().iter();
                operations.map(|(method, operation)| {
                    (path.clone(), method.to_uppercase(), !operation["requestBody"].is_null())
                })
            })
            .collect();
        Self { program, client, admin, reader, unknown, operations, answers: String::new(), sent: 0 }
    }

    /// Sends a request with secrets in every place, and keeps the answer if it is an error.
    async fn send(&mut self, method: Method, path: &str, authorization: Option<&str>, body: String) {
        self.sent += 1;
        let value = [CANARY, "canary%40mail.example", &self.admin][self.sent % 3];
        let filled: Vec<&str> =
            path.split('/').map(|segment| if segment.starts_with('{') { value } else { segment }).collect();
        let query = match self.sent % 4 {
            0 => format!("?token={}&email=canary%40mail.example", self.admin),
            1 => "?search=canary%40mail.example&since=canary".to_owned(),
            _ => String::new(),
        };
        let url = format!("{}{}{query}", self.program.url, filled.join("/"));
        let mut request = self
            .client
            .request(method, url)
            .header("cookie", format!("session=canary-header; roms={}", self.admin))
            .header("x-webhook-signature", "canary-header")
            .header("webhook-id", "canary-header")
            .header("webhook-timestamp", "canary-header")
            .header("webhook-signature", "v1,canary-header")
            .header("idempotency-key", "canary-header")
            .header("if-match", "canary-header")
            .header("last-event-id", "canary-header")
            .header("referer", format!("https://orders.example.net/?token={}", self.admin))
            .body(body);
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        if self.sent.is_multiple_of(5) {
            let protocols = format!("roms, {}", self.admin);
            request = request.header("upgrade", "websocket").header("sec-websocket-protocol", protocols);
        }
        let answer = soon(request.send()).await.unwrap();
        let is_error = answer.status().as_u16() >= 400;
        // The stream of events does not end.
        if is_error || path == "/metrics" {
            let text = soon(answer.text()).await.unwrap();
            assert!(is_error || !text.to_lowercase().contains(CANARY), "{text}");
            writeln!(self.answers, "{path}: {text}").unwrap();
        }
    }

    /// Every path with every method and every kind of token.
    async fn everything(&mut self) {
        let basic = BASE64_STANDARD.encode(format!("{HEADER}:{}", self.admin));
        let authorizations = [
            None,
            Some(format!("Bearer {}", self.admin)),
            Some(format!("Bearer {}", self.reader)),
            Some(format!("Bearer {}", self.unknown)),
            Some(format!("Bearer {HEADER}")),
            Some(format!("Basic {basic}")),
        ];
        let paths: BTreeSet<String> = self.operations.iter().map(|(path, ..)| path.clone()).collect();
        let paths = paths.into_iter().chain(OTHER_PATHS.map(str::to_owned));
        for path in paths {
            for method in METHODS {
                for authorization in &authorizations {
                    let body = BODIES[self.sent % BODIES.len()].to_owned();
                    self.send(method.clone(), &path, authorization.as_deref(), body).await;
                }
            }
        }
    }

    /// Every operation with every body and the token that permits everything.
    async fn operations(&mut self) {
        let admin = format!("Bearer {}", self.admin);
        let large = "canary@mail.example ".repeat(15_000);
        for (path, method, has_body) in self.operations.clone() {
            let method: Method = method.parse().unwrap();
            for body in BODIES.into_iter().chain(has_body.then_some(&*large)) {
                self.send(method.clone(), &path, Some(&admin), body.to_owned()).await;
            }
            if has_body {
                self.send(method, &path, None, large.clone()).await;
            }
        }
    }

    /// Everything that ROMS wrote and answered.
    async fn end(mut self) -> (String, String) {
        // The metrics of all requests.
        let admin = format!("Bearer {}", self.admin);
        self.send(Method::GET, "/metrics", Some(&admin), String::new()).await;
        assert!(self.answers.contains("roms_http_requests_total{route=\"/api/webhooks/{id}/{token}\""));
        self.program.signal("TERM");
        let start = self.program.start_lines.join("\n");
        let end = self.program.end().await;
        assert_eq!(end.code, Some(0), "{}", end.log);
        for token in [&self.admin, &self.reader, &self.unknown] {
            let secret = token.strip_prefix("roms_").unwrap();
            for text in [&end.log, &self.answers] {
                let line = text.lines().find(|line| line.contains(secret));
                assert_eq!(line, None, "a token");
            }
        }
        (format!("{start}\n{}", end.log), self.answers)
    }
}

/// The default filter with another level for everything that it does not name.
fn filter(level: &str) -> String {
    let default = Home::sqlite().config("").log.filter.to_string();
    format!("{level},{}", default.split_once(',').unwrap().1)
}

/// Runs everything, also while the database refuses orders and while tables are missing.
async fn check(level: &str, format: &str) {
    let mut run = Run::start(&filter(level), format).await;
    run.everything().await;
    let mut sql: Sql = run.program.sql().await;
    sql.reject_orders("INSERT", "NEW.email IS NOT NULL").await;
    run.operations().await;
    sql.accept_all_orders().await;
    run.operations().await;
    for table in ["order_events", "webhook_logs", "orders"] {
        sql.run(&format!("ALTER TABLE {table} RENAME TO gone")).await;
        run.operations().await;
        sql.run(&format!("ALTER TABLE gone RENAME TO {table}")).await;
    }
    assert!(run.answers.contains("storage_unavailable"), "the missing tables were noticed");
    let (log, answers) = run.end().await;
    assert!(log.contains("request refused: unauthorized") && log.contains("request failed"), "{log}");
    for (text, secret) in [(log, CANARY), (answers, HEADER)] {
        let found: BTreeSet<_> = text.lines().filter(|line| line.to_lowercase().contains(secret)).collect();
        assert!(found.is_empty(), "{found:#?}");
    }
}

#[tokio::test]
async fn no_secret_is_logged_or_answered_with_the_default_filter() {
    check("info", "pretty").await;
}

#[tokio::test]
async fn no_secret_is_logged_at_debug_level() {
    check("debug", "json").await;
}

#[tokio::test]
async fn no_secret_is_logged_at_trace_level() {
    check("trace", "pretty").await;
}

/// Runs [`panics_in_a_process_of_its_own`] in another process, because a panic hook changes every other test.
#[test]
fn a_panic_is_logged_with_its_place_and_without_its_text() {
    let mut test = Command::new(std::env::current_exe().unwrap());
    test.args(["--exact", "access::canary::panics_in_a_process_of_its_own", "--nocapture"]);
    let output = test.env(PANICS, "1").output().unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{log}");
    assert!(log.contains("panicked") && log.contains("canary.rs"), "{log}");
    assert!(log.contains("a fixed text"), "{log}");
    assert!(!log.contains("canary@mail.example"), "{log}");
}

/// Set in the process that panics.
const PANICS: &str = "ROMS_TEST_PANICS";

#[test]
fn panics_in_a_process_of_its_own() {
    if std::env::var_os(PANICS).is_none() {
        return;
    }
    let log = Log { filter: "info".to_owned().try_into().unwrap(), format: LogFormat::Json };
    roms::telemetry::init(&log).unwrap();
    let email = std::hint::black_box("canary@mail.example");
    std::panic::catch_unwind(|| panic!("{email}")).unwrap_err();
    std::panic::catch_unwind(|| panic!("a fixed text")).unwrap_err();
}
