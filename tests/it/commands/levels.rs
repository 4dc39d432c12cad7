//! Access levels: checked on every command, menu, autocompletion, button, select and modal.

use serde_json::{Value, json};

use super::stage::{Stage, is_private, text_of, texts};
use crate::support::bot::card;
use crate::support::discord::interactions::{Interaction, Reply};
use crate::support::discord::{Channel, User};

/// Options of a command, by name.
type Options = &'static [(&'static str, &'static str)];

/// Commands with their options and the lowest level that may use them.
const COMMANDS: [(&str, Options, usize); 12] = [
    ("order", &[("number", "TGT-900")], VIEWER),
    ("orders", &[], VIEWER),
    ("export", &[], VIEWER),
    ("stats", &[], VIEWER),
    ("edit", &[("number", "TGT-900")], MANAGER),
    ("cancel", &[("number", "TGT-900")], MANAGER),
    ("import", &[], MANAGER),
    ("logs", &[], ADMIN),
    ("replay", &[], ADMIN),
    ("backfill", &[("channel", "checkouts"), ("since", "1 day")], ADMIN),
    ("status", &[], ADMIN),
    ("token", &[], ADMIN),
];

/// Custom ids of buttons, and the lowest level that may use them.
const COMPONENTS: [(&str, usize); 15] = [
    ("order:1", VIEWER),
    ("history:1", VIEWER),
    ("list:1:first:0:1", VIEWER),
    ("edit:1", MANAGER),
    ("keep:1", MANAGER),
    ("cancel:1:shipped", MANAGER),
    ("undo:1:verified:1", MANAGER),
    ("store:1:1:x", MANAGER),
    ("import:1", MANAGER),
    ("discard:1", MANAGER),
    ("undo_import:1", MANAGER),
    ("logs:-:0", ADMIN),
    ("access:0", ADMIN),
    ("replay:777", ADMIN),
    ("share:4711", VIEWER),
];

const VIEWER: usize = 1;
const MANAGER: usize = 2;
const ADMIN: usize = 3;

/// Users and their levels.
fn people(stage: &Stage) -> [(&User, usize); 5] {
    [
        (&stage.guest, 0),
        (&stage.owner, 0),
        (&stage.viewer, VIEWER),
        (&stage.manager, MANAGER),
        (&stage.admin, ADMIN),
    ]
}

/// The first answer that is a message. `None` if the answer is a modal.
async fn first_answer(asked: &Interaction) -> Option<Reply> {
    match asked.callback().await["type"].as_u64() {
        Some(9) => None,
        Some(6) if asked.replies().is_empty() => {
            // The answer changes the message, or is a further message.
            tokio::select! {
                reply = asked.update() => Some(reply),
                reply = asked.until_reply("a message", |_| true) => Some(reply),
            }
        }
        _ => Some(asked.until_reply("a message", |_| true).await),
    }
}

fn is_refusal(reply: Option<&Reply>) -> bool {
    reply.is_some_and(|reply| text_of(reply).contains("You need the"))
}

/// Checks that the answer refuses the caller and lists the roles with the needed level.
fn assert_refused(stage: &Stage, reply: &Reply, needed: usize, what: &str) {
    let text = text_of(reply);
    assert!(is_private(reply), "{what}");
    assert!(text.contains(["", "viewer", "manager", "admin"][needed]), "{what}: {text}");
    for (level, role) in (1..).zip(stage.roles) {
        assert_eq!(text.contains(&format!("<@&{role}>")), level >= needed, "{what}, {level}: {text}");
    }
}

#[tokio::test]
async fn each_command_is_for_its_level_and_those_above() {
    let stage = Stage::new().await;
    stage.order("TGT-900", "$10.00").await;
    stage.discord.until_commands(Some(&stage.guild)).await;
    for (name, options, needed) in COMMANDS {
        for (person, level) in people(&stage) {
            let what = format!("/{name} by a user of level {level}");
            let before = stage.log.count("refused");
            let asked = stage.slash(person, name, options);
            let reply = first_answer(&asked).await;
            assert_eq!(
                is_refusal(reply.as_ref()),
                level < needed,
                "{what}: {:?}",
                reply.map(|it| text_of(&it))
            );
            if level < needed {
                assert_refused(&stage, &reply.unwrap(), needed, &what);
                let id = person.id().to_string();
                let lines = stage.log.text();
                let line = lines.lines().rfind(|line| line.contains("refused")).unwrap();
                assert!(line.contains(&id) && line.contains(name), "{what}: {line}");
                assert_eq!(stage.log.count("refused"), before + 1);
            }
        }
    }
    for (person, _) in people(&stage) {
        let help = stage.ask(person, "help", &[]).await;
        assert!(text_of(&help).contains("/help"), "{}", text_of(&help));
    }
    stage.end(0).await;
}

