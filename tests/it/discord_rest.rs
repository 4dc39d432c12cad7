//! Discord's REST API: responses, retries, timeouts and errors.

use std::time::Duration;

use roms::config::Token;
use roms::discord::Timing;
use roms::discord::rest::{ConnectFailure, GatewayBot, PAGE_SIZE, Rest, RestError};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::support::discord::permissions::{READ_MESSAGE_HISTORY, VIEW_CHANNEL};
use crate::support::discord::{Discord, Fate, Fault};
use crate::support::edge::{self, id};

/// How long anything may take. Most calls of these tests may take a second.
const DEADLINE: Duration = Duration::from_secs(20);

const HISTORY: &str = "/channels/*/messages";

fn ids(messages: &[Value]) -> Vec<i64> {
    messages.iter().map(|message| message["id"].as_str().unwrap().parse().unwrap()).collect()
}

#[tokio::test]
async fn the_history_comes_in_pages_oldest_first() {
    let discord = Discord::start().await;
    let channel = discord.guild("Buyers").channel("checkouts");
    let hook = channel.webhook("Refract");
    let posted: Vec<i64> = (0..PAGE_SIZE + 20).map(|_| id(hook.post(json!({"content": "card"})))).collect();
    let rest = edge::rest(&discord);
    let first = ids(&rest.messages_after(id(channel.id()), 0).await.unwrap());
    assert_eq!(first, posted[..PAGE_SIZE]);
    let second = ids(&rest.messages_after(id(channel.id()), first[PAGE_SIZE - 1]).await.unwrap());
    assert_eq!(second, posted[PAGE_SIZE..]);
    let one = rest.message(id(channel.id()), posted[7]).await.unwrap();
    assert_eq!(ids(&[one]), [posted[7]]);
}

#[tokio::test]
async fn a_forbidden_history_is_final_and_an_unreadable_one_is_empty() {
    let discord = Discord::start().await;
    let channel = discord.guild("Buyers").channel("checkouts");
    channel.webhook("Refract").post(json!({"content": "card"}));
    let rest = edge::rest(&discord);
    channel.deny(READ_MESSAGE_HISTORY);
    assert_eq!(rest.messages_after(id(channel.id()), 0).await, Ok(vec![]));
    channel.deny(VIEW_CHANNEL);
    let error = rest.messages_after(id(channel.id()), 0).await.unwrap_err();
    assert!(matches!(error, RestError::Forbidden(code) if code.get() == Some(50001)), "{error:?}");
    assert_eq!(error.to_string(), "403: the bot may not do that (Discord error code 50001)");
    assert_eq!(discord.count("GET", HISTORY), 2, "final errors are not retried");
}

#[tokio::test]
async fn temporary_errors_are_retried() {
    let faults = [
        Fault::RateLimited(Duration::from_millis(10)),
        Fault::RateLimitedWithoutDelay,
        Fault::Status(500),
        Fault::Status(502),
        Fault::Garbage,
    ];
    for fault in faults {
        let discord = Discord::start().await;
        let channel = discord.guild("Buyers").channel("checkouts");
        channel.webhook("Refract").post(json!({"content": "card"}));
        discord.fail("GET", HISTORY, fault, 3);
        let page = edge::rest(&discord).messages_after(id(channel.id()), 0).await;
        assert_eq!(page.map(|page| page.len()), Ok(1), "{fault:?}");
        assert_eq!(discord.count("GET", HISTORY), 4, "{fault:?}");
    }
}

#[tokio::test]
async fn lasting_errors_are_returned_in_time_without_secrets() {
    let cases = [
        (Fault::Status(400), true, "400: Discord refuses the request"),
        (Fault::Status(401), true, "401: Discord does not know the bot's token"),
        (Fault::Status(403), true, "403: the bot may not do that"),
        (Fault::Status(404), true, "404: Discord finds no such thing"),
        (Fault::RateLimited(Duration::from_mins(1)), false, "429: too many requests"),
        (Fault::RateLimitedWithoutDelay, false, "429: too many requests"),
        (Fault::Status(500), false, "500: Discord has a problem"),
        (Fault::Status(503), false, "503: Discord has a problem"),
        (Fault::Garbage, false, "Discord's response cannot be read"),
        (Fault::Hang, false, "Discord did not answer in time"),
    ];
    for (fault, is_final, text) in cases {
        let discord = Discord::start().await;
        let channel = discord.guild("Buyers").channel("checkouts");
        discord.fail("GET", HISTORY, fault, usize::MAX);
        let timing = Timing { request_timeout: Duration::from_millis(200), ..edge::timing() };
        let rest = Rest::new(&edge::config(&discord, &[]), &timing).unwrap();
        let call = timeout(DEADLINE, rest.messages_after(id(channel.id()), 0));
        let error = call.await.unwrap_or_else(|_| panic!("{fault:?} never ends")).unwrap_err();
        assert_eq!((error.to_string().as_str(), error.is_final()), (text, is_final), "{fault:?}");
        let asked = discord.count("GET", HISTORY);
        assert!(asked == 1 || !is_final, "{fault:?} was asked {asked} times");
        for shown in [format!("{error} {error:?}"), format!("{rest:?}")] {
            assert!(!shown.contains(&discord.token()) && !shown.contains("127.0.0.1"), "{shown}");
        }
    }
}

