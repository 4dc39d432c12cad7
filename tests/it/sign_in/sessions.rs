//! Sessions: their cookie, their end, and the rights to end them.

use chrono::{TimeDelta, Utc};
use reqwest::Method;
use serde_json::json;

use super::{Group, Visitor, always_ask};
use crate::access::{LOCKED, create, revoke};
use crate::support::app::{App, until};
use crate::support::home::Home;

/// A ROMS that asks for tokens, and one for everything.
async fn locked(toml: &str) -> (App, String) {
    crate::access::locked(toml).await
}

#[tokio::test]
async fn a_sign_in_begins_a_new_session_and_ends_the_earlier_one() {
    let (app, token) = locked("").await;
    let mut visitor = Visitor::of(&app);
    // A session that somebody else has planted is not taken over.
    let planted = format!("roms_{}", "x".repeat(43));
    visitor.cookies.insert("roms".to_owned(), planted.clone());
    assert!(!visitor.is_signed_in().await);
    assert_eq!(visitor.sign_in_with(&token).await.status, 303);
    let first = visitor.session().unwrap().to_owned();
    assert!(first != planted && first != token, "the cookie holds no token");
    assert!(visitor.is_signed_in().await);
    visitor.sign_in_with(&token).await;
    assert_ne!(visitor.session(), Some(&*first));
    let mut old = Visitor::of(&app);
    old.cookies.insert("roms".to_owned(), first);
    assert!(!old.is_signed_in().await);
    // A token itself is no cookie.
    old.cookies.insert("roms".to_owned(), token);
    assert!(!old.is_signed_in().await);
    assert_eq!(app.sql().await.count("sessions").await, 1);
}