#[tokio::test]
async fn each_menu_is_for_its_level_and_those_above() {
    let stage = Stage::new().await;
    let message = stage.hook.post(card("TGT-900", "$10.00"));
    stage.bot.until_order("TGT-900", |_| true).await;
    stage.discord.until_commands(Some(&stage.guild)).await;
    for (name, needed) in [("Show order", VIEWER), ("Read as order", MANAGER)] {
        for (person, level) in people(&stage) {
            let reply = person.menu(&stage.channel, name, message).answer().await;
            assert_eq!(is_refusal(Some(&reply)), level < needed, "{name} {level}: {}", text_of(&reply));
            if level < needed {
                assert_refused(&stage, &reply, needed, name);
            }
        }
    }
    stage.end(0).await;
}

#[tokio::test]
async fn autocompletion_checks_the_level_too() {
    let stage = Stage::new().await;
    stage.order("TGT-900", "$10.00").await;
    for (name, option, typed, needed) in [
        ("order", "number", "tgt", VIEWER),
        ("edit", "number", "tgt", MANAGER),
        ("cancel", "number", "tgt", MANAGER),
        ("backfill", "channel", "check", ADMIN),
    ] {
        for (person, level) in people(&stage) {
            let choices = stage.complete_option(person, name, option, typed).await;
            assert_eq!(choices.len(), usize::from(level >= needed), "{name} {level}: {choices:?}");
        }
    }
    assert_eq!(stage.complete(&stage.admin, "unheard-of", "tgt").await, []);
    stage.end(0).await;
}

#[tokio::test]
async fn components_of_somebody_elses_answer_check_the_level_too() {
    let stage = Stage::new().await;
    stage.order("TGT-900", "$10.00").await;
    stage.discord.until_commands(Some(&stage.guild)).await;
    stage.bot.until("/health", "the roles are known", |_| stage.log.count("registered") > 0).await;
    for (custom_id, needed) in COMPONENTS {
        for (person, level) in people(&stage) {
            let page = stage.ask(&stage.admin, "orders", &[]).await;
            let pressed = person.press(&stage.channel, page.message, custom_id);
            let reply = first_answer(&pressed).await;
            let what = format!("{custom_id} by a user of level {level}");
            assert_eq!(
                is_refusal(reply.as_ref()),
                level < needed,
                "{what}: {:?}",
                reply.map(|it| text_of(&it))
            );
            if level < needed {
                let reply = reply.unwrap();
                assert_ne!(reply.message, page.message, "{what}: the page is unchanged");
                assert_refused(&stage, &reply, needed, &what);
            }
        }
    }
    let page = stage.ask(&stage.admin, "orders", &[]).await;
    for (custom_id, needed) in [("open", VIEWER), ("log", ADMIN)] {
        for (person, level) in people(&stage) {
            let reply = person.select(&stage.channel, page.message, custom_id, &["1"]).answer().await;
            assert_eq!(is_refusal(Some(&reply)), level < needed, "{custom_id} {level}: {}", text_of(&reply));
            assert!(is_private(&reply));
        }
    }
    let modal = stage.slash(&stage.manager, "edit", &[("number", "TGT-900")]).callback().await;
    let custom_id = modal["data"]["custom_id"].as_str().unwrap();
    let inputs = [
        ("status", "shipped"),
        ("tracking_number", ""),
        ("qty_received", ""),
        ("commission", ""),
        ("notes", ""),
    ];
    for (person, level) in people(&stage) {
        let reply = person.submit(&stage.channel, None, custom_id, &inputs).answer().await;
        assert_eq!(is_refusal(Some(&reply)), level < MANAGER, "{level}: {}", text_of(&reply));
        let status = stage.bot.order("TGT-900").await.unwrap().fields.status.unwrap().as_str();
        assert_eq!(status, if level < MANAGER { "verified" } else { "shipped" });
    }
    stage.end(0).await;
}

