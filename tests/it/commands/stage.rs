//! The start of every scenario: ROMS, a fake Discord, and a user of each access level.

use std::collections::BTreeSet;
use std::ops::Deref;

use roms::config::Access;
use roms::order::Order;
use serde_json::{Value, json};

use crate::support::bot::card;
use crate::support::discord::User;
use crate::support::discord::interactions::{Interaction, Reply};
use crate::watching::stage::{Stage as Watching, id};

/// The credentials in the proxy of every card. No answer and no file may contain them.
const CREDENTIALS: &str = "user:canary";

/// The permission Manage Server.
const MANAGE_SERVER: u64 = 1 << 5;

/// The flag of a message that only the caller sees.
pub(super) const PRIVATE: u64 = 64;

/// A [`Watching`] stage with a user of each access level.
pub(super) struct Stage {
    watching: Watching,
    /// Has the viewer role.
    pub(super) viewer: User,
    /// Has the manager role.
    pub(super) manager: User,
    /// Is named in the configuration by their user id.
    pub(super) admin: User,
    /// Is not in the configuration.
    pub(super) guest: User,
    /// Is not in the configuration, but has Manage Server.
    pub(super) owner: User,
    /// The roles of viewers, managers and admins.
    pub(super) roles: [u64; 3],
}

impl Deref for Stage {
    type Target = Watching;

    fn deref(&self) -> &Watching {
        &self.watching
    }
}

impl Stage {
    /// ROMS is running and connected.
    pub(super) async fn new() -> Self {
        let mut stage = Self::before().await;
        stage.begin().await;
        stage
    }

    /// ROMS is not running yet.
    pub(super) async fn before() -> Self {
        let mut watching = Watching::before(|_, _| {}).await;
        let (discord, guild) = (&watching.discord, &watching.guild);
        let roles = ["Buyers", "Shift leads", "Owners"].map(|name| guild.role(name, 0));
        let person = |name: &str, roles: &[u64]| discord.user(name).with_roles(roles);
        let [viewer, manager, admin, guest, owner] = [
            person("Vera", &roles[..1]),
            person("Mona", &roles[1..2]),
            person("Ada", &[]),
            person("Gus", &[]),
            person("Otto", &[]).with_permissions(MANAGE_SERVER),
        ];
        watching.bot.config.access = Access {
            viewer: vec![id(roles[0])],
            manager: vec![id(roles[1])],
            admin: vec![id(roles[2]), id(admin.id())],
        };
        Self { watching, viewer, manager, admin, guest, owner, roles }
    }

    /// Starts ROMS.
    pub(super) async fn begin(&mut self) {
        self.watching.start().await;
        self.watching.until_listening().await;
    }

    /// The configuration for the next start.
    pub(super) fn config(&mut self) -> &mut roms::config::Config {
        &mut self.watching.bot.config
    }

    /// Stops ROMS, changes its configuration and starts it again.
    pub(super) async fn restart_with(&mut self, change: impl FnOnce(&mut roms::config::Config)) {
        self.watching.bot.stop().await.unwrap();
        change(self.config());
        self.watching.start().await;
        self.watching.until_listening().await;
    }

    /// Posts a card, and waits for its order.
    pub(super) async fn order(&self, number: &str, price: &str) -> Order {
        self.order_of(number, card(number, price)).await
    }

    /// Posts this card, and waits for its order.
    pub(super) async fn order_of(&self, number: &str, card: Value) -> Order {
        self.hook.post(card);
        self.bot.until_order(number, |_| true).await
    }

    /// Uses a slash command with text options.
    pub(super) fn slash(&self, user: &User, name: &str, options: &[(&str, &str)]) -> Interaction {
        user.slash(&self.channel, name, texts(options))
    }

    /// Uses a slash command, and waits for its answer.
    pub(super) async fn ask(&self, user: &User, name: &str, options: &[(&str, &str)]) -> Reply {
        self.slash(user, name, options).answer().await
    }