#[tokio::test]
async fn a_refused_connection_is_retried() {
    let discord = Discord::start().await;
    let rest = edge::rest(&discord);
    discord.refuse_connections(Fate::Reset).await;
    assert_eq!(rest.me().await, Err(RestError::Unreachable(ConnectFailure::Refused)));
    let later = tokio::spawn(async move { rest.me().await });
    tokio::task::yield_now().await;
    discord.accept_connections();
    assert!(later.await.unwrap().is_ok());
}

#[tokio::test]
async fn a_command_fails_at_once_without_a_connection_and_names_the_cause() {
    let discord = Discord::start().await;
    let no_tls = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let no_tls_port = no_tls.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = no_tls.accept().await {
            let mut client_hello = [0; 1024];
            drop(stream.read(&mut client_hello).await);
            drop(stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await);
        }
    });
    for (api_url, cause) in [
        ("http://127.0.0.1:1".to_owned(), ConnectFailure::Refused),
        ("https://no-such-host.invalid".to_owned(), ConnectFailure::Dns),
        (format!("https://127.0.0.1:{no_tls_port}"), ConnectFailure::Tls),
    ] {
        let config = roms::config::Discord { api_url: Some(api_url), ..edge::config(&discord, &[]) };
        let rest = Rest::for_command(&config).unwrap();
        let error = timeout(DEADLINE, rest.me()).await.unwrap().unwrap_err();
        assert_eq!(error, RestError::Unreachable(cause));
    }
}

#[tokio::test]
async fn a_wrong_token_and_a_wrong_url_have_their_own_errors() {
    let discord = Discord::start().await;
    let rest = edge::rest(&discord);
    discord.reset_token();
    assert_eq!(rest.gateway_bot().await, Err(RestError::Unauthorized));
    assert_eq!(discord.count("*", "/"), 1);
    let config = |token: &str| {
        let token = Token::new(token.to_owned());
        roms::config::Discord { token, ..edge::config(&discord, &[]) }
    };
    let error = Rest::new(&config("two\nlines"), &edge::timing()).unwrap_err();
    assert_eq!(error, RestError::Token);
    let error = Rest::new(&config("two\nlines"), &edge::timing()).unwrap_err().to_string();
    assert!(!error.contains("lines"), "{error}");
    let odd = roms::config::Discord { api_url: Some("nowhere".to_owned()), ..config("fine") };
    assert_eq!(Rest::new(&odd, &edge::timing()).unwrap_err(), RestError::ApiUrl);
}

#[tokio::test]
async fn the_bot_asks_for_its_identity_once_and_for_its_gateway() {
    let discord = Discord::start().await;
    let channel = discord.guild("Buyers").channel("checkouts");
    let rest = edge::rest(&discord);
    let identity = rest.identity().await.unwrap();
    assert_eq!((identity.user, identity.application), (id(discord.bot_id()), id(discord.application_id())));
    rest.identity().await.unwrap();
    assert_eq!(discord.count("GET", "/users/@me"), 1, "the ids never change");
    let GatewayBot { url, remaining, .. } = rest.gateway_bot().await.unwrap();
    assert!(url.starts_with("ws://127.0.0.1:") && remaining > 0, "{url} {remaining}");

    rest.post(id(channel.id()), "mine").await.unwrap();
    channel.webhook("Refract").post(json!({"content": "not mine"}));
    let messages = rest.messages_after(id(channel.id()), 0).await.unwrap();
    assert_eq!(messages.iter().map(|message| identity.wrote(message)).collect::<Vec<_>>(), [true, false]);
    assert!(discord.unknown_requests().is_empty());
}

#[tokio::test]
async fn a_post_pings_no_user_is_truncated_and_appears_once() {
    let discord = Discord::start().await;
    let channel = discord.guild("Buyers").channel("notices");
    discord.fail("POST", HISTORY, Fault::Status(500), 1);
    edge::rest(&discord).post(id(channel.id()), &"@everyone ü".repeat(500)).await.unwrap();
    let tries: Vec<_> = discord.requests().into_iter().filter(|it| it.is("POST", HISTORY)).collect();
    assert_eq!(tries.len(), 2);
    assert_eq!(tries[0].body, tries[1].body, "a retry keeps the nonce");
    assert_eq!(tries[0].body["allowed_mentions"], json!({"parse": []}));
    assert_eq!(tries[0].body["enforce_nonce"], true);
    assert!(tries[0].body["nonce"].as_str().is_some_and(|nonce| nonce.len() <= 25));
    assert_eq!(tries[0].body["content"].as_str().unwrap().chars().count(), 2000);
}
