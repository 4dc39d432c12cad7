//! `roms token create`, `list` and `revoke`.

use std::process::Output;

use serde_json::json;

use crate::support::{home::Home, program::Program};

fn roms(home: &Home, arguments: &[&str]) -> Output {
    home.command(arguments).output().unwrap()
}

/// The standard output of a command that succeeds.
fn done(home: &Home, arguments: &[&str]) -> String {
    let output = roms(home, arguments);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), error.as_str()), (Some(0), ""), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The last line on standard error of a command that fails.
fn failure(home: &Home, arguments: &[&str]) -> String {
    let output = roms(home, arguments);
    assert_ne!(output.status.code(), Some(0), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[tokio::test]
async fn a_token_is_shown_once_and_stored_as_a_hash() {
    let home = Home::new();
    let created = done(&home, &["token", "create", "--name", "refract", "--scope", "ingest,read"]);
    let token = created.lines().next().unwrap();
    assert!(token.starts_with("roms_") && token.len() == 48, "{created}");
    for part in ["refract (ingest,read)", "http://127.0.0.1:", "Authorization: Bearer"] {
        assert!(created.contains(part), "{created}");
    }

    let listed = done(&home, &["token", "list"]);
    let (secret, last_four) = token.strip_prefix("roms_").unwrap().split_at(39);
    let last_four = format!("…{last_four}");
    for part in ["refract", "ingest,read", &last_four, "never"] {
        assert!(listed.contains(part), "{part}: {listed}");
    }
    let mut sql = home.sql().await;
    for table in ["tokens", "access_log"] {
        let rows = json!(sql.rows(&format!("SELECT * FROM {table}")).await).to_string();
        assert!(rows.contains("refract") && !rows.contains(token), "{rows}");
        assert!(!rows.contains(secret), "{rows}");
    }
}

#[tokio::test]
async fn the_end_of_a_token_is_announced_a_week_before() {
    let home = Home::new();
    for (name, lifetime) in
        [("later", "8 days"), ("soon", "6 days 1 hour"), ("today", "1 hour"), ("gone", "1 ns")]
    {
        done(&home, &["token", "create", "--name", name, "--scope", "read", "--expires", lifetime]);
    }
    let listed = done(&home, &["token", "list"]);
    let line = |name: &str| listed.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    assert!(!line("later").contains('('), "{listed}");
    assert!(line("soon").contains("(in 6 days)"), "{listed}");
    assert!(line("today").contains("(in less than a day)"), "{listed}");
    assert!(line("gone").contains("(expired)"), "{listed}");
}

#[tokio::test]
async fn a_sender_that_can_only_paste_a_url_gets_the_ready_link() {
    let home = Home::new();
    let relay = "https://discord.com/api/webhooks/12/relay-secret";
    let create = |arguments: &[&str]| {
        let mut command = home.command(&[&["token", "create"], arguments].concat());
        let output = command.env("ROMS__HTTP__PUBLIC_URL", "https://orders.example.net/").output().unwrap();
        let created = String::from_utf8(output.stdout).unwrap();
        let token = created.lines().next().unwrap().to_owned();
        (created, token)
    };
    let (by_url, url_token) = create(&["--name", "refract", "--url", "--relay-url", relay, "--signed"]);
    let (ingest, api_token) = create(&["--name", "program", "--scope", "ingest"]);
    let link = |id: i64, token: &str| format!("https://orders.example.net/api/webhooks/{id}/{token}");
    assert!(by_url.lines().any(|line| line == link(1, &url_token)), "{by_url}");
    assert!(ingest.lines().any(|line| line == link(2, &api_token)), "{ingest}");
    assert!(!by_url.contains("Bearer") && ingest.contains("Bearer"), "{by_url}{ingest}");
    let signing_secret = by_url.lines().last().unwrap();
    assert!(signing_secret.starts_with("whsec_") && !by_url.contains(relay), "{by_url}");
    let (read, _) = create(&["--name", "sheet", "--scope", "read,ingest"]);
    assert!(!read.contains("/api/webhooks/"), "{read}");
    let mut unnamed = home.command(&["token", "create", "--name", "everywhere", "--url"]);
    let unnamed = unnamed.env("ROMS__HTTP__BIND", "0.0.0.0:8001").output().unwrap();
    let unnamed = String::from_utf8(unnamed.stdout).unwrap();
    assert!(unnamed.contains("in the place of 0.0.0.0, or set `public_url`"), "{unnamed}");
    assert!(!by_url.contains("in the place of"), "{by_url}");

    let listed = done(&home, &["token", "list"]);
    assert!(listed.contains("url") && listed.contains("api") && listed.contains("LAST FOUR"), "{listed}");
    for secret in [&url_token, &api_token, signing_secret, relay, "relay-secret"] {
        assert!(!listed.contains(secret), "{listed}");
    }
    let mut sql = home.sql().await;
    let rows = sql.values("SELECT kind, scopes, relay_url, signing_secret FROM tokens ORDER BY id").await;
    assert_eq!(json!(rows[0]), json!(["url", "ingest", relay, signing_secret]));
    assert_eq!(json!(rows[1]), json!(["api", "ingest", null, null]));
}

#[tokio::test]
async fn a_name_belongs_to_one_token_until_that_is_revoked() {
    let home = Home::new();
    let create = ["token", "create", "--name", "bot", "--scope", "read"];
    done(&home, &create);
    let error = failure(&home, &create);
    assert!(error.contains("already a token named bot"), "{error}");
    assert_eq!(done(&home, &["token", "revoke", "bot"]), "Revoked bot.\n");
    let error = failure(&home, &["token", "revoke", "bot"]);
    assert!(error.contains("no token named bot"), "{error}");
    assert!(done(&home, &["token", "list"]).starts_with("There are no tokens."));
    done(&home, &create);

    let mut sql = home.sql().await;
    let log = sql.values("SELECT event, token, actor, detail FROM access_log ORDER BY id").await;
    let created = json!(["created", "bot", "cli", "read"]);
    assert_eq!(json!(log), json!([created, ["revoked", "bot", "cli", null], created]));
}

#[tokio::test]
async fn wrong_arguments_are_explained() {
    let home = Home::new();
    for (arguments, expected) in [
        (&["--name", "a b", "--scope", "read"][..], "1 to 64 letters"),
        (&["--name", "a", "--scope", "all"], "ingest, read, read:pii, write and admin"),
        (&["--name", "a"], "--scope"),
        (&["--name", "a", "--url", "--scope", "read,write"], "the scope can only be read or read:pii"),
        (&["--name", "a", "--url", "--scope", "read", "--signed"], "tokens that send cards"),
        (
            &["--name", "a", "--scope", "ingest", "--relay-url", "https://discord.com/api/webhooks/1/x"],
            "cannot be used with",
        ),
        (
            &["--name", "a", "--url", "--relay-url", "https://example.net/"],
            "https://discord.com/api/webhooks/ID/TOKEN",
        ),
        (&["--name", "a", "--scope", "read", "--expires", "soon"], "90 days"),
        (&["--name", "a", "--scope", "read", "--expires", "0s"], "90 days"),
    ] {
        let error = failure(&home, &[&["token", "create"], arguments].concat());
        assert!(error.contains(expected), "{arguments:?}: {error}");
    }
    // The address of a webhook holds a secret.
    let relay: &[&str] = &["token", "create", "--name", "a", "--url", "--relay-url"];
    let secret = "discord.example/api/webhooks/hook-secret";
    for arguments in [
        &[relay, &[&format!("https://{secret}")]].concat()[..],
        &[relay, &[secret]].concat(),
        &["token", "create", "--name", "a", "--url", &format!("https://{secret}")],
        &["webhook", "create", "--name", "a", "--url", &format!("ftp://{secret}")],
    ] {
        let error = failure(&home, arguments);
        assert!(error.contains("***") && !error.contains("hook-secret"), "{arguments:?}: {error}");
    }
}

#[tokio::test]
async fn tokens_are_made_while_roms_runs() {
    let program = Program::start().await;
    let home = program.home();
    done(home, &["token", "create", "--name", "short", "--scope", "admin", "--expires", "90 days"]);
    let listed = done(home, &["token", "list"]);
    assert!(listed.contains("short") && !listed.contains("expired"), "{listed}");
    done(home, &["token", "revoke", "short"]);
    program.signal("TERM");
    assert_eq!(program.end().await.code, Some(0));
}
