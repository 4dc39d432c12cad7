//! Secrets of a sign-in appear in no log line, error or metric.

use super::{Group, Visitor};
use crate::access::create;
use crate::support::app::ADDRESS;
use crate::support::discord::Fault;
use crate::support::home::Home;
use crate::support::program::Program;

#[tokio::test]
async fn no_cookie_code_token_or_client_secret_is_logged_or_answered() {
    let (group, home) = (Group::start().await, Home::new());
    let admin = create(&home, "admin").await;
    let config = group.config().replace(ADDRESS, "orders.example");
    std::fs::write(home.path().join("config.toml"), config).unwrap();
    let mut serve = home.command(&[]);
    let filter = Home::sqlite().config("").log.filter.to_string();
    let others = filter.split_once(',').unwrap().1;
    serve.env("ROMS__LOG__FILTER", format!("trace,{others}")).env("ROMS__METRICS__ENABLED", "true");
    let program = Program::start_by(serve, home).await;
    group.discord.until_ready().await;
    let mut secrets = vec![group.discord.client_secret(), "canary-refresh".to_owned()];
    let mut answers = String::new();

    let ann = group.member("Ann", Some("manager"));
    group.discord.sign_in_as(Some(&ann));
    let mut visitor = Visitor::at(&program.url);
    for (method, path) in
        [("", ""), ("POST", "/oauth2/token"), ("GET", "/users/@me"), ("GET", "/guilds/*/members")]
    {
        for fault in [Fault::Status(500), Fault::Garbage, Fault::Status(401)] {
            let back = visitor.go_to_discord("/orders").await;
            secrets.extend(visitor.cookies.values().flat_map(|cookie| cookie.split('.').map(str::to_owned)));
            let state = back.split(['=', '&']).max_by_key(|part| part.len()).unwrap();
            secrets.push(state.to_owned());
            if !path.is_empty() {
                group.discord.fail(method, path, fault, 1);
            }
            answers.push_str(&visitor.get(&back).await.text);
            secrets.extend(visitor.session().map(str::to_owned));
            for path in [
                "/orders",
                "/state",
                "/sign-in?fault=canary-fault",
                "/sign-in/discord/callback?code=canary-code",
            ] {
                answers.push_str(&visitor.get(path).await.text);
            }
            group.discord.heal();
        }
    }
    // Until the attempts of the minute are used.
    for n in 0..40 {
        let reply = visitor.sign_in_with(&format!("roms_{n:0>43}")).await;
        answers.push_str(&reply.text);
        if reply.status == 429 {
            break;
        }
        assert!(reply.status == 403 && n < 39, "{}", reply.text);
    }
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let metrics = client.get(format!("{}/metrics", program.url)).bearer_auth(&admin).send().await.unwrap();
    answers.push_str(&metrics.text().await.unwrap());
    assert!(answers.contains("roms_"), "metrics were read");

    secrets.extend(group.discord.issued());
    secrets.push(admin);
    // `/orders` is the page to return to, not a secret.
    secrets.retain(|secret| secret.len() >= 20 && !secret.starts_with('%'));
    assert!(secrets.len() > 30, "{secrets:?}");
    program.signal("TERM");
    let start = program.start_lines.join("\n");
    let end = program.end().await;
    assert_eq!(end.code, Some(0), "{}", end.log);
    for secret in &secrets {
        for text in [&start, &end.log, &answers] {
            let line = text.lines().find(|line| line.contains(secret.as_str()));
            assert_eq!(line, None, "{secret}");
        }
    }
    assert!(!answers.contains("canary") && !end.log.contains("canary"), "another secret");
    assert!(end.log.contains("request refused: discord_unavailable"), "{}", end.log);
}
