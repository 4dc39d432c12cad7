//! The way to Discord's REST API: what it brings, how patient it is, and what its errors say.

use std::time::{Duration, Instant};

use roms::config::Token;
use roms::discord::Timing;
use roms::discord::rest::{GatewayBot, PAGE, Rest, RestError};
use serde_json::{Value, json};

use crate::support::discord::permissions::{READ_MESSAGE_HISTORY, VIEW_CHANNEL};
use crate::support::discord::{Discord, Fate, Fault};
use crate::support::edge::{self, id};

const HISTORY: &str = "/channels/*/messages";

fn ids(messages: &[Value]) -> Vec<i64> {
    messages.iter().map(|message| message["id"].as_str().unwrap().parse().unwrap()).collect()
}

#[tokio::test]
async fn the_history_comes_in_pages_oldest_first() {
    let discord = Discord::start().await;
    let channel = discord.guild("Buyers").channel("checkouts");
    let hook = channel.webhook("Refract");
    let posted: Vec<i64> = (0..PAGE + 20).map(|_| id(hook.post(json!({"content": "card"})))).collect();
    let rest = edge::rest(&discord);
    let first = ids(&rest.messages_after(id(channel.id()), 0).await.unwrap());
    assert_eq!(first, posted[..PAGE]);
    let second = ids(&rest.messages_after(id(channel.id()), first[PAGE - 1]).await.unwrap());
    assert_eq!(second, posted[PAGE..]);
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
    assert_eq!(error.to_string(), "403: the bot may not do that (Discord's code 50001)");
    assert_eq!(discord.count("GET", HISTORY), 2, "what is final is not tried again");
}

#[tokio::test]
async fn what_passes_is_waited_out() {
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
async fn what_stays_becomes_an_error_in_time_and_tells_nothing_secret() {
    let cases = [
        (Fault::Status(400), true, "400: Discord refuses the request"),
        (Fault::Status(401), true, "401: Discord does not know the bot's token"),
        (Fault::Status(403), true, "403: the bot may not do that"),
        (Fault::Status(404), true, "404: Discord finds no such thing"),
        (Fault::RateLimited(Duration::from_mins(1)), false, "429: too many requests"),
        (Fault::RateLimitedWithoutDelay, false, "429: too many requests"),
        (Fault::Status(500), false, "500: Discord cannot answer now"),
        (Fault::Status(503), false, "503: Discord cannot answer now"),
        (Fault::Garbage, false, "Discord's answer cannot be read"),
        (Fault::Hang, false, "Discord did not answer in time"),
    ];
    for (fault, is_final, text) in cases {
        let discord = Discord::start().await;
        let channel = discord.guild("Buyers").channel("checkouts");
        discord.fail("GET", HISTORY, fault, usize::MAX);
        let timing = Timing { rest: Duration::from_millis(200), ..edge::timing() };
        let rest = Rest::new(&edge::config(&discord, &[]), &timing).unwrap();
        let began = Instant::now();
        let error = rest.messages_after(id(channel.id()), 0).await.unwrap_err();
        assert!(began.elapsed() < Duration::from_secs(2), "{fault:?} took {:?}", began.elapsed());
        assert_eq!((error.to_string().as_str(), error.is_final()), (text, is_final), "{fault:?}");
        let asked = discord.count("GET", HISTORY);
        assert!(asked == 1 || !is_final, "{fault:?} was asked {asked} times");
        for shown in [format!("{error} {error:?}"), format!("{rest:?}")] {
            assert!(!shown.contains(&discord.token()) && !shown.contains("127.0.0.1"), "{shown}");
        }
    }
}

#[tokio::test]
async fn no_connection_is_waited_out_too() {
    let discord = Discord::start().await;
    let rest = edge::rest(&discord);
    discord.refuse_connections(Fate::Reset).await;
    assert_eq!(rest.me().await, Err(RestError::Unreachable));
    let later = tokio::spawn(async move { rest.me().await });
    tokio::task::yield_now().await;
    discord.accept_connections();
    assert!(later.await.unwrap().is_ok());
}

#[tokio::test]
async fn a_wrong_token_is_known_as_such() {
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
async fn the_bot_knows_itself_and_its_gateway() {
    let discord = Discord::start().await;
    let channel = discord.guild("Buyers").channel("checkouts");
    let rest = edge::rest(&discord);
    let own = rest.own().await.unwrap();
    assert_eq!((own.user, own.application), (id(discord.bot_id()), id(discord.application_id())));
    rest.own().await.unwrap();
    assert_eq!(discord.count("GET", "/users/@me"), 1, "who one is does not change");
    let GatewayBot { url, remaining, .. } = rest.gateway_bot().await.unwrap();
    assert!(url.starts_with("ws://127.0.0.1:") && remaining > 0, "{url} {remaining}");

    rest.post(id(channel.id()), "mine").await.unwrap();
    channel.webhook("Refract").post(json!({"content": "not mine"}));
    let messages = rest.messages_after(id(channel.id()), 0).await.unwrap();
    assert_eq!(messages.iter().map(|message| own.wrote(message)).collect::<Vec<_>>(), [true, false]);
    assert!(discord.unknown_requests().is_empty());
}

#[tokio::test]
async fn a_post_pings_nobody_fits_and_appears_once() {
    let discord = Discord::start().await;
    let channel = discord.guild("Buyers").channel("notices");
    discord.fail("POST", HISTORY, Fault::Status(500), 1);
    edge::rest(&discord).post(id(channel.id()), &"@everyone ü".repeat(500)).await.unwrap();
    let tries: Vec<_> = discord.requests().into_iter().filter(|it| it.is("POST", HISTORY)).collect();
    assert_eq!(tries.len(), 2);
    assert_eq!(tries[0].body, tries[1].body, "the nonce is that of the post, not of the try");
    assert_eq!(tries[0].body["allowed_mentions"], json!({"parse": []}));
    assert_eq!(tries[0].body["enforce_nonce"], true);
    assert!(tries[0].body["nonce"].as_str().is_some_and(|nonce| nonce.len() <= 25));
    assert_eq!(tries[0].body["content"].as_str().unwrap().chars().count(), 2000);
}
