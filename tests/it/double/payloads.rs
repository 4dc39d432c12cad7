//! Payloads have every field that Discord's published schema requires.

use serde_json::{Value, json};

use crate::support::discord::{Channel, Discord};

/// The required fields of each object, from the schema's component of the same name.
const REQUIRED: &[(&str, &str)] = &[
    (
        "MessageResponse",
        "type content mentions mention_roles attachments embeds timestamp edited_timestamp flags components id channel_id author pinned mention_everyone tts",
    ),
    (
        "MinimalContentMessageResponse",
        "type content mentions mention_roles attachments embeds timestamp edited_timestamp flags components",
    ),
    ("MessageReferenceResponse", "type channel_id"),
    ("MessageEmbedResponse", "type"),
    ("MessageEmbedFieldResponse", "name value inline"),
    ("UserResponse", "id username avatar discriminator public_flags flags global_name primary_guild"),
    ("UserPIIResponse", "id username avatar discriminator public_flags flags global_name mfa_enabled locale"),
    ("MessageReactionResponse", "emoji count count_details burst_colors me_burst me"),
    ("MessageReactionEmojiResponse", "id name"),
    ("GuildChannelResponse", "id type flags guild_id name position"),
    (
        "ThreadResponse",
        "id type flags guild_id name owner_id thread_metadata message_count member_count total_message_sent",
    ),
    ("ThreadMetadataResponse", "archived archive_timestamp auto_archive_duration locked"),
    ("ThreadsResponse", "threads members has_more"),
    ("ChannelPermissionOverwriteResponse", "id type allow deny"),
    (
        "GuildResponse",
        "id name icon description home_header splash discovery_splash features banner owner_id application_id region afk_channel_id afk_timeout system_channel_id system_channel_flags widget_enabled widget_channel_id verification_level roles default_message_notifications mfa_level explicit_content_filter max_presences max_members max_stage_video_channel_users max_video_channel_users vanity_url_code premium_tier premium_subscription_count preferred_locale rules_channel_id safety_alerts_channel_id public_updates_channel_id premium_progress_bar_enabled nsfw nsfw_level emojis stickers incidents_data",
    ),
    (
        "GuildRoleResponse",
        "id name permissions position color colors hoist managed mentionable icon unicode_emoji flags",
    ),
    ("GuildRoleColorsResponse", "primary_color secondary_color tertiary_color"),
    (
        "GuildMemberResponse",
        "avatar banner communication_disabled_until flags joined_at nick pending premium_since roles user mute deaf",
    ),
    ("MyGuildResponse", "id name icon banner owner permissions features"),
    ("GatewayBotResponse", "url session_start_limit shards"),
    ("GatewayBotSessionStartLimitResponse", "max_concurrency remaining reset_after total"),
    (
        "PrivateApplicationResponse",
        "id name icon description type verify_key flags flags_new redirect_uris interactions_endpoint_url role_connections_verification_url owner approximate_guild_count approximate_user_install_count approximate_user_authorization_count explicit_content_filter team eligible_oauth2_scopes",
    ),
    ("GuildIncomingWebhookResponse", "application_id avatar channel_id id name type"),
    (
        "ApplicationCommandResponse",
        "id application_id version default_member_permissions type name description",
    ),
    ("Error", "code message"),
];

#[track_caller]
fn assert_is(kind: &str, value: &Value) {
    let (_, required) = REQUIRED.iter().find(|(name, _)| *name == kind).expect("a known schema");
    let missing: Vec<&str> = required.split(' ').filter(|key| value.get(key).is_none()).collect();
    assert!(missing.is_empty(), "{kind} lacks {missing:?}: {value}");
}

/// Sends a request as the bot.
async fn ask(discord: &Discord, path: &str) -> Value {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let request = client.get(format!("{}/api/v10{path}", discord.api_url()));
    let answer = request.header("Authorization", format!("Bot {}", discord.token())).send().await;
    answer.expect("an answer").json().await.expect("JSON")
}

async fn start() -> (Discord, Channel) {
    let discord = Discord::start().await;
    let channel = discord.guild("Buyers").channel("checkouts");
    (discord, channel)
}