#[tokio::test]
async fn the_cookie_is_for_this_server_alone_and_secure_under_https() {
    let toml = "hosts = [\"orders.example\"]\npublic_url = \"https://orders.example\"\n";
    let (app, token) = locked(toml).await;
    let cookie = async |headers: &[(&'static str, &str)]| {
        let mut visitor = Visitor::of(&app);
        visitor.headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let reply = visitor.sign_in_with(&token).await;
        assert_eq!(reply.status, 303, "{}", reply.text);
        reply.header("set-cookie").to_owned()
    };
    let plain = cookie(&[]).await;
    let rest = "; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax";
    assert!(plain.starts_with("roms=roms_") && plain.ends_with(rest), "{plain}");
    let origin = ("origin", "https://roms.example");
    for headers in [&[("host", "orders.example")][..], &[("host", "roms.example"), origin]] {
        let secure = cookie(headers).await;
        assert!(secure.starts_with("__Host-roms=roms_"), "{secure}");
        assert!(secure.ends_with(&format!("{rest}; Secure")), "{secure}");
    }
    // Only a trusted proxy may say that the browser uses https.
    let forwarded = [("x-forwarded-proto", "https")];
    assert!(cookie(&forwarded).await.starts_with("roms="));
    let (behind, token) = locked("trusted_proxies = [\"127.0.0.1\"]\n").await;
    let mut visitor = Visitor::of(&behind);
    visitor.headers =
        vec![("x-forwarded-proto", "https".to_owned()), ("x-forwarded-for", "203.0.113.9".to_owned())];
    visitor.sign_in_with(&token).await;
    assert!(visitor.is_signed_in().await);
    // Another site of the same domain can set a cookie, but none with the prefix.
    let secret = visitor.cookies.remove("__Host-roms").unwrap();
    visitor.cookies.insert("roms".to_owned(), secret);
    assert!(!visitor.is_signed_in().await, "under https, the plain name does not count");
    let peer = behind.sql().await.value("SELECT peer FROM sessions").await;
    assert_eq!(peer, "203.0.113.9");
}

#[tokio::test]
async fn a_session_ends_after_a_week_without_use_and_after_thirty_days() {
    let (app, token) = locked("").await;
    let mut sql = app.sql().await;
    let set = |column: &str, days: i64, seconds: i64| {
        let at = Utc::now() + TimeDelta::days(days) + TimeDelta::seconds(seconds);
        format!("UPDATE sessions SET {column} = '{}'", at.to_rfc3339())
    };
    let mut visitor = Visitor::of(&app);
    for (column, still, over) in [("last_used_at", (-7, 60), (-7, 0)), ("expires_at", (0, 60), (0, 0))] {
        visitor.sign_in_with(&token).await;
        sql.run(&set(column, still.0, still.1)).await;
        assert!(visitor.is_signed_in().await, "{column}");
        sql.run(&set(column, over.0, over.1)).await;
        assert!(!visitor.is_signed_in().await, "{column}");
    }
    // Each use counts, to the minute.
    visitor.sign_in_with(&token).await;
    sql.run(&set("last_used_at", -6, 0)).await;
    assert!(visitor.is_signed_in().await);
    let used: chrono::DateTime<Utc> =
        sql.value("SELECT last_used_at FROM sessions").await.as_str().unwrap().parse().unwrap();
    assert!(Utc::now() - used < TimeDelta::minutes(1), "{used}");
    // Use does not extend the thirty days.
    let end: chrono::DateTime<Utc> =
        sql.value("SELECT expires_at FROM sessions").await.as_str().unwrap().parse().unwrap();
    assert!(end - Utc::now() <= TimeDelta::days(30), "{end}");
    // The next sign-in deletes what has ended.
    sql.run(&set("expires_at", 0, 0)).await;
    Visitor::of(&app).sign_in_with(&token).await;
    assert_eq!(sql.count("sessions").await, 1);
}

#[tokio::test]
async fn people_sign_out_here_or_everywhere_and_admins_end_any_session() {
    let group = Group::start().await;
    let app = group.app(always_ask()).await;
    let (ann, bob) = (group.member("Ann", Some("admin")), group.member("Bob", Some("viewer")));
    let mut desk = group.sign_in(&app, &ann).await;
    let mut phone = group.sign_in(&app, &ann).await;
    let mut other = group.sign_in(&app, &bob).await;

    let secret = phone.session().unwrap().to_owned();
    let reply = phone.post("/sign-out", "").await;
    assert_eq!((reply.status, reply.header("location")), (303, "/sign-in"));
    assert_eq!(phone.session(), None);
    phone.cookies.insert("roms".to_owned(), secret);
    assert!(!phone.is_signed_in().await, "the server has forgotten the session");
    assert!(desk.is_signed_in().await);

    // "Everywhere" ends the other browser of the same person, and no session of another person.
    let mut laptop = group.sign_in(&app, &ann).await;
    assert_eq!(laptop.post("/sign-out/everywhere", "").await.status, 303);
    assert!(!desk.is_signed_in().await && !laptop.is_signed_in().await);
    assert!(other.is_signed_in().await);

    desk = group.sign_in(&app, &ann).await;
    let state = desk.get("/state").await.text;
    assert!(
        state.contains("Ann <span class=\"muted\">(this browser)") && state.contains("Discord, viewer"),
        "{state}"
    );
    let mut sql = app.sql().await;
    let id = sql.value("SELECT id FROM sessions WHERE name = 'Bob'").await;
    assert_eq!(other.post(&format!("/sessions/{id}/end"), "").await.status, 403, "a viewer ends no session");
    let reply = desk.post(&format!("/sessions/{id}/end"), "").await;
    assert_eq!((reply.status, reply.header("location")), (303, "/state"));
    assert!(!other.is_signed_in().await);
    assert_eq!(desk.post(&format!("/sessions/{id}/end"), "").await.status, 404);
    let actor = format!("discord:{}", ann.id());
    let detail = format!("discord:{} Bob, viewer", bob.id());
    let ended = "SELECT actor, detail FROM access_log WHERE event = 'signed_out' ORDER BY id DESC LIMIT 1";
    assert_eq!(json!(sql.values(ended).await), json!([[actor, detail]]));
}

#[tokio::test]
async fn a_session_of_a_token_does_what_the_token_may_and_ends_with_it() {
    let home = Home::new();
    let (reader, admin) = (create(&home, "read").await, create(&home, "admin").await);
    let app = App::start_in(home, LOCKED).await;
    let (mut visitor, mut other) = (Visitor::of(&app), Visitor::of(&app));
    visitor.sign_in_with(&reader).await;
    other.sign_in_with(&admin).await;
    assert_eq!(visitor.get("/state").await.status, 403);
    assert_eq!(other.get("/state").await.status, 200);
    assert!(visitor.get("/orders").await.text.contains("Signed in as read"));
    revoke(app.home(), "read").await;
    until("the revoked token is signed out", async || {
        let cookie = format!("roms={}", visitor.session().unwrap());
        let headers = [("accept", "text/html"), ("cookie", &cookie)];
        app.request(Method::GET, "/orders", &headers, "").await.text.contains("Sign in to ROMS")
    })
    .await;
    assert_eq!(app.sql().await.values("SELECT name FROM sessions").await.len(), 1, "only the other is left");
}

#[tokio::test]
async fn an_administrator_reads_the_state_while_the_database_fails() {
    let (app, token) = locked("").await;
    let mut visitor = Visitor::of(&app);
    visitor.sign_in_with(&token).await;
    assert!(visitor.is_signed_in().await);
    let mut sql = app.sql().await;
    sql.run("ALTER TABLE sessions RENAME TO gone").await;
    assert_eq!(visitor.get("/state").await.status, 200);
    let mut stranger = Visitor::of(&app);
    stranger.cookies.insert("roms".to_owned(), format!("roms_{}", "x".repeat(43)));
    assert_eq!(stranger.get("/state").await.status, 503, "an unknown session is not let in");
    sql.run("ALTER TABLE gone RENAME TO sessions").await;
    sql.run("DELETE FROM sessions").await;
    assert!(!visitor.is_signed_in().await);
}

#[tokio::test]
async fn nobody_has_more_than_twenty_sessions() {
    let (app, token) = locked("rate_limit = 0\ntrusted_proxies = [\"127.0.0.1\"]\n").await;
    let mut first = Visitor::of(&app);
    for n in 0..21 {
        let mut visitor = Visitor::of(&app);
        visitor.headers = vec![("x-forwarded-for", format!("203.0.113.{n}"))];
        visitor.sign_in_with(&token).await;
        if n == 0 {
            first.cookies = visitor.cookies.clone();
        }
        assert_eq!(first.is_signed_in().await, n < 20, "{n}");
    }
    assert_eq!(app.sql().await.count("sessions").await, 20);
}
