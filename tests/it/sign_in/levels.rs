//! The level of a signed-in person follows their roles, and decides what they see and may do.

use std::time::Duration;

use roms::sign_in::Timing;
use serde_json::json;

use super::{Group, Visitor, always_ask};
use crate::support::app::{App, soon};
use crate::support::discord::Fault;
use crate::support::home::Home;

#[tokio::test]
async fn changed_roles_change_the_level_of_a_signed_in_person() {
    let group = Group::start().await;
    let app = group.app(always_ask()).await;
    let ann = group.member("Ann", Some("admin"));
    let mut visitor = group.sign_in(&app, &ann).await;
    assert_eq!(visitor.get("/state").await.status, 200);
    group.give_level(&ann, Some("viewer"));
    assert_eq!(visitor.get("/state").await.status, 403);
    assert_eq!(visitor.post("/views", "name=x&query=").await.status, 403);
    assert_eq!(visitor.get("/orders").await.status, 200);
    group.give_level(&ann, Some("manager"));
    assert_eq!(visitor.post("/views", "name=x&query=").await.status, 303);

    // Without a role, all sessions of the person end.
    let mut phone = group.sign_in(&app, &ann).await;
    group.give_level(&ann, None);
    assert!(!visitor.is_signed_in().await);
    let mut sql = app.sql().await;
    assert_eq!(sql.count("sessions").await, 0);
    group.give_level(&ann, Some("manager"));
    assert!(!phone.is_signed_in().await, "the session does not come back");
    let ended =
        sql.values("SELECT actor, count(*) FROM access_log WHERE event = 'signed_out' GROUP BY actor").await;
    assert_eq!(json!(ended), json!([["roms", 2]]));
}

#[tokio::test]
async fn only_a_missing_member_is_signed_out_and_no_fault_of_discord_is() {
    let group = Group::start().await;
    let app = group.app(always_ask()).await;
    let ann = group.member("Ann", Some("manager"));
    let mut visitor = group.sign_in(&app, &ann).await;
    for fault in [
        Fault::Status(500),
        Fault::Status(403),
        Fault::Status(401),
        Fault::RateLimitedWithoutDelay,
        Fault::Garbage,
    ] {
        group.discord.fail("GET", "/guilds/*/members", fault, usize::MAX);
        assert!(visitor.is_signed_in().await, "{fault:?}");
        assert_eq!(visitor.post("/bulk/undo", "[]").await.status, 200, "{fault:?}: the level stays");
        group.discord.heal();
    }
    ann.leave(&group.guild);
    assert!(!visitor.is_signed_in().await);
}

#[tokio::test]
async fn an_unknown_level_permits_nothing_and_comes_back() {
    let group = Group::start().await;
    let timing = Timing { max_level_age_in_outage: Duration::ZERO, ..always_ask() };
    let app = group.app(timing).await;
    let mut visitor = group.sign_in(&app, &group.member("Ann", Some("manager"))).await;
    group.discord.fail("GET", "/guilds/*/members", Fault::Status(500), usize::MAX);
    let reply = visitor.get("/orders").await;
    assert_eq!((reply.status, reply.header("retry-after")), (503, "30"));
    assert!(
        reply.text.contains("Discord does not answer, so ROMS cannot check your roles"),
        "{}",
        reply.text
    );
    assert_eq!(visitor.post("/bulk/undo", "[]").await.status, 503);
    group.discord.heal();
    assert!(visitor.is_signed_in().await, "it is the same session");
}

#[tokio::test]
async fn discord_is_asked_once_a_minute_for_a_person_and_again_after_a_restart() {
    let group = Group::start().await;
    let app = group.app(Timing::default()).await;
    let ann = group.member("Ann", Some("manager"));
    let mut visitor = group.sign_in(&app, &ann).await;
    let asked = || group.discord.count("GET", &format!("/guilds/*/members/{}", ann.id()));
    for _ in 0..5 {
        assert!(visitor.is_signed_in().await);
    }
    assert_eq!(asked(), 0, "the sign-in itself has read the roles");
    // The level was read 61 seconds ago, in another process.
    let past = chrono::Utc::now() - chrono::TimeDelta::seconds(61);
    let home = app.stop().await;
    let mut sql = home.sql().await;
    sql.run(&format!("UPDATE sessions SET level_read_at = '{}'", past.to_rfc3339())).await;
    let app = group.app_in(home, Timing::default()).await;
    visitor = Visitor { cookies: visitor.cookies, ..Visitor::of(&app) };
    group.give_level(&ann, Some("viewer"));
    assert_eq!(visitor.post("/bulk/undo", "[]").await.status, 403, "a level of a minute ago is read again");
    for _ in 0..5 {
        assert!(visitor.is_signed_in().await);
    }
    assert_eq!(asked(), 1);
    assert_eq!(sql.value("SELECT level FROM sessions").await, "viewer");
}

#[tokio::test]
async fn without_roles_in_the_configuration_manage_server_decides() {
    let group = Group::start().await;
    let manages = group.guild.role("Staff", 1 << 5);
    let config = group.config();
    let access = config.split_once("[access]").unwrap().1.split("[sign_in]").next().unwrap();
    let config = config.replace(access, "\n");
    let timing = roms::app::Timing { sign_in: always_ask(), ..crate::support::bot::timing().into() };
    let app = App::start_timed(Home::new(), &config, timing).await;
    let (ann, bob) = (group.discord.user("Ann").with_roles(&[manages]), group.discord.user("Bob"));
    ann.join(&group.guild);
    bob.join(&group.guild);
    let mut visitor = group.sign_in(&app, &ann).await;
    assert_eq!(visitor.get("/state").await.status, 200);
    group.discord.sign_in_as(Some(&bob));
    let reply = Visitor::of(&app).sign_in("/").await;
    assert!(reply.header("location").contains("fault=no_access"), "{:?}", reply.headers);
    ann.clone().with_roles(&[]).join(&group.guild);
    assert!(!visitor.is_signed_in().await);
}

#[tokio::test]
async fn the_live_stream_ends_with_the_level_of_its_person() {
    let group = Group::start().await;
    let app = group.app(always_ask()).await;
    let ann = group.member("Ann", Some("manager"));
    for level in [Some("viewer"), None] {
        let visitor = group.sign_in(&app, &ann).await;
        let cookie = format!("roms={}", visitor.session().unwrap());
        let stream = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut stream = stream.get(app.url("/live/orders")).header("cookie", cookie).send().await.unwrap();
        assert_eq!(stream.status(), 200);
        group.give_level(&ann, level);
        let mut received = String::new();
        // Ends with the body, or with the connection.
        while let Ok(Some(part)) = soon(stream.chunk()).await {
            received.push_str(&String::from_utf8_lossy(&part));
        }
        assert!(received.contains("event: closing"), "{received}");
    }
}
