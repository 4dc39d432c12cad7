//! No message text, e-mail address, proxy or token appears in a log or a health answer, whatever
//! fails.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{interval, timeout};

use super::program::home;
use super::stage::{CANARY, card_without_number, odd_card};
use crate::support::bot::card;
use crate::support::discord::{Channel, Discord, Fate, Fault, Webhook};
use crate::support::program::Program;

/// Words of the messages in this scenario. The log does name order numbers, amounts and stores.
const SECRETS: [&str; 4] = [CANARY, "Example Console", "203.0.113.7", "not-a-secret"];

struct Run {
    discord: Discord,
    channel: Channel,
    hook: Webhook,
    program: Program,
    health: Vec<String>,
}

impl Run {
    async fn order(&mut self, number: &str) {
        let url = format!("{}/api/v2/orders/{number}", self.program.url);
        let mut polls = interval(Duration::from_millis(10));
        let stored = async {
            while !reqwest::get(&url).await.unwrap().status().is_success() {
                polls.tick().await;
            }
        };
        timeout(Duration::from_secs(30), stored).await.unwrap_or_else(|_| panic!("no order {number}"));
        let health = self.health().await.to_string();
        self.health.push(health);
    }

    async fn health(&self) -> Value {
        reqwest::get(format!("{}/health", self.program.url)).await.unwrap().json().await.unwrap()
    }

    async fn post(&mut self, number: &str, message: Value) -> u64 {
        let id = self.hook.post(message);
        self.order(number).await;
        id
    }

    /// Sends messages of every kind.
    async fn messages(&mut self) {
        let message = self.post("CANARY-1", card("CANARY-1", "$10.00")).await;
        self.channel.edit(message, card("CANARY-1", "a canary of money"));
        self.channel.edit_partially(message, json!({"content": "canary"}));
        self.channel.delete(message);
        self.hook.post(card_without_number());
        let ann = self.discord.user("canary");
        ann.post(&self.channel, "canary@example.com http://user:canary@203.0.113.7:8000");
        self.hook.draft(card("CANARY-2", "$10.00")).twice().post();
        self.channel.raw(json!({"author": CANARY, "content": CANARY, "embeds": CANARY})).post();
        let odd = odd_card("CANARY-3", &json!({"timestamp": CANARY, "footer": {"icon_url": CANARY}}));
        self.post("CANARY-3", odd).await;
        self.post("CANARY-4", odd_card("CANARY-4", &json!({"color": -1, "thumbnail": {"width": CANARY}})))
            .await;
    }

    /// Sends frames that serenity cannot decode.
    fn frames(&self) {
        let gateway = self.discord.gateway();
        for (kind, data) in [
            ("MESSAGE_CREATE", json!({"id": "x", "channel_id": null, "content": CANARY})),
            ("MESSAGE_UPDATE", json!([CANARY])),
            ("MESSAGE_DELETE", json!({"id": CANARY})),
            ("CANARY", json!({"canary": CANARY})),
            ("MESSAGE_REACTION_ADD", json!({"user_id": CANARY})),
        ] {
            gateway.dispatch(kind, data);
        }
        gateway.send_text("{\"op\": 0, \"t\": \"MESSAGE_CREATE\", \"d\": {\"content\": \"canary\"");
        gateway.send_text("{\"op\": 0, \"t\": \"MESSAGE_CREATE\", \"d\": {\"content\": \"canary\"}}");
        gateway.send_text("{\"op\": 99, \"d\": \"canary\"}");
    }

    /// Lets REST fail in every way.
    async fn rest(&mut self) {
        for (n, fault) in
            [Fault::Status(500), Fault::Forbidden, Fault::Garbage, Fault::RateLimitedWithoutDelay]
                .into_iter()
                .enumerate()
        {
            self.discord.fail("*", "/", fault, 5);
            let number = format!("CANARY-REST-{n}");
            self.post(&number, card(&number, "$10.00")).await;
            self.discord.heal();
        }
    }

    /// Lets the connection fail in several ways.
    async fn connection(&mut self) {
        let gateway = self.discord.gateway();
        let resumes = gateway.resumes();
        gateway.reconnect();
        self.post("CANARY-OP7", card("CANARY-OP7", "$10.00")).await;
        gateway.until_resumes(resumes + 1).await;
        let resumes = gateway.resumes();
        gateway.hang_up();
        self.post("CANARY-CUT", card("CANARY-CUT", "$10.00")).await;
        gateway.until_resumes(resumes + 1).await;
        let handshakes = gateway.handshakes();
        self.discord.refuse_connections(Fate::Ended).await;
        self.hook.post(card("CANARY-AWAY", "$10.00"));
        let mut polls = interval(Duration::from_millis(10));
        let lost = async {
            while self.health().await["checks"]["discord"]["connected"] != false {
                polls.tick().await;
            }
        };
        timeout(Duration::from_secs(30), lost).await.expect("the loss is noticed");
        self.discord.accept_connections();
        gateway.until_handshakes(handshakes + 1).await;
        self.order("CANARY-AWAY").await;
    }
}

/// Everything that a process with this log filter writes and answers.
async fn output(filter: Option<&str>) -> String {
    let discord = Discord::start().await;
    let channel = discord.guild("Buyers").channel("checkouts");
    let hook = channel.webhook("Refract");
    let more = format!("notice_channel = \"{}\"", channel.id());
    let home = home(&discord, &channel, &more);
    if let Some(filter) = filter {
        let path = home.path().join("config.toml");
        let config = std::fs::read_to_string(&path).unwrap();
        std::fs::write(path, format!("{config}\n[log]\nfilter = \"{filter}\"\n")).unwrap();
    }
    hook.post(card("CANARY-OLD", "$10.00"));
    hook.post(odd_card("CANARY-ODD", &json!({"timestamp": CANARY})));
    let program = Program::start_in(home).await;
    let mut run = Run { discord, channel, hook, program, health: Vec::new() };
    run.order("CANARY-OLD").await;
    run.discord.until_ready().await;
    run.messages().await;
    run.rest().await;
    run.frames();
    run.connection().await;
    assert!(run.discord.unknown_requests().is_empty(), "{:?}", run.discord.unknown_requests());
    run.program.signal("TERM");
    let start = run.program.start_lines.join("\n");
    let end = run.program.end().await;
    assert_eq!(end.code, Some(0), "{}", end.log);
    let all = format!("{start}\n{}\n{}", end.log, run.health.join("\n"));
    for secret in SECRETS.iter().copied().chain([&*run.discord.token()]) {
        assert!(!all.contains(secret), "{secret}: {all}");
    }
    all
}

#[tokio::test]
async fn no_message_text_is_logged_with_the_default_filter() {
    let all = output(None).await;
    assert!(all.contains("connected to Discord"), "{all}");
    // Another test proves that the example is the default configuration.
    assert!(include_str!("../../../config.example.toml").contains("serenity::gateway=error"));
}

#[tokio::test]
async fn roms_itself_logs_no_message_text_at_trace_level() {
    let others = "warn,serenity::gateway::ws=error";
    let all = output(Some(&format!("{others},roms=trace"))).await;
    assert!(all.contains("connected to Discord"), "{all}");
}