    /// The autocomplete choices for a text in the option `number`.
    pub(super) async fn complete(&self, user: &User, name: &str, typed: &str) -> Vec<(String, String)> {
        self.complete_option(user, name, "number", typed).await
    }

    /// The autocomplete choices for a text in an option.
    pub(super) async fn complete_option(
        &self,
        user: &User,
        name: &str,
        option: &str,
        typed: &str,
    ) -> Vec<(String, String)> {
        let options = json!([{"name": option, "type": 3, "value": typed, "focused": true}]);
        let callback = user.autocomplete(&self.channel, name, options).callback().await;
        assert_eq!(callback["type"], 8);
        let choices = callback["data"]["choices"].as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        choices.iter().map(|choice| (text(&choice["name"]), text(&choice["value"]))).collect()
    }

    /// Presses the button with this label.
    pub(super) fn press(&self, user: &User, on: &Reply, label: &str) -> Interaction {
        user.press(&self.channel, on.message, &custom_id(on, label))
    }

    /// Presses a button, and waits until it changes its message.
    pub(super) async fn press_and_update(&self, user: &User, on: &Reply, label: &str) -> Reply {
        self.press(user, on, label).update().await
    }

    /// Chooses the option of a select whose label contains this text.
    pub(super) fn choose(&self, user: &User, on: &Reply, label: &str) -> Interaction {
        let select = components(on).into_iter().find(|part| part["type"] == 3).expect("there is a select");
        let options = select["options"].as_array().unwrap();
        let option = options.iter().find(|option| option["label"].as_str().unwrap().contains(label));
        let value = option.unwrap_or_else(|| panic!("no {label} in {options:?}"))["value"].as_str().unwrap();
        user.select(&self.channel, on.message, select["custom_id"].as_str().unwrap(), &[value])
    }

    /// Submits the modal that an interaction opened, with these inputs changed.
    pub(super) async fn submit(
        &self,
        user: &User,
        opened_by: &Interaction,
        on: Option<&Reply>,
        changed: &[(&str, &str)],
    ) -> Interaction {
        let callback = opened_by.callback().await;
        assert_eq!(callback["type"], 9, "{callback}");
        let mut inputs = inputs(&callback);
        for (name, text) in changed {
            let input = inputs.iter_mut().find(|(input, _)| input == name);
            (*text).clone_into(&mut input.unwrap_or_else(|| panic!("no input {name}")).1);
        }
        let inputs: Vec<_> = inputs.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        let custom_id = callback["data"]["custom_id"].as_str().unwrap();
        user.submit(&self.channel, on.map(|on| on.message), custom_id, &inputs)
    }

    /// The bot's messages that everybody in the channel sees.
    pub(super) fn public(&self) -> Vec<Value> {
        let bot = self.discord.bot_id().to_string();
        self.channel.messages().into_iter().filter(|message| message["author"]["id"] == bot).collect()
    }

    /// Stops ROMS. Checks that every answer was private, pinged no user, contained no credentials and kept
    /// Discord's limits, and that exactly `public` messages were for everybody.
    pub(super) async fn end(self, public: usize) {
        assert_eq!(self.public().len(), public, "{:?}", self.public());
        assert_eq!(self.discord.violations(), Vec::<String>::new());
        for request in self.discord.requests() {
            let is_callback = request.is("POST", "/interactions/*/*/callback");
            if !is_callback && !request.is("*", "/webhooks/*/*") {
                continue;
            }
            let body = if is_callback { &request.body["data"] } else { &request.body };
            let text = request.body.to_string();
            assert!(!text.contains(CREDENTIALS), "{text}");
            let kind = request.body["type"].as_u64();
            if !is_callback || kind == Some(4) {
                assert_eq!(
                    body["allowed_mentions"],
                    json!({"parse": [], "users": [], "roles": []}),
                    "{text}"
                );
            }
            if is_callback && matches!(kind, Some(4 | 5)) {
                assert_eq!(body["flags"], PRIVATE, "{text}");
            }
        }
        for file in self.discord.replies().iter().flat_map(|reply| &reply.files) {
            let text = String::from_utf8_lossy(&file.bytes);
            assert!(!text.contains(CREDENTIALS), "{}: {text}", file.name);
        }
        assert!(!self.log.text().contains(CREDENTIALS));
        self.watching.end().await;
    }
}

