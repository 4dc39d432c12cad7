//! Reactions of serenity to failures of the gateway.

use std::{io::ErrorKind, time::Duration};

use serde_json::json;
use serenity::all::{Event, GatewayError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::bot::{Bot, intents};
use crate::support::discord::{Answer, Channel, Discord, Fate, Webhook};

/// The double with a channel.
async fn discord() -> (Discord, Channel, Webhook) {
    let discord = Discord::start().await;
    let channel = discord.guild("Buyers").channel("checkouts");
    let hook = channel.webhook("Refract");
    (discord, channel, hook)
}

fn post(hook: &Webhook, count: usize) -> Vec<u64> {
    (0..count).map(|number| hook.post(json!({"content": number.to_string()}))).collect()
}

/// Breaks the connection so that a RESUME follows, with messages before, during and after. Every message
/// must arrive exactly once.
async fn resumes_after(fault: impl Fn(&Discord)) {
    let (discord, _, hook) = discord().await;
    let mut bot = Bot::ready(&discord).await;
    let mut sent = post(&hook, 20);
    // The RESUME replays what the reset discards, so there is nothing to wait for here.
    fault(&discord);
    sent.extend(post(&hook, 20));
    discord.until_ready().await;
    sent.extend(post(&hook, 20));
    bot.until_all("all messages", |events| (Bot::message_ids(events).len() >= sent.len()).then_some(()))
        .await;
    bot.until_all("each once", |events| (Bot::message_ids(events) == sent).then_some(())).await;
    bot.until("RESUMED", |event| matches!(event, Event::Resumed(_)).then_some(())).await;
    assert_eq!((discord.gateway().identifies(), discord.gateway().resumes()), (1, 1));
}

#[tokio::test]
async fn a_reconnect_request_loses_nothing() {
    resumes_after(|discord| discord.gateway().reconnect()).await;
}

#[tokio::test]
async fn a_resumable_invalid_session_loses_nothing() {
    resumes_after(|discord| discord.gateway().invalidate(true)).await;
}

#[tokio::test]
async fn an_ended_connection_loses_nothing() {
    resumes_after(|discord| discord.gateway().hang_up()).await;
}

#[tokio::test]
async fn a_reset_connection_loses_nothing() {
    resumes_after(|discord| discord.gateway().reset()).await;
}

#[tokio::test]
async fn a_close_frame_loses_nothing() {
    resumes_after(|discord| discord.gateway().close(Some(4000))).await;
}

#[tokio::test]
async fn an_invalid_session_is_followed_by_ready_and_loses_events() {
    let (discord, channel, hook) = discord().await;
    let mut bot = Bot::ready(&discord).await;
    discord.gateway().invalidate(false);
    let missed = hook.post(json!({"content": "missed"}));
    discord.gateway().until_readies(2).await;
    let seen = hook.post(json!({"content": "seen"}));
    bot.until_message(seen).await;
    bot.until_all("two READYs", |events| (Bot::count(events, "READY") == 2).then_some(())).await;
    bot.until_all("one message", |events| (Bot::message_ids(events) == [seen]).then_some(())).await;
    assert_eq!(channel.messages()[0]["id"], missed.to_string());
}

#[tokio::test]
async fn a_forgotten_session_cannot_be_resumed() {
    let (discord, _, _) = discord().await;
    let mut bot = Bot::ready(&discord).await;
    discord.gateway().forget_sessions();
    discord.gateway().hang_up();
    discord.gateway().until_readies(2).await;
    bot.until_all("two READYs", |events| (Bot::count(events, "READY") == 2).then_some(())).await;
    assert_eq!((discord.gateway().identifies(), discord.gateway().resumes()), (2, 1));
}

#[tokio::test]
async fn a_refused_port_opens_again() {
    let (discord, _, hook) = discord().await;
    let mut bot = Bot::ready(&discord).await;
    discord.refuse_connections(Fate::Ended).await;
    assert!(tokio::net::TcpStream::connect(("127.0.0.1", discord.port())).await.is_err());
    hook.post(json!({"content": "missed"}));
    discord.accept_connections();
    discord.until_ready().await;
    bot.until_message(hook.post(json!({"content": "seen"}))).await;
}

#[tokio::test]
async fn heartbeats_are_acknowledged_unless_switched_off() {
    let (discord, _, _) = discord().await;
    discord.gateway().heartbeat_every(Duration::from_millis(200));
    let bot = Bot::ready(&discord).await;
    discord.gateway().until_heartbeats(3).await;
    assert_eq!(discord.gateway().handshakes(), 1);
    discord.gateway().acknowledges(false);
    discord.gateway().until_gone().await;
    discord.gateway().acknowledges(true);
    discord.gateway().until_readies(2).await;
    drop(bot);
}

#[tokio::test]
async fn an_ended_connection_is_not_reset() {
    let (discord, _, _) = discord().await;
    for (fate, expected) in [(Fate::Ended, Ok(0)), (Fate::Reset, Err(ErrorKind::ConnectionReset))] {
        let mut stream =
            tokio::net::TcpStream::connect(("127.0.0.1", discord.port())).await.expect("an open port");
        let handshake = "GET /?v=10 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
            Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
        stream.write_all(handshake.as_bytes()).await.expect("sent");
        let mut received = Vec::new();
        while !String::from_utf8_lossy(&received).contains("heartbeat_interval") {
            stream.read_buf(&mut received).await.expect("HELLO");
        }
        match fate {
            Fate::Ended => discord.gateway().hang_up(),
            _ => discord.gateway().reset(),
        }
        let mut rest = Vec::new();
        assert_eq!(stream.read_to_end(&mut rest).await.map_err(|error| error.kind()).map(|_| 0), expected);
    }
}

#[tokio::test]
async fn a_stalled_connection_is_replaced() {
    let (discord, _, hook) = discord().await;
    discord.gateway().heartbeat_every(Duration::from_millis(200));
    let mut bot = Bot::ready(&discord).await;
    discord.gateway().stall();
    hook.post(json!({"content": "missed"}));
    discord.gateway().until_readies(2).await;
    let seen = hook.post(json!({"content": "seen"}));
    bot.until_message(seen).await;
    bot.until_all("one message", |events| (Bot::message_ids(events) == [seen]).then_some(())).await;
}

#[tokio::test]
async fn a_black_hole_accepts_connections_and_never_answers() {
    let (discord, _, _) = discord().await;
    discord.gateway().black_hole(true);
    let bot = Bot::start(&discord, &discord.token(), intents()).await;
    discord.gateway().until_handshakes(1).await;
    assert_eq!((discord.gateway().is_ready(), discord.gateway().identifies()), (false, 0));
    drop(bot);
}

#[tokio::test]
async fn an_unknown_token_is_refused() {
    let (discord, _, _) = discord().await;
    let bot = Bot::start(&discord, "no-such-token", intents()).await;
    let error = bot.end().await.expect_err("4004");
    assert!(matches!(error, serenity::Error::Gateway(GatewayError::InvalidAuthentication)), "{error:?}");
}

#[tokio::test]
async fn message_content_must_be_switched_on_in_the_portal() {
    let (discord, _, _) = discord().await;
    discord.allow_message_content(false);
    let bot = Bot::start(&discord, &discord.token(), intents()).await;
    let error = bot.end().await.expect_err("4014");
    assert!(matches!(error, serenity::Error::Gateway(GatewayError::DisallowedGatewayIntents)), "{error:?}");
}

#[tokio::test]
async fn an_identify_can_be_answered_in_any_way() {
    let (discord, _, _) = discord().await;
    discord.gateway().at_identify(&[Answer::HangUp, Answer::Close(4013)]);
    let bot = Bot::start(&discord, &discord.token(), intents()).await;
    let error = bot.end().await.expect_err("4013");
    assert!(matches!(error, serenity::Error::Gateway(GatewayError::InvalidGatewayIntents)), "{error:?}");
    assert_eq!(discord.gateway().identifies(), 2);
}
