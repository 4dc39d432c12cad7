//! The gateway supervisor stays connected through every kind of failure.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use roms::config::{Discord as Config, Token};
use roms::discord::gateway::{FatalError, Supervisor};
use roms::discord::rest::Rest;
use roms::discord::{Event, Timing};
use roms::feed::Feed;
use roms::ingest::Ingest;
use roms::status::StatusBoard;
use roms::store::Store;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::support::discord::{Answer, Discord, Fate, Fault, Webhook};
use crate::support::home::Home;

/// How long anything may take, serenity's own waits of five seconds included.
const DEADLINE: Duration = Duration::from_secs(40);

/// How long a stop may take while serenity hangs: `close_timeout`, with room for a busy machine. A
/// stop that waits for serenity never ends.
const STOP_DEADLINE: Duration = Duration::from_secs(15);

/// A bot that only receives events.
struct Bot {
    events: mpsc::UnboundedReceiver<Event>,
    status: StatusBoard,
    store: Store,
    stop: CancellationToken,
    running: JoinHandle<Result<(), FatalError>>,
}

impl Bot {
    fn start(discord: &Discord, store: Store) -> Self {
        let config = Config {
            token: Token::new(discord.token()),
            api_url: Some(discord.api_url()),
            guilds: Vec::new(),
            required: true,
            notice_channel: None,
            channels: Vec::new(),
        };
        let timing = Timing {
            ready_timeout: Duration::from_secs(7),
            silence_timeout: Duration::from_secs(8),
            poll_interval: Duration::from_millis(100),
            reconnect_delay: Duration::from_millis(100),
            max_reconnect_delay: Duration::from_secs(1),
            request_timeout: Duration::from_secs(5),
            close_timeout: Duration::from_secs(1),
            ..Timing::default()
        };
        discord.gateway().heartbeat_every(Duration::from_secs(1));
        discord.wait_at_most(DEADLINE);
        let (sender, events) = mpsc::unbounded_channel();
        let (status, stop) = (StatusBoard::default(), CancellationToken::new());
        let supervisor = Supervisor {
            rest: Rest::new(&config, &timing).unwrap(),
            config,
            timing,
            store: store.clone(),
            ingest: Ingest::start(store.clone(), Feed::new(1), Home::new().config("").orders).0,
            status: status.clone(),
            on_event: Arc::new(move |event| drop(sender.send(event))),
        };
        let stopped = stop.clone();
        let running = tokio::spawn(async move { supervisor.run(stopped).await });
        Self { events, status, store, stop, running }
    }

    /// Waits for an event for which `look` returns a value. Skips the others.
    async fn until<T>(&mut self, what: &str, look: impl Fn(&Event) -> Option<T>) -> T {
        let waiting = async {
            loop {
                let event = self.events.recv().await.expect("a bot that runs");
                if let Some(found) = look(&event) {
                    return found;
                }
            }
        };
        timeout(DEADLINE, waiting).await.unwrap_or_else(|_| panic!("no {what} in time"))
    }

    async fn until_ready(&mut self) {
        self.until("READY", |event| matches!(event, Event::Ready).then_some(())).await;
    }

    /// Waits for a session. It is new or resumed, depending on how fast the gateway is found again.
    async fn until_session(&mut self) {
        let is_one = |event: &Event| matches!(event, Event::Ready | Event::Resumed).then_some(());
        self.until("READY or RESUMED", is_one).await;
    }

    /// Posts until a message arrives. The bot can miss messages sent right after READY.
    async fn until_receiving(&mut self, hook: &Webhook) {
        let mut again = interval(Duration::from_millis(100));
        loop {
            tokio::select! {
                _ = again.tick() => { hook.post(json!({"content": "card"})); }
                () = self.until("message", |event| matches!(event, Event::Created(_)).then_some(())) => return,
            }
        }
    }

    /// Waits for a message.
    async fn until_message(&mut self, id: u64) {
        let id = id.to_string();
        let is_it = |event: &Event| matches!(event, Event::Created(it) if it["id"] == id);
        self.until("message", |event| is_it(event).then_some(())).await;
    }

    /// Waits until exactly `times` IDENTIFYs are counted.
    async fn until_identifies(&self, times: u64) {
        let (mut polls, hour_ago) = (interval(Duration::from_millis(50)), Utc::now() - TimeDelta::hours(1));
        let counted = async {
            while self.store.identifies_since(hour_ago).await.unwrap() != times {
                polls.tick().await;
            }
        };
        timeout(DEADLINE, counted).await.unwrap_or_else(|_| panic!("not {times} IDENTIFYs"));
    }

