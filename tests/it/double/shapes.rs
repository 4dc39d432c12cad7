//! The double refuses the answers and commands that Discord would refuse.

use serde_json::{Value, json};

use crate::support::discord::interactions::Interaction;
use crate::support::discord::{Channel, Discord, User};

struct Place {
    discord: Discord,
    channel: Channel,
    ann: User,
}

impl Place {
    async fn new() -> Self {
        let discord = Discord::start().await;
        let channel = discord.guild("Buyers").channel("checkouts");
        let ann = discord.user("Ann");
        Self { discord, channel, ann }
    }

    /// Sends a body as the bot, and returns the status of the answer.
    async fn send(&self, method: reqwest::Method, path: &str, body: &Value) -> u16 {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("{}/api/v10{path}", self.discord.api_url());
        let request =
            client.request(method, url).header("Authorization", format!("Bot {}", self.discord.token()));
        request.json(body).send().await.unwrap().status().as_u16()
    }

    async fn answer(&self, asked: &Interaction, body: &Value) -> u16 {
        let path = format!("/interactions/{}/{}/callback", asked.id(), asked.token());
        self.send(reqwest::Method::POST, &path, body).await
    }

    async fn follow_up(&self, asked: &Interaction, body: &Value) -> u16 {
        let path = format!("/webhooks/{}/{}", self.discord.application_id(), asked.token());
        self.send(reqwest::Method::POST, &path, body).await
    }

    async fn edit(&self, asked: &Interaction, body: &Value) -> u16 {
        let path =
            format!("/webhooks/{}/{}/messages/@original", self.discord.application_id(), asked.token());
        self.send(reqwest::Method::PATCH, &path, body).await
    }

    fn slash(&self) -> Interaction {
        self.ann.slash(&self.channel, "order", json!([]))
    }

    /// The last violation, or an empty text.
    fn last_violation(&self) -> String {
        self.discord.violations().pop().unwrap_or_default()
    }
}

fn button(custom_id: &str) -> Value {
    json!({"type": 2, "style": 2, "label": "x", "custom_id": custom_id})
}

fn rows(parts: &[Value]) -> Value {
    json!([{"type": 1, "components": parts}])
}

fn select(values: &[&str]) -> Value {
    let options: Vec<Value> = values.iter().map(|value| json!({"label": "x", "value": value})).collect();
    json!({"type": 3, "custom_id": "s", "options": options})
}

#[tokio::test]
async fn an_invalid_message_is_refused_and_recorded() {
    let place = Place::new().await;
    let cases = [
        (json!({"content": 7}), "/data/content: 7 is not of type"),
        (json!({"content": "x".repeat(2001)}), "longer than 2000"),
        (json!({"content": "x", "flags": "64"}), "/data/flags"),
        (json!({"embeds": [{"color": 0x100_0000, "title": "x"}]}), "/data/embeds/0/color"),
        (json!({"embeds": [{"fields": [{"name": "x"}]}]}), "\"value\" is a required property"),
        (json!({"embeds": [{"color": 1}]}), "embeds.description: This field is required"),
        (json!({"embeds": [{"title": "x", "url": "javascript:alert(1)"}]}), "Scheme \"javascript\""),
        (json!({"embeds": [{"title": "x", "url": "attachment://a.png"}]}), "Scheme \"attachment\""),
        (json!({"embeds": [{"thumbnail": {"url": "https://"}}]}), "well formed"),
        (json!({"embeds": [{"title": "x", "timestamp": "today"}]}), "date-time"),
        (json!({"content": "x", "components": rows(&[button("a"), button("a")])}), "cannot be duplicated: a"),
        (json!({"content": "x", "components": rows(&[select(&["a", "a"])])}), "already used"),
        (json!({"content": "x", "components": rows(&[select(&["a"]), button("b")])}), "too wide"),
        (
            json!({"content": "x", "components": rows(&[json!({"type": 2, "style": 2, "label": "x"})])}),
            "custom_id",
        ),
        (
            json!({"content": "x", "components": rows(&[json!({"type": 2, "style": 9, "custom_id": "x"})])}),
            "/style",
        ),
        (
            json!({"content": "x", "components": rows(&[json!({"type": 2, "style": 2, "custom_id": "x"})])}),
            "label or emoji",
        ),
        (json!({"content": "x", "components": vec![rows(&[button("a")])[0].clone(); 6]}), "5 or fewer"),
        (json!({"content": "x", "allowed_mentions": {"parse": ["nobody"]}}), "/data/allowed_mentions"),
        (json!({"content": "x", "attachments": [{"filename": "a"}]}), "\"id\" is a required property"),
        (json!({"content": " "}), "empty message"),
    ];
    for (data, why) in &cases {
        let asked = place.slash();
        assert_eq!(place.answer(&asked, &json!({"type": 4, "data": data})).await, 400, "{data}");
        assert!(place.last_violation().contains(why), "{data}: {}", place.last_violation());
        assert_eq!(asked.callback_so_far(), None);
    }
    assert_eq!(place.discord.violations().len(), cases.len());

    // Follow-ups are checked too.
    let asked = place.slash();
    let (wrong, right) =
        (json!({"content": 7}), json!({"content": "seven", "flags": 64, "attachments": [{"id": 0}]}));
    assert_eq!(place.follow_up(&asked, &right).await, 404, "nothing was said yet");
    assert_eq!(place.answer(&asked, &json!({"type": 5, "data": {"flags": 64}})).await, 204);
    for body in [&wrong, &json!({"content": ""})] {
        assert_eq!(place.edit(&asked, body).await, 400, "{body}");
        assert_eq!(place.follow_up(&asked, body).await, 400, "{body}");
    }
    assert_eq!(place.edit(&asked, &right).await, 200);
    assert_eq!(place.follow_up(&asked, &right).await, 200);
    assert_eq!(place.discord.violations().len(), cases.len() + 5);
    assert_eq!(asked.replies().len(), 2);
}

