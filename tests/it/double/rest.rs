//! The double's REST API.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};
use serenity::all::{
    ChannelId, CreateEmbed, CreateMessage, EditMessage, GetMessages, GuildId, Http, HttpError, MessageId,
    ReactionType,
};

use super::bot::http;
use crate::support::discord::{Channel, Discord, Fault, permissions, snowflake};

async fn discord() -> (Discord, Channel, Http) {
    let discord = Discord::start().await;
    let channel = discord.guild("Buyers").channel("checkouts");
    let http = http(&discord, &discord.token());
    (discord, channel, http)
}

/// The status and Discord's error code of a failed call.
fn refusal<T: std::fmt::Debug>(answer: serenity::Result<T>) -> (u16, isize) {
    match answer.expect_err("a refusal") {
        serenity::Error::Http(HttpError::UnsuccessfulRequest(refusal)) => {
            (refusal.status_code.as_u16(), refusal.error.code)
        }
        other => panic!("{other:?}"),
    }
}

async fn ids(http: &Http, channel: &Channel, page: GetMessages) -> Vec<u64> {
    let page = ChannelId::new(channel.id()).messages(http, page).await.expect("a page");
    page.iter().map(|message| message.id.get()).collect()
}

#[tokio::test]
async fn the_history_has_pages_newest_first() {
    let (_discord, channel, http) = discord().await;
    let hook = channel.webhook("Refract");
    let start = Utc::now() - TimeDelta::days(3);
    let all: Vec<u64> = (0..250)
        .map(|number| {
            hook.draft(json!({"content": "x"})).at(start + TimeDelta::minutes(number)).silently().post()
        })
        .collect();
    assert!(all.is_sorted());
    assert_eq!(snowflake::time_of(all[0]).timestamp_millis(), start.timestamp_millis());
    let reversed = |ids: &[u64]| ids.iter().rev().copied().collect::<Vec<_>>();
    assert_eq!(ids(&http, &channel, GetMessages::new()).await, reversed(&all[200..]));
    let page = GetMessages::new().limit(100);
    assert_eq!(ids(&http, &channel, page).await, reversed(&all[150..]));
    assert_eq!(ids(&http, &channel, page.after(MessageId::new(all[9]))).await, reversed(&all[10..110]));
    assert_eq!(ids(&http, &channel, page.before(MessageId::new(all[9]))).await, reversed(&all[..9]));
    assert_eq!(ids(&http, &channel, page.after(MessageId::new(all[249]))).await, Vec::<u64>::new());
    let around = GetMessages::new().limit(4).around(MessageId::new(all[100]));
    assert_eq!(ids(&http, &channel, around).await, reversed(&all[98..103]));
    let since = snowflake::first_of(start + TimeDelta::minutes(200));
    assert_eq!(ids(&http, &channel, page.after(MessageId::new(since - 1))).await, reversed(&all[200..]));
}

#[tokio::test]
async fn permissions_are_enforced() {
    let (discord, channel, http) = discord().await;
    let id = channel.webhook("Refract").post(json!({"content": "x"}));
    let (there, message) = (ChannelId::new(channel.id()), MessageId::new(id));
    let tick = ReactionType::Unicode("✅".to_owned());

    channel.deny(permissions::ADD_REACTIONS);
    assert_eq!(refusal(http.create_reaction(there, message, &tick).await), (403, 50013));
    channel.deny(permissions::READ_MESSAGE_HISTORY);
    assert_eq!(ids(&http, &channel, GetMessages::new()).await, Vec::<u64>::new());
    channel.deny(permissions::VIEW_CHANNEL);
    assert_eq!(refusal(there.messages(&http, GetMessages::new()).await), (403, 50001));
    assert_eq!(refusal(http.get_channel(there).await), (403, 50001));
    channel.allow(permissions::DEFAULT);
    assert_eq!(ids(&http, &channel, GetMessages::new()).await, [id]);

    let private = discord.guild("Sellers").channel("private");
    private.make_private();
    assert_eq!(refusal(http.get_channel(ChannelId::new(private.id())).await), (403, 50001));
    private.allow(permissions::VIEW_CHANNEL);
    http.get_channel(ChannelId::new(private.id())).await.expect("let in");
    assert_eq!(refusal(http.get_channel(ChannelId::new(1)).await), (404, 10003));
    discord.guild("Other").kick_bot();
    assert_eq!(http.get_guilds(None, None).await.expect("guilds").len(), 2);
}

