//! Registering the commands: in each guild, until it succeeds, and only after a change.

use serde_json::Value;

use super::stage::{Stage, names};
use crate::support::discord::Fault;
use crate::watching::stage::watched;

fn path(guild: u64) -> String {
    format!("/applications/*/guilds/{guild}/commands")
}

fn writes(stage: &Stage) -> usize {
    stage.discord.count("PUT", &path(stage.guild.id()))
}

#[tokio::test]
async fn only_configured_guilds_get_the_commands() {
    let mut stage = Stage::before().await;
    let (second, stranger) = (stage.discord.guild("Second"), stage.discord.guild("Strangers"));
    watched(stage.config()).guilds.push(second.id().cast_signed());
    stage.begin().await;
    for guild in [&stage.guild, &second] {
        let commands = stage.discord.until_commands(Some(guild)).await;
        let all = [
            "Read as order",
            "Show order",
            "backfill",
            "cancel",
            "edit",
            "export",
            "help",
            "import",
            "logs",
            "order",
            "orders",
            "replay",
            "stats",
            "status",
            "token",
        ];
        assert_eq!(names(&commands).into_iter().collect::<Vec<_>>(), all);
        for command in &commands {
            assert_eq!(command["contexts"], serde_json::json!([0]), "in guilds only: {command}");
            assert!(command["default_member_permissions"].is_null(), "roles decide: {command}");
        }
        let kind = |name: &str| commands.iter().find(|it| it["name"] == name).unwrap()["type"].clone();
        assert_eq!((kind("order"), kind("Show order")), (1.into(), 3.into()));
    }
    assert!(stage.discord.commands(Some(&stranger)).is_empty());
    assert!(stage.discord.commands(None).is_empty());
    stage.end(0).await;
}

#[tokio::test]
async fn registration_is_retried_until_it_succeeds_and_then_done_once() {
    let mut stage = Stage::before().await;
    stage.discord.fail("PUT", &path(stage.guild.id()), Fault::Status(500), 3);
    stage.discord.fail("GET", &path(stage.guild.id()), Fault::Garbage, 1);
    stage.begin().await;
    // Commands work meanwhile, because they may be registered from an earlier start.
    stage.ask(&stage.viewer, "help", &[]).await;
    stage.discord.until_commands(Some(&stage.guild)).await;
    let written = writes(&stage);
    let read = stage.discord.count("GET", &path(stage.guild.id()));
    stage.discord.until_requests("GET", &path(stage.guild.id()), read + 2).await;
    assert_eq!(writes(&stage), written, "unchanged commands are not sent again");
    stage.end(0).await;
}

#[tokio::test]
async fn a_restart_registers_nothing_unless_something_changed() {
    let mut stage = Stage::new().await;
    let before = stage.discord.until_commands(Some(&stage.guild)).await;
    assert_eq!(writes(&stage), 1);
    let looked = |stage: &Stage| stage.discord.count("GET", &path(stage.guild.id()));
    let reads = looked(&stage);
    stage.restart_with(|_| {}).await;
    stage.discord.until_requests("GET", &path(stage.guild.id()), reads + 1).await;
    stage.ask(&stage.viewer, "help", &[]).await;
    assert_eq!(writes(&stage), 1);
    assert_eq!(stage.discord.commands(Some(&stage.guild)), before);

    // Without configured roles, Discord shows the commands only to members with Manage Server.
    stage.restart_with(|config| config.access = roms::config::Access::default()).await;
    stage.discord.until_requests("PUT", &path(stage.guild.id()), 2).await;
    let permissions = |command: &Value| command["default_member_permissions"].clone();
    for command in stage.discord.commands(Some(&stage.guild)) {
        let expected = if command["name"] == "help" { Value::Null } else { "32".into() };
        assert_eq!(permissions(&command), expected, "{command}");
        let id = |commands: &[Value]| {
            commands.iter().find(|it| it["name"] == command["name"]).unwrap()["id"].clone()
        };
        assert_eq!(command["id"], id(&before), "the command keeps its id");
    }
    stage.end(0).await;
}

#[tokio::test]
async fn a_guild_that_invites_the_bot_later_gets_the_commands_then() {
    let mut stage = Stage::before().await;
    let second = stage.discord.guild("Second");
    second.kick_bot();
    watched(stage.config()).guilds.push(second.id().cast_signed());
    stage.begin().await;
    stage.discord.until_commands(Some(&stage.guild)).await;
    assert!(stage.discord.commands(Some(&second)).is_empty());
    second.invite_bot();
    stage.discord.until_commands(Some(&second)).await;
    stage.end(0).await;
}
