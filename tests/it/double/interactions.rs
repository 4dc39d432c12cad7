//! Commands and interactions: registration, requests and answers.

use std::time::Duration;

use serde_json::json;
use serenity::all::{
    CommandOptionType, CreateActionRow, CreateAttachment, CreateButton, CreateCommand, CreateCommandOption,
    CreateInteractionResponse, CreateInteractionResponseFollowup, CreateInteractionResponseMessage,
    EditInteractionResponse, Event, GuildId, Interaction,
};

use super::bot::Bot;
use crate::support::discord::{Channel, Discord, User};

async fn start() -> (Discord, Channel, User, Bot) {
    let discord = Discord::start().await;
    let channel = discord.guild("Buyers").channel("checkouts");
    let bot = Bot::ready(&discord).await;
    let ann = discord.user("Ann").with_permissions(1 << 5);
    (discord, channel, ann, bot)
}

/// Waits for the interaction that satisfies a condition.
async fn heard(bot: &mut Bot, is: impl Fn(&Interaction) -> bool) -> Interaction {
    bot.until("INTERACTION_CREATE", |event| match event {
        Event::InteractionCreate(create) if is(&create.interaction) => Some(create.interaction.clone()),
        _ => None,
    })
    .await
}

fn message(text: &str) -> CreateInteractionResponseMessage {
    CreateInteractionResponseMessage::new().content(text)
}

#[tokio::test]
async fn commands_are_registered_and_keep_their_ids() {
    let discord = Discord::start().await;
    let buyers = discord.guild("Buyers");
    let bot = Bot::ready(&discord).await;
    let guild = GuildId::new(buyers.id());
    let option = CreateCommandOption::new(CommandOptionType::String, "number", "Order number").required(true);
    let order = CreateCommand::new("order").description("Show one order.").add_option(option);
    let first = guild.set_commands(&bot.http, vec![order.clone()]).await.expect("registered");
    let stats = CreateCommand::new("stats").description("Sums.");
    let second = guild.set_commands(&bot.http, vec![stats, order]).await.expect("registered again");
    assert_eq!(second.iter().map(|command| command.name.as_str()).collect::<Vec<_>>(), ["stats", "order"]);
    assert_eq!(first[0].id, second[1].id);
    let shouted = CreateCommand::new("Order").description("No capitals.");
    assert!(guild.set_commands(&bot.http, vec![shouted]).await.is_err());
    assert_eq!(guild.get_commands(&bot.http).await.expect("as they were").len(), 2);
    assert!(discord.commands(None).is_empty());
    assert_eq!(discord.until_commands(Some(&buyers)).await.len(), 2);
}

#[tokio::test]
async fn a_slash_command_is_answered_and_the_answer_edited() {
    let (_discord, channel, ann, mut bot) = start().await;
    let options = json!([{"name": "number", "type": 3, "value": "900"}]);
    let asked = ann.slash(&channel, "order", options);
    let Interaction::Command(command) = heard(&mut bot, |it| matches!(it, Interaction::Command(_))).await
    else {
        unreachable!("it was asked for")
    };
    assert_eq!((command.data.name.as_str(), command.user.name.as_str()), ("order", "Ann"));
    assert!(
        command.member.as_ref().and_then(|member| member.permissions).expect("permissions").manage_guild()
    );
    command
        .create_response(&bot.http, CreateInteractionResponse::Message(message("here")))
        .await
        .expect("answered");
    assert_eq!(asked.callback().await["type"], 4);
    let again = command.create_response(&bot.http, CreateInteractionResponse::Message(message("x"))).await;
    assert!(again.is_err(), "once only");
    let edit = EditInteractionResponse::new().content("there");
    command.edit_response(&bot.http, edit).await.expect("edited");
    assert_eq!(asked.answer().await.value["content"], "there");
    assert_eq!(channel.messages()[0]["content"], "there", "it is public");
}