    /// Waits until the supervisor reports the connection, or its loss.
    async fn until_connected(&self, connected: bool) {
        let mut polls = interval(Duration::from_millis(20));
        let reported = async {
            while self.status.snapshot().connected != connected {
                polls.tick().await;
            }
        };
        timeout(DEADLINE, reported).await.unwrap_or_else(|_| panic!("connected is not {connected}"));
    }

    /// Stops the bot and returns its result.
    async fn stop(self) -> Result<(), FatalError> {
        self.stop.cancel();
        self.end().await
    }

    async fn end(self) -> Result<(), FatalError> {
        timeout(DEADLINE, self.running).await.expect("an end").unwrap()
    }
}

async fn store() -> (Home, Store) {
    let home = Home::new();
    let store = Store::open(&home.url()).await.unwrap();
    (home, store)
}

/// The double, a webhook, and a bot that receives what the webhook posts.
async fn connected() -> (Discord, Webhook, Bot, Home) {
    let discord = Discord::start().await;
    let hook = discord.guild("Buyers").channel("checkouts").webhook("Refract");
    let (home, store) = store().await;
    let mut bot = Bot::start(&discord, store);
    bot.until_ready().await;
    bot.until_receiving(&hook).await;
    (discord, hook, bot, home)
}

/// Runs a future, and checks that timers of this runtime are never late meanwhile: serenity must not
/// be able to block it. The measured time is the assertion here.
async fn without_a_stall<T>(doing: impl Future<Output = T>) -> T {
    let (mut ticks, mut last) = (interval(Duration::from_millis(10)), Instant::now());
    tokio::pin!(doing);
    loop {
        tokio::select! {
            done = &mut doing => return done,
            _ = ticks.tick() => {
                assert!(last.elapsed() < Duration::from_secs(1), "stalled for {:?}", last.elapsed());
                last = Instant::now();
            }
        }
    }
}

/// Causes a failure after which the bot resumes its session and misses nothing.
async fn resumes_after(fault: impl Fn(&Discord)) {
    let (discord, hook, mut bot, _home) = connected().await;
    fault(&discord);
    let missed = hook.post(json!({"content": "missed"}));
    bot.until_message(missed).await;
    bot.until("RESUMED", |event| matches!(event, Event::Resumed).then_some(())).await;
    assert_eq!((discord.gateway().identifies(), discord.gateway().resumes()), (1, 1));
    bot.stop().await.unwrap();
    discord.gateway().until_gone().await;
}

#[tokio::test]
async fn a_reconnect_request_is_followed() {
    resumes_after(|discord| discord.gateway().reconnect()).await;
}

#[tokio::test]
async fn a_resumable_invalid_session_is_resumed() {
    resumes_after(|discord| discord.gateway().invalidate(true)).await;
}

#[tokio::test]
async fn a_cut_connection_is_resumed() {
    resumes_after(|discord| discord.gateway().reset()).await;
}

#[tokio::test]
async fn an_invalid_session_is_followed_by_a_new_one() {
    let (discord, hook, mut bot, _home) = connected().await;
    discord.gateway().invalidate(false);
    bot.until_ready().await;
    bot.until_receiving(&hook).await;
    bot.until_identifies(2).await;
    bot.until_connected(true).await;
    bot.stop().await.unwrap();
}

#[tokio::test]
async fn the_bot_reconnects_after_refused_connections() {
    let (discord, hook, mut bot, _home) = connected().await;
    discord.refuse_connections(Fate::Reset).await;
    without_a_stall(bot.until_connected(false)).await;
    discord.accept_connections();
    without_a_stall(bot.until_session()).await;
    bot.until_receiving(&hook).await;
    bot.stop().await.unwrap();
}

#[tokio::test]
async fn a_gateway_without_heartbeat_acknowledgements_is_replaced() {
    let (discord, hook, mut bot, _home) = connected().await;
    discord.gateway().acknowledges(false);
    discord.gateway().until_gone().await;
    discord.gateway().acknowledges(true);
    without_a_stall(bot.until_session()).await;
    bot.until_receiving(&hook).await;
    bot.stop().await.unwrap();
}

#[tokio::test]
async fn a_gateway_that_accepts_and_never_answers_is_replaced() {
    let (discord, hook, mut bot, _home) = connected().await;
    discord.gateway().black_hole(true);
    discord.gateway().hang_up();
    // The second handshake hangs forever. The third is that of the replaced client.
    without_a_stall(discord.gateway().until_handshakes(3)).await;
    discord.gateway().black_hole(false);
    without_a_stall(bot.until_session()).await;
    bot.until_receiving(&hook).await;
    bot.stop().await.unwrap();
}