/// Uses every command and component in a channel.
fn every_way(person: &User, channel: &Channel) -> Vec<Interaction> {
    let page = person.post(channel, "a message");
    let mut asked: Vec<Interaction> =
        COMMANDS.iter().map(|(name, options, _)| person.slash(channel, name, texts(options))).collect();
    asked.push(person.slash(channel, "help", json!([])));
    asked.extend(COMPONENTS.iter().map(|(custom_id, _)| person.press(channel, page, custom_id)));
    asked.extend(["open", "log"].map(|custom_id| person.select(channel, page, custom_id, &["1"])));
    asked.push(person.submit(channel, None, "save:1:a:b:c:d:e", &[("status", "shipped")]));
    asked.extend(["Show order", "Read as order"].map(|name| person.menu(channel, name, page)));
    asked
}

#[tokio::test]
async fn everything_is_refused_in_a_guild_that_is_not_configured() {
    let stage = Stage::new().await;
    stage.order("TGT-900", "$10.00").await;
    let elsewhere = stage.discord.guild("Strangers").channel("checkouts");
    let owner = stage.owner.clone().with_roles(&stage.roles);
    for person in [&stage.admin, &owner] {
        for asked in every_way(person, &elsewhere) {
            let reply = asked.until_reply("a refusal", |_| true).await;
            let text = text_of(&reply);
            assert!(text.contains("only in the servers that ROMS is set up for"), "{asked:?}: {text}");
            assert!(is_private(&reply));
        }
        let options = json!([{"name": "number", "type": 3, "value": "tgt", "focused": true}]);
        let callback = person.autocomplete(&elsewhere, "order", options).callback().await;
        assert!(callback["data"]["choices"].as_array().is_none_or(Vec::is_empty), "{callback}");
    }
    assert_eq!(stage.bot.order("TGT-900").await.unwrap().fields.status.unwrap().as_str(), "verified");
    assert!(stage.discord.commands(None).is_empty());
    assert!(
        !stage
            .discord
            .requests()
            .iter()
            .any(|it| it.is("PUT", &format!("/applications/*/guilds/{}/commands", elsewhere.guild_id())))
    );
    stage.end(0).await;
}

#[tokio::test]
async fn without_configured_roles_manage_server_decides() {
    let mut stage = Stage::before().await;
    stage.config().access = roms::config::Access::default();
    stage.begin().await;
    stage.order("TGT-900", "$10.00").await;
    for (name, options, _) in COMMANDS {
        let reply = first_answer(&stage.slash(&stage.owner, name, options)).await;
        assert!(!is_refusal(reply.as_ref()), "/{name}: {:?}", reply.map(|it| text_of(&it)));
    }
    for person in [&stage.admin, &stage.manager, &stage.viewer, &stage.guest] {
        for (name, options, _) in COMMANDS {
            let reply = stage.ask(person, name, options).await;
            assert!(text_of(&reply).contains("Manage Server"), "/{name}: {}", text_of(&reply));
        }
        let page = stage.ask(&stage.owner, "orders", &[]).await;
        let reply = person.press(&stage.channel, page.message, "history:1").answer().await;
        assert!(text_of(&reply).contains("Manage Server"), "{}", text_of(&reply));
        assert_eq!(stage.complete(person, "order", "tgt").await, []);
    }
    assert_eq!(stage.complete(&stage.owner, "order", "tgt").await.len(), 1);
    stage.end(0).await;
}

#[tokio::test]
async fn help_lists_the_commands_that_the_caller_may_use() {
    let stage = Stage::new().await;
    let all: Vec<Value> = stage.discord.until_commands(Some(&stage.guild)).await;
    for (person, level) in people(&stage) {
        let reply = stage.ask(person, "help", &[]).await;
        let text = text_of(&reply);
        assert!(is_private(&reply));
        for (name, _, needed) in COMMANDS {
            assert_eq!(text.contains(&format!("`/{name}")), level >= needed, "{name} {level}: {text}");
        }
        assert_eq!(text.contains("Show order"), level >= VIEWER);
        assert_eq!(text.contains("Read as order"), level >= MANAGER);
        let own = ["no access level", "viewer", "manager", "admin"][level];
        assert!(text.lines().next_back().unwrap().contains(own), "{text}");
    }
    assert_eq!(all.len(), COMMANDS.len() + 3, "each command is in this table");
    stage.end(0).await;
}