/// Text options of a command.
pub(super) fn texts(options: &[(&str, &str)]) -> Value {
    options.iter().map(|(name, value)| json!({"name": name, "type": 3, "value": value})).collect()
}

/// All components of a message, row by row.
pub(super) fn components(reply: &Reply) -> Vec<Value> {
    let rows = reply.value["components"].as_array().cloned().unwrap_or_default();
    rows.iter().flat_map(|row| row["components"].as_array().cloned().unwrap_or_default()).collect()
}

/// The labels of a message's buttons; disabled ones are in brackets.
pub(super) fn buttons(reply: &Reply) -> Vec<String> {
    let buttons = components(reply).into_iter().filter(|part| part["type"] == 2);
    let label = |button: Value| {
        let label = button["label"].as_str().unwrap().to_owned();
        if button["disabled"] == true { format!("({label})") } else { label }
    };
    buttons.map(label).collect()
}

/// The labels of a select's options.
pub(super) fn options(reply: &Reply) -> Vec<String> {
    let select = components(reply).into_iter().find(|part| part["type"] == 3);
    let options = select.and_then(|select| select["options"].as_array().cloned()).unwrap_or_default();
    options.iter().map(|option| option["label"].as_str().unwrap().to_owned()).collect()
}

/// The custom id of the button with this label.
pub(super) fn custom_id(reply: &Reply, label: &str) -> String {
    let button = components(reply).into_iter().find(|part| part["label"] == label);
    let button = button.unwrap_or_else(|| panic!("no button {label}: {}", reply.value));
    button["custom_id"].as_str().unwrap().to_owned()
}

/// The inputs of a modal: name and text.
pub(super) fn inputs(callback: &Value) -> Vec<(String, String)> {
    let rows = callback["data"]["components"].as_array().unwrap().iter();
    let input = |row: &Value| {
        let input = &row["components"][0];
        let text = |key: &str| input[key].as_str().unwrap_or_default().to_owned();
        (text("custom_id"), text("value"))
    };
    rows.map(input).collect()
}

/// All text of a message, from top to bottom.
pub(super) fn text_of(reply: &Reply) -> String {
    let mut texts = vec![reply.value["content"].clone()];
    for embed in reply.value["embeds"].as_array().into_iter().flatten() {
        texts.extend([&embed["author"]["name"], &embed["title"], &embed["description"]].map(Clone::clone));
        for field in embed["fields"].as_array().into_iter().flatten() {
            texts.extend([&field["name"], &field["value"]].map(Clone::clone));
        }
        texts.push(embed["footer"]["text"].clone());
    }
    let texts: Vec<&str> = texts.iter().filter_map(Value::as_str).filter(|text| !text.is_empty()).collect();
    texts.join("\n")
}

/// The value of a field of the first embed.
pub(super) fn field<'a>(reply: &'a Reply, name: &str) -> Option<&'a str> {
    let fields = reply.value["embeds"][0]["fields"].as_array()?;
    fields.iter().find(|field| field["name"] == name)?["value"].as_str()
}

/// Whether only the caller sees a message.
pub(super) fn is_private(reply: &Reply) -> bool {
    reply.value["flags"].as_u64().unwrap_or_default() & PRIVATE != 0
}

/// The names of these commands.
pub(super) fn names(commands: &[Value]) -> BTreeSet<String> {
    commands.iter().map(|command| command["name"].as_str().unwrap().to_owned()).collect()
}