#[tokio::test]
async fn repeatedly_invalid_sessions_cause_no_hot_loop() {
    let (discord, hook, mut bot, _home) = connected().await;
    discord.gateway().at_resume(&[Answer::InvalidSession(true); 1000]);
    discord.gateway().reconnect();
    without_a_stall(bot.until_ready()).await;
    bot.until_receiving(&hook).await;
    assert!(discord.gateway().resumes() < 12, "{} RESUMEs", discord.gateway().resumes());
    bot.until_identifies(2).await;
    bot.stop().await.unwrap();
}

#[tokio::test]
async fn identifies_stay_below_twenty_an_hour_across_restarts() {
    let (discord, (_home, store)) = (Discord::start().await, store().await);
    let now = Utc::now();
    for _ in 0..16 {
        store.note_identify(now - TimeDelta::minutes(50), now - TimeDelta::hours(1)).await.unwrap();
    }
    discord.gateway().at_identify(&[Answer::InvalidSession(false); 1000]);
    let bot = Bot::start(&discord, store.clone());
    discord.gateway().until_identifies(3).await;
    // serenity would identify again within five seconds.
    assert!(timeout(Duration::from_secs(7), discord.gateway().until_identifies(4)).await.is_err());
    bot.until_identifies(19).await;
    bot.stop().await.unwrap();

    let handshakes = discord.gateway().handshakes();
    let again = Bot::start(&discord, store);
    let asked = discord.count("GET", "/gateway/bot");
    discord.until_requests("GET", "/gateway/bot", asked + 1).await;
    assert!(
        timeout(Duration::from_secs(1), discord.gateway().until_handshakes(handshakes + 1)).await.is_err()
    );
    again.stop().await.unwrap();
}

#[tokio::test]
async fn discords_session_limit_is_checked_before_connecting() {
    let (discord, (_home, store)) = (Discord::start().await, store().await);
    discord.gateway().set_start_limit(3, Duration::from_millis(300));
    let mut bot = Bot::start(&discord, store);
    discord.until_requests("GET", "/gateway/bot", 2).await;
    assert_eq!(discord.gateway().handshakes(), 0);
    discord.gateway().set_start_limit(1000, Duration::ZERO);
    bot.until_ready().await;
    bot.stop().await.unwrap();
}

/// The result of a bot that Discord refuses.
async fn end_after(refuse: impl Fn(&Discord)) -> Result<(), FatalError> {
    let (discord, (_home, store)) = (Discord::start().await, store().await);
    refuse(&discord);
    Bot::start(&discord, store).end().await
}

#[tokio::test]
async fn a_refused_token_is_fatal_and_the_error_says_how_to_fix_it() {
    let by_gateway = |discord: &Discord| discord.gateway().at_identify(&[Answer::Close(4004)]);
    assert_eq!(end_after(by_gateway).await, Err(FatalError::BadToken));
    let by_rest = |discord: &Discord| discord.fail("GET", "/gateway/bot", Fault::Status(401), 9);
    assert_eq!(end_after(by_rest).await, Err(FatalError::BadToken));
    assert!(FatalError::BadToken.to_string().contains("Bot → Reset Token"));
}

#[tokio::test]
async fn a_missing_intent_is_fatal_and_the_error_says_how_to_fix_it() {
    assert_eq!(
        end_after(|discord| discord.allow_message_content(false)).await,
        Err(FatalError::MissingIntent)
    );
    let unknown = |discord: &Discord| discord.gateway().at_identify(&[Answer::Close(4013)]);
    assert_eq!(end_after(unknown).await, Err(FatalError::MissingIntent));
    assert!(FatalError::MissingIntent.to_string().contains("Message Content Intent"));
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_serenity_that_hangs() {
    let (discord, _, bot, _home) = connected().await;
    discord.gateway().stall();
    timeout(STOP_DEADLINE, bot.stop()).await.expect("the stop is not delayed").unwrap();
}

#[tokio::test]
async fn a_message_that_serenity_cannot_decode_still_arrives() {
    let (discord, _, mut bot, _home) = connected().await;
    let odd = json!({"id": "5", "channel_id": "7", "embeds": [{"fields": null}]});
    discord.gateway().dispatch("MESSAGE_CREATE", odd.clone());
    let same = |event: &Event| matches!(event, Event::Created(it) if *it == odd).then_some(());
    bot.until("the odd message", same).await;
    let gone = json!({"channel_id": "7", "ids": ["5", "6"]});
    discord.gateway().dispatch("MESSAGE_DELETE_BULK", gone);
    let deleted = |event: &Event| match event {
        Event::Deleted { channel, messages } => Some((*channel, messages.clone())),
        _ => None,
    };
    assert_eq!(bot.until("the deletion", deleted).await, (7, vec![5, 6]));
    bot.stop().await.unwrap();
}