#[tokio::test]
async fn messages_have_all_required_fields() {
    let (discord, channel) = start().await;
    // Cards are posted without many of a message's fields.
    let id = channel.webhook("Refract").post(json!({
        "id": "1", "channel_id": "2", "author": {"id": "3", "username": "Refract"},
        "embeds": [{"title": "Successful Checkout", "fields": [{"name": "Price", "value": "$1"}]}],
    }));
    let ann = discord.user("Ann");
    ann.react(&channel, id, "✅");
    let forwarded = ann.forward(&channel, id, &channel).post();
    let page = ask(&discord, &format!("/channels/{}/messages?limit=100", channel.id())).await;
    let messages = page.as_array().expect("a list");
    assert_eq!(messages.len(), 2);
    for message in messages {
        assert_is("MessageResponse", message);
        assert_is("UserResponse", &message["author"]);
        assert!(message.get("guild_id").is_none(), "only the gateway says so");
    }
    assert_eq!(messages[1]["id"], id.to_string());
    assert_is("MessageEmbedResponse", &messages[1]["embeds"][0]);
    assert_is("MessageEmbedFieldResponse", &messages[1]["embeds"][0]["fields"][0]);
    assert_is("MessageReactionResponse", &messages[1]["reactions"][0]);
    assert_is("MessageReactionEmojiResponse", &messages[1]["reactions"][0]["emoji"]);
    let one = ask(&discord, &format!("/channels/{}/messages/{forwarded}", channel.id())).await;
    assert_is("MessageReferenceResponse", &one["message_reference"]);
    assert_is("MinimalContentMessageResponse", &one["message_snapshots"][0]["message"]);
}

#[tokio::test]
async fn guilds_and_channels_have_all_required_fields() {
    let (discord, channel) = start().await;
    channel.make_private();
    channel.allow(u64::MAX >> 12);
    let guild = format!("/guilds/{}", channel.guild_id());
    assert_is("GuildResponse", &ask(&discord, &guild).await);
    assert_is("MyGuildResponse", &ask(&discord, "/users/@me/guilds").await[0]);
    let role = &ask(&discord, &format!("{guild}/roles")).await[1];
    assert_is("GuildRoleResponse", role);
    assert_is("GuildRoleColorsResponse", &role["colors"]);
    let member = ask(&discord, &format!("{guild}/members/{}", discord.bot_id())).await;
    assert_is("GuildMemberResponse", &member);
    assert_is("UserResponse", &member["user"]);
    for shown in [
        &ask(&discord, &format!("{guild}/channels")).await[0],
        &ask(&discord, &format!("/channels/{}", channel.id())).await,
    ] {
        assert_is("GuildChannelResponse", shown);
        assert_is("ChannelPermissionOverwriteResponse", &shown["permission_overwrites"][1]);
    }
}

#[tokio::test]
async fn other_objects_have_all_required_fields() {
    let (discord, channel) = start().await;
    discord.gateway().set_start_limit(3, std::time::Duration::from_mins(1));
    let gateway = ask(&discord, "/gateway/bot").await;
    assert_is("GatewayBotResponse", &gateway);
    assert_is("GatewayBotSessionStartLimitResponse", &gateway["session_start_limit"]);
    assert_eq!(gateway["session_start_limit"]["remaining"], 3);
    assert_eq!(ask(&discord, "/gateway").await["url"], format!("ws://127.0.0.1:{}", discord.port()));
    for path in ["/applications/@me", "/oauth2/applications/@me"] {
        let application = ask(&discord, path).await;
        assert_is("PrivateApplicationResponse", &application);
        assert_eq!(
            (&application["id"], &application["flags"]),
            (&json!(discord.application_id().to_string()), &json!(1 << 19))
        );
    }
    assert_is("UserPIIResponse", &ask(&discord, "/users/@me").await);
    let hook = channel.webhook("Refract").url();
    let path = hook.split("/api/v10").last().expect("a path").to_owned();
    assert_is("GuildIncomingWebhookResponse", &ask(&discord, &path).await);
    assert_is("Error", &ask(&discord, "/no/such/thing").await);
}

#[tokio::test]
async fn threads_have_all_required_fields() {
    let (discord, channel) = start().await;
    channel.thread("active");
    channel.thread("archived").archive();
    let active = format!("/guilds/{}/threads/active", channel.guild_id());
    let archived = format!("/channels/{}/threads/archived/public?limit=2", channel.id());
    for (path, is_archived) in [(active, false), (archived, true)] {
        let list = ask(&discord, &path).await;
        assert_is("ThreadsResponse", &list);
        let [thread] = list["threads"].as_array().unwrap().as_slice() else { panic!("{list}") };
        assert_is("ThreadResponse", thread);
        assert_is("ThreadMetadataResponse", &thread["thread_metadata"]);
        assert_eq!(thread["thread_metadata"]["archived"], is_archived);
        assert_eq!(thread["parent_id"], channel.id().to_string());
        assert_eq!(ask(&discord, &format!("/channels/{}", thread["id"].as_str().unwrap())).await, *thread);
    }
}
