//! Discord refuses the bot for good, or cannot be reached: ROMS says why, and stops or continues.

use std::time::Duration;

use roms::discord::Timing;

use super::stage::{Stage, watched};
use crate::support::bot::{card, timing};
use crate::support::discord::Fate;

/// Whether the token is wrong or the intent is off, and what the error must name.
const CASES: [(bool, &str); 2] = [(true, "discord.token"), (false, "Message Content Intent")];

async fn refused(bad_token: bool, required: bool) -> Stage {
    let mut stage = Stage::before(|_, config| config.required = required).await;
    if bad_token {
        let config = watched(&mut stage.bot.config);
        config.token = roms::config::Token::new("MTIz.wrong.token".to_owned());
    } else {
        stage.discord.allow_message_content(false);
    }
    stage.start().await;
    stage
}

#[tokio::test]
async fn an_unreachable_discord_is_logged_at_once_and_watched_as_soon_as_it_answers() {
    let mut stage = Stage::before(|_, _| {}).await;
    stage.discord.refuse_connections(Fate::Reset).await;
    // A call is repeated for a minute before it fails.
    let timing = Timing { request_timeout: Duration::from_mins(1), ..timing() };
    stage.bot.start_again(timing).await;
    let line = "Discord cannot be reached: the connection was refused; ROMS keeps trying";
    stage.until_log(line).await;
    stage.discord.accept_connections();
    stage.until_listening().await;
    assert_eq!(stage.log.count("Discord cannot be reached"), 1, "{}", stage.log.text());
    stage.end().await;
}

#[tokio::test]
async fn a_refused_bot_stops_roms_if_discord_is_required() {
    for (bad_token, cure) in CASES {
        let mut stage = refused(bad_token, true).await;
        let error = stage.bot.ended().await.unwrap_err().to_string();
        assert!(error.contains("Discord refused") && error.contains(cure), "{error}");
        stage.end().await;
    }
}

#[tokio::test]
async fn a_token_reset_while_connected_stops_roms_too() {
    let mut stage = Stage::with(|_, config| config.required = true).await;
    stage.discord.reset_token();
    stage.discord.gateway().close(Some(4004));
    let error = stage.bot.ended().await.unwrap_err().to_string();
    assert!(error.contains("discord.token"), "{error}");
    stage.end().await;
}

#[tokio::test]
async fn roms_continues_with_http_if_discord_is_not_required() {
    for (bad_token, cure) in CASES {
        let stage = refused(bad_token, false).await;
        let health = stage
            .bot
            .until("/health", "it has given up", |health| health["checks"]["discord"]["given_up"].is_string())
            .await;
        assert_eq!(health["status"], "degraded");
        assert_eq!(health["checks"]["discord"]["connected"], false);
        let given_up = health["checks"]["discord"]["given_up"].as_str().unwrap();
        assert!(given_up.contains(cure), "{given_up}");
        assert_eq!(stage.log.count("continuing with HTTP only"), 1, "{}", stage.log.text());
        let path = format!("{}/api/v2/webhooks/orders", stage.bot.url());
        let answer = reqwest::Client::new().post(path).json(&card("HTTP-1", "$10.00")).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert!(stage.bot.order("HTTP-1").await.is_some());
        let handshakes = stage.discord.gateway().handshakes();
        assert!(handshakes <= 1, "{handshakes} tries");
        stage.end().await;
    }
}
