//! The way to Discord and back.

use serde_json::json;

use super::{Group, Visitor, always_ask};
use crate::support::discord::Fault;

const EXPIRED: &str = "The sign-in took too long, or was begun in another browser. Try again.";

/// The text with which the sign-in page explains a failed sign-in.
async fn fault(visitor: &mut Visitor, back: &str) -> String {
    let reply = visitor.get(back).await;
    assert_eq!(reply.status, 303, "{}", reply.text);
    assert_eq!(visitor.session(), None);
    let form = visitor.get(reply.header("location")).await;
    let notice = form.text.split_once("role=\"alert\">").unwrap().1;
    notice.split('<').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_member_signs_in_with_discord_and_acts_under_their_name() {
    let group = Group::start().await;
    let app = group.app(always_ask()).await;
    let ann = group.member("Ann", Some("manager"));
    group.discord.sign_in_as(Some(&ann));
    let mut visitor = Visitor::of(&app);
    let asked = visitor.get("/orders?search=A-1").await;
    assert_eq!((asked.status, asked.header("location")), (303, "/sign-in?next=%2Forders%3Fsearch%3DA-1"));
    let form = visitor.get("/sign-in?next=%2Forders%3Fsearch%3DA-1").await;
    assert!(form.text.contains("href=\"/sign-in/discord?next=%2Forders%3Fsearch%3DA-1\""), "{}", form.text);
    let reply = visitor.sign_in("/orders?search=A-1").await;
    assert_eq!((reply.status, reply.header("location")), (303, "/orders?search=A-1"));
    let page = visitor.get("/orders").await;
    assert!(page.text.contains("Signed in as Ann"), "{}", page.text);
    assert_eq!(group.discord.violations(), Vec::<String>::new());
    assert_eq!(visitor.cookies.len(), 1, "the cookie of the attempt is gone: {:?}", visitor.cookies);

    let saved = visitor.post("/views", "name=Mine&query=status%3Dshipped").await;
    assert_eq!(saved.status, 303, "{}", saved.text);
    let (mut sql, actor) = (app.sql().await, format!("discord:{}", ann.id()));
    assert_eq!(sql.value("SELECT created_by FROM saved_views").await, json!(actor));
    let entry =
        sql.values("SELECT actor, token, peer, detail FROM access_log WHERE event = 'signed_in'").await;
    let detail = format!("{actor} Ann, manager");
    assert_eq!(json!(entry), json!([[actor, null, "127.0.0.1", detail]]));

    // No token of Discord and no secret of the browser is stored.
    let rows = format!("{:?}", sql.rows("SELECT * FROM sessions").await);
    let issued = group.discord.issued();
    assert!(issued.len() == 2 && issued.iter().all(|secret| !rows.contains(secret)), "{rows}");
    assert!(!rows.contains(visitor.session().unwrap()), "{rows}");

    let refused = visitor.get("/state").await;
    assert_eq!(refused.status, 403);
    assert!(refused.text.contains("This needs the admin level"), "{}", refused.text);
    let home = app.stop().await;
    let mut sql = home.sql().await;
    let entry = sql
        .values("SELECT actor, detail FROM access_log WHERE event = 'refused' AND actor IS NOT NULL")
        .await;
    assert_eq!(json!(entry), json!([[actor, "missing_level GET /state"]]));
}

#[tokio::test]
async fn only_the_browser_that_began_a_sign_in_can_end_it() {
    let group = Group::start().await;
    let app = group.app(always_ask()).await;
    group.discord.sign_in_as(Some(&group.member("Ann", Some("admin"))));

    // An attacker leads a browser back with the attacker's code.
    let mut attacker = Visitor::of(&app);
    let back = attacker.go_to_discord("/").await;
    let mut victim = Visitor::of(&app);
    assert_eq!(fault(&mut victim, &back).await, EXPIRED, "without an attempt");
    let _ = victim.go_to_discord("/").await;
    assert_eq!(fault(&mut victim, &back).await, EXPIRED, "with another attempt");
    assert_eq!(fault(&mut victim, "/sign-in/discord/callback?code=x&state=").await, EXPIRED);
    assert_eq!(group.discord.count("POST", "/oauth2/token"), 0, "Discord is not asked");

    // A code belongs to the verifier of its browser.
    let back = victim.go_to_discord("/").await;
    let cookie = victim.cookies["roms-attempt"].clone();
    let mut parts: Vec<&str> = cookie.splitn(3, '.').collect();
    let wrong = "x".repeat(43);
    parts[1] = &wrong;
    victim.cookies.insert("roms-attempt".to_owned(), parts.join("."));
    assert_eq!(fault(&mut victim, &back).await, "Discord did not accept the sign-in. Try again.");

    // An answer works once.
    let back = victim.go_to_discord("/").await;
    let attempt = victim.cookies.clone();
    assert_eq!(victim.get(&back).await.status, 303);
    assert!(victim.is_signed_in().await);
    victim.cookies = attempt;
    assert_eq!(fault(&mut victim, &back).await, "Discord did not accept the sign-in. Try again.");
}

#[tokio::test]
async fn whoever_may_not_or_does_not_want_to_sign_in_learns_why() {
    let group = Group::start().await;
    let app = group.app(always_ask()).await;
    // The bot has read its own name then, and the failures below meet only people.
    group.discord.until_ready().await;
    let mut visitor = Visitor::of(&app);
    group.discord.sign_in_as(None);
    let back = visitor.go_to_discord("/").await;
    assert_eq!(fault(&mut visitor, &back).await, "You have cancelled the sign-in at Discord.");

    let none = "None of your roles gives access to ROMS. Ask an administrator of your Discord server.";
    let (bob, eve) = (group.member("Bob", None), group.discord.user("Eve"));
    for person in [&bob, &eve] {
        group.discord.sign_in_as(Some(person));
        let back = visitor.go_to_discord("/").await;
        assert_eq!(fault(&mut visitor, &back).await, none);
    }

    group.discord.sign_in_as(Some(&group.member("Ann", Some("admin"))));
    let later = "Discord does not answer. Try again in a moment.";
    for (method, path) in [("POST", "/oauth2/token"), ("GET", "/users/@me/guilds"), ("GET", "/users/@me")] {
        for answer in [Fault::Status(500), Fault::Status(403), Fault::Garbage, Fault::RateLimitedWithoutDelay]
        {
            let back = visitor.go_to_discord("/").await;
            group.discord.fail(method, path, answer, 1);
            assert_eq!(fault(&mut visitor, &back).await, later, "{path} {answer:?}");
            group.discord.heal();
        }
    }
}

#[tokio::test]
async fn sign_in_leads_only_to_pages_of_this_server() {
    let group = Group::start().await;
    let app = group.app(always_ask()).await;
    group.discord.sign_in_as(Some(&group.member("Ann", Some("viewer"))));
    for next in ["//evil.example/", "https://evil.example/", "/\\evil.example", "", "/\tx"] {
        let reply = Visitor::of(&app).sign_in(next).await;
        assert_eq!((reply.status, reply.header("location")), (303, "/"), "{next}");
    }
}

#[tokio::test]
async fn without_a_configuration_there_is_no_way_to_discord() {
    let (app, _) = crate::access::locked("").await;
    let mut visitor = Visitor::of(&app);
    assert!(!visitor.get("/sign-in").await.text.contains("Discord"));
    for path in ["/sign-in/discord", "/sign-in/discord/callback?code=x&state=x"] {
        assert_eq!(visitor.get(path).await.status, 404, "{path}");
    }
}