#[tokio::test]
async fn an_answer_must_fit_its_interaction() {
    let place = Place::new().await;
    let (channel, ann) = (&place.channel, &place.ann);
    let asked = place.slash();
    let page = json!({"type": 4, "data": {"content": "x", "components": rows(&[button("a")])}});
    assert_eq!(place.answer(&asked, &page).await, 204);
    assert_eq!(place.answer(&asked, &page).await, 400, "once only");
    assert_eq!(place.discord.violations().len(), 1);
    let shown = asked.answer().await.message;

    let choices = json!({"type": 8, "data": {"choices": [{"name": "x", "value": "x"}]}});
    let input =
        json!({"type": 4, "custom_id": "i", "style": 1, "label": "x", "value": "abc", "max_length": 3});
    let modal = json!({"type": 9, "data": {"custom_id": "m", "title": "x", "components": rows(&[input])}});
    let (update, thinking) = (json!({"type": 7, "data": {"content": "y"}}), json!({"type": 5}));
    let command = || place.slash();
    let typing = || ann.autocomplete(channel, "order", json!([]));
    let press = || ann.press(channel, shown, "a");
    let sent = || ann.submit(channel, None, "m", &[]);
    let sent_from_message = || ann.submit(channel, Some(shown), "m", &[]);
    for (asked, body, status) in [
        (command(), &choices, 400),
        (command(), &update, 400),
        (command(), &modal, 204),
        (typing(), &thinking, 400),
        (typing(), &page, 400),
        (typing(), &choices, 204),
        (press(), &choices, 400),
        (press(), &modal, 204),
        (press(), &update, 204),
        (sent(), &modal, 400),
        (sent(), &update, 400),
        (sent(), &thinking, 204),
        (sent_from_message(), &update, 204),
        (sent_from_message(), &modal, 400),
        (command(), &json!({"type": 3}), 400),
    ] {
        assert_eq!(place.answer(&asked, body).await, status, "{asked:?} {body}");
    }
    let longer =
        json!({"type": 4, "custom_id": "i", "style": 1, "label": "x", "value": "abc", "max_length": 2});
    let mut wrong = modal.clone();
    wrong["data"]["components"] = rows(&[longer]);
    assert_eq!(place.answer(&command(), &wrong).await, 400);
    wrong["data"]["components"] = rows(&[button("a")]);
    assert_eq!(place.answer(&command(), &wrong).await, 400);
}

#[tokio::test]
async fn commands_are_checked_against_the_schema() {
    let place = Place::new().await;
    let path = format!(
        "/applications/{}/guilds/{}/commands",
        place.discord.application_id(),
        place.channel.guild_id()
    );
    let command = |more: Value| {
        let mut command = json!({"name": "order", "description": "x", "type": 1, "contexts": [0]});
        command.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!([command])
    };
    for (more, status) in [
        (json!({"default_member_permissions": "32"}), 200),
        (json!({"default_member_permissions": "many"}), 400),
        (json!({"contexts": ["guild"]}), 400),
        (json!({"type": 9}), 400),
        (json!({"options": [{"type": 3, "name": "number"}]}), 400),
        (json!({"options": [{"type": 3, "name": "number", "description": "x", "autocomplete": true}]}), 200),
    ] {
        let body = command(more);
        assert_eq!(place.send(reqwest::Method::PUT, &path, &body).await, status, "{body}");
    }
    assert_eq!(place.discord.violations().len(), 4);
}

#[tokio::test]
async fn an_edit_keeps_the_named_files_or_all_if_none_is_named() {
    let place = Place::new().await;
    let asked = place.slash();
    assert_eq!(place.answer(&asked, &json!({"type": 5})).await, 204);
    let file = reqwest::multipart::Part::bytes(b"png".to_vec()).file_name("chart.png");
    let body = json!({"content": "sums", "attachments": [{"id": 0, "filename": "chart.png"}]});
    let form = reqwest::multipart::Form::new().text("payload_json", body.to_string()).part("files[0]", file);
    let path = format!("webhooks/{}/{}/messages/@original", place.discord.application_id(), asked.token());
    let url = format!("{}/api/v10/{path}", place.discord.api_url());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    assert_eq!(client.patch(url).multipart(form).send().await.unwrap().status(), 200);
    let names = async || asked.answer().await.files.into_iter().map(|file| file.name).collect::<Vec<_>>();
    assert_eq!(names().await, ["chart.png"]);
    assert_eq!(place.edit(&asked, &json!({"content": "the same sums"})).await, 200);
    assert_eq!(names().await, ["chart.png"]);
    assert_eq!(place.edit(&asked, &json!({"content": "no sums", "attachments": []})).await, 200);
    assert!(names().await.is_empty());
    assert_eq!(asked.answer().await.value["attachments"], json!([]));
    assert_eq!(place.discord.violations(), Vec::<String>::new());
}