#[tokio::test]
async fn permissions_can_be_computed_from_rest() {
    let (discord, channel, http) = discord().await;
    channel.deny(permissions::ADD_REACTIONS);
    let there = serenity::all::GuildId::new(channel.guild_id());
    let guild = http.get_guild(there).await.expect("the guild");
    let me = http.get_member(there, discord.bot_id().into()).await.expect("the bot");
    let shown = http
        .get_channel(ChannelId::new(channel.id()))
        .await
        .expect("the channel")
        .guild()
        .expect("of a guild");
    let bits = guild.user_permissions_in(&shown, &me).bits();
    assert_eq!(bits, permissions::DEFAULT & !permissions::ADD_REACTIONS);
}

#[tokio::test]
async fn the_bot_reacts_posts_edits_and_deletes() {
    let (discord, channel, http) = discord().await;
    let id = channel.webhook("Refract").post(json!({"content": "x"}));
    let (there, message) = (ChannelId::new(channel.id()), MessageId::new(id));
    for emoji in ["✅", "🔄"] {
        http.create_reaction(there, message, &ReactionType::Unicode(emoji.to_owned()))
            .await
            .expect("a reaction");
    }
    http.create_reaction(there, message, &ReactionType::Unicode("✅".to_owned())).await.expect("once more");
    assert_eq!(channel.reactions(id), ["✅", "🔄"]);
    let shown = http.get_message(there, message).await.expect("the message");
    assert_eq!(
        shown.reactions.iter().map(|it| (it.count, it.me)).collect::<Vec<_>>(),
        [(1, true), (1, true)]
    );
    http.delete_reaction_me(there, message, &ReactionType::Unicode("🔄".to_owned()))
        .await
        .expect("taken back");
    assert_eq!(channel.reactions(id), ["✅"]);

    let embed = CreateEmbed::new().title("Could not read").field("Message", "1", false);
    let notice = there.send_message(&http, CreateMessage::new().embed(embed)).await.expect("a post");
    assert_eq!(notice.author.id.get(), discord.bot_id());
    there.edit_message(&http, notice.id, EditMessage::new().content("two")).await.expect("an edit");
    assert_eq!(channel.messages()[1]["content"], "two");
    assert_eq!(
        refusal(there.edit_message(&http, message, EditMessage::new().content("no")).await),
        (403, 50005)
    );
    there.delete_message(&http, notice.id).await.expect("deleted");
    assert_eq!(channel.messages().len(), 1);
    let empty: serenity::Result<serenity::all::Message> =
        http.send_message(there, Vec::new(), &json!({"content": ""})).await;
    assert_eq!(refusal(empty), (400, 50035));
    assert_eq!(discord.count("PUT", "/channels/*/messages/*/reactions"), 3);
}

#[tokio::test]
async fn webhooks_accept_posts() {
    let (_discord, channel, _http) = discord().await;
    let hook = channel.webhook("Refract");
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let post = async |url: String| {
        client
            .post(url)
            .json(&json!({"content": "hello", "username": "Shown"}))
            .send()
            .await
            .expect("an answer")
    };
    assert_eq!(post(hook.url()).await.status(), 204);
    let waited: Value = post(format!("{}?wait=true", hook.url())).await.json().await.expect("a message");
    assert_eq!(
        (&waited["author"]["username"], &waited["webhook_id"]),
        (&json!("Shown"), &json!(hook.id().to_string()))
    );
    assert_eq!(post(format!("{}x", hook.url())).await.status(), 401);
    assert_eq!(channel.messages().len(), 2);
}