#[tokio::test]
async fn a_deferred_private_answer_can_hold_a_file() {
    let (_discord, channel, ann, mut bot) = start().await;
    let asked = ann.slash(&channel, "stats", json!([]));
    let Interaction::Command(command) = heard(&mut bot, |it| matches!(it, Interaction::Command(_))).await
    else {
        unreachable!("it was asked for")
    };
    command.defer_ephemeral(&bot.http).await.expect("deferred");
    let file = CreateAttachment::bytes(b"png".to_vec(), "chart.png");
    let reply = CreateInteractionResponseFollowup::new().content("sums").add_file(file);
    command.create_followup(&bot.http, reply).await.expect("followed up");
    let answer = asked.answer().await;
    assert_eq!((&answer.value["content"], &answer.value["flags"]), (&json!("sums"), &json!(64)));
    assert_eq!((answer.files[0].name.as_str(), &answer.files[0].bytes[..]), ("chart.png", &b"png"[..]));
    assert!(channel.messages().is_empty(), "only Ann sees it");
}

#[tokio::test]
async fn buttons_selects_modals_and_menus_reach_the_bot() {
    let (discord, channel, ann, mut bot) = start().await;
    let asked = ann.slash(&channel, "orders", json!([]));
    let Interaction::Command(command) = heard(&mut bot, |it| matches!(it, Interaction::Command(_))).await
    else {
        unreachable!("it was asked for")
    };
    let row = CreateActionRow::Buttons(vec![CreateButton::new("orders:next").label("Next")]);
    let page = message("page 1").components(vec![row]).ephemeral(true);
    command.create_response(&bot.http, CreateInteractionResponse::Message(page)).await.expect("answered");
    let shown = asked.answer().await.message;

    let pressed = ann.press(&channel, shown, "orders:next");
    let Interaction::Component(press) = heard(&mut bot, |it| matches!(it, Interaction::Component(_))).await
    else {
        unreachable!("it was asked for")
    };
    assert_eq!((press.data.custom_id.as_str(), press.message.content.as_str()), ("orders:next", "page 1"));
    press
        .create_response(&bot.http, CreateInteractionResponse::UpdateMessage(message("page 2")))
        .await
        .expect("updated");
    assert_eq!(pressed.callback().await["type"], 7);
    assert_eq!(asked.answer().await.value["content"], "page 2");

    ann.select(&channel, shown, "orders:open", &["900"]);
    heard(&mut bot, |it| matches!(it, Interaction::Component(it) if it.data.custom_id == "orders:open"))
        .await;
    ann.submit(&channel, Some(shown), "edit", &[("status", "shipped")]);
    heard(&mut bot, |it| matches!(it, Interaction::Modal(it) if it.data.custom_id == "edit")).await;
    ann.autocomplete(
        &channel,
        "order",
        json!([{"name": "number", "type": 3, "value": "9", "focused": true}]),
    );
    heard(&mut bot, |it| matches!(it, Interaction::Autocomplete(_))).await;
    let card = channel.webhook("Refract").post(json!({"embeds": [{"title": "a card"}]}));
    ann.menu(&channel, "Show order", card);
    let menu =
        heard(&mut bot, |it| matches!(it, Interaction::Command(it) if it.data.name == "Show order")).await;
    let resolved = menu.command().expect("a command").data.resolved.messages;
    assert_eq!(resolved[&card.into()].embeds[0].title.as_deref(), Some("a card"));
    assert!(discord.unknown_requests().is_empty(), "{:?}", discord.unknown_requests());
    assert_eq!(discord.violations(), Vec::<String>::new(), "serenity's own bodies fit");
}

#[tokio::test]
async fn an_answer_after_three_seconds_is_refused() {
    let (_discord, channel, ann, mut bot) = start().await;
    let asked = ann.slash(&channel, "order", json!([]));
    let Interaction::Command(command) = heard(&mut bot, |it| matches!(it, Interaction::Command(_))).await
    else {
        unreachable!("it was asked for")
    };
    asked.age(Duration::from_secs(4));
    assert!(command.defer(&bot.http).await.is_err());
    assert_eq!(asked.callback_so_far(), None);
}