#[tokio::test]
async fn faults_apply_to_matching_requests_as_often_as_given() {
    let (discord, channel, http) = discord().await;
    let there = ChannelId::new(channel.id());
    let page = || there.messages(&http, GetMessages::new());
    discord.fail("GET", "/channels/*/messages", Fault::Status(500), 2);
    assert_eq!((refusal(page().await).0, refusal(page().await).0), (500, 500));
    page().await.expect("healed by itself");
    discord.fail("GET", "/channels", Fault::RateLimited(Duration::from_secs(2)), 1);
    assert_eq!(refusal(page().await).0, 429);
    discord.fail("GET", "/channels", Fault::Garbage, 1);
    assert!(page().await.is_err());
    discord.fail("*", "/", Fault::Forbidden, usize::MAX);
    assert_eq!(refusal(http.get_current_user().await), (403, 50001));
    discord.heal();
    discord.limit("GET", "/channels/*/messages", 2, Duration::from_mins(1));
    page().await.expect("the first");
    page().await.expect("the second");
    assert_eq!(refusal(page().await).0, 429);
    discord.heal();
    discord.fail("GET", "/channels", Fault::Late(Duration::from_millis(50)), 1);
    page().await.expect("late, but right");
    discord.fail("GET", "/channels", Fault::Hang, 1);
    assert!(tokio::time::timeout(Duration::from_millis(200), page()).await.is_err());
    let statuses: Vec<_> = discord.requests().iter().map(|seen| seen.status).collect();
    assert_eq!(statuses.last(), Some(&None));
}

#[tokio::test]
async fn tokens_and_unknown_endpoints_are_refused_and_recorded() {
    let (discord, channel, _http) = discord().await;
    let wrong = http(&discord, "wrong");
    assert_eq!(refusal(wrong.get_current_user().await).0, 401);
    let old = http(&discord, &discord.token());
    old.get_current_user().await.expect("a good token");
    discord.reset_token();
    assert_eq!(refusal(old.get_current_user().await).0, 401);
    let new = http(&discord, &discord.token());
    assert_eq!(refusal(new.get_channel_invites(ChannelId::new(channel.id())).await), (404, 0));
    let unknown = discord.unknown_requests();
    assert_eq!(unknown.len(), 1);
    assert!(unknown[0].is("GET", "/channels/*/invites"), "{unknown:?}");
}

#[tokio::test]
async fn bodies_over_discords_limits_are_refused() {
    let (_discord, channel, http) = discord().await;
    let there = ChannelId::new(channel.id());
    let post = async |embed: CreateEmbed| there.send_message(&http, CreateMessage::new().embed(embed)).await;
    let fields = |count| (0..count).map(|number| (number.to_string(), "x", false));
    post(CreateEmbed::new().fields(fields(25))).await.expect("as much as there may be");
    assert_eq!(refusal(post(CreateEmbed::new().fields(fields(26))).await), (400, 50035));
    assert_eq!(refusal(post(CreateEmbed::new().title("x".repeat(257))).await), (400, 50035));
    assert_eq!(refusal(post(CreateEmbed::new().field("name", "", false)).await), (400, 50035));
    let long = json!({"embeds": [{"description": "x".repeat(4000)}, {"description": "x".repeat(2001)}]});
    assert_eq!(
        refusal(http.send_message(there, Vec::new(), &long).await),
        (400, 50035),
        "all of it together"
    );
    assert_eq!(channel.messages().len(), 1);
}

#[tokio::test]
#[should_panic(expected = "waited 10ms for 3 requests GET /gateway; gateway: 0 handshakes")]
async fn a_failed_wait_says_what_it_waited_for() {
    let (discord, _channel, _http) = discord().await;
    discord.wait_at_most(Duration::from_millis(10));
    discord.until_requests("GET", "/gateway", 3).await;
}

#[tokio::test]
async fn serenity_decodes_every_answer() {
    let (discord, channel, http) = discord().await;
    let guild = GuildId::new(channel.guild_id());
    let application = http.get_current_application_info().await.expect("the application");
    assert_eq!(application.id.get(), discord.application_id());
    assert_eq!(http.get_current_user().await.expect("the bot").id.get(), discord.bot_id());
    assert_eq!(
        http.get_gateway().await.expect("the gateway").url,
        format!("ws://127.0.0.1:{}", discord.port())
    );
    assert_eq!(http.get_bot_gateway().await.expect("the limit").session_start_limit.remaining, 1000);
    assert_eq!(http.get_guilds(None, None).await.expect("guilds")[0].name, "Buyers");
    assert_eq!(http.get_channels(guild).await.expect("channels")[0].name, "checkouts");
    assert_eq!(http.get_guild_roles(guild).await.expect("roles")[0].name, "@everyone");
    assert!(discord.unknown_requests().is_empty(), "{:?}", discord.unknown_requests());
}
