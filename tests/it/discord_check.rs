//! `roms discord check`: it names each problem and how to fix it.

use roms::config;
use roms::discord::check::{Finding, Report, State, check};
use roms::discord::rest::Rest;
use roms::status::{ChannelStatus, StatusBoard};

use crate::support::discord::permissions::{
    ADD_REACTIONS, ADMINISTRATOR, Overwrite, READ_MESSAGE_HISTORY, SEND_MESSAGES, VIEW_CHANNEL,
};
use crate::support::discord::{Channel, Discord, Fault};
use crate::support::edge::{self, id};

/// A channel that is watched and is the notice channel.
async fn set_up() -> (Discord, Channel, config::Discord) {
    let discord = Discord::start().await;
    let channel = discord.guild("Buyers").channel("checkouts");
    let config =
        config::Discord { notice_channel: Some(id(channel.id())), ..edge::config(&discord, &[&channel]) };
    (discord, channel, config)
}

async fn run(config: &config::Discord) -> Report {
    check(config, &Rest::new(config, &edge::timing()).unwrap()).await
}

/// Each problem and its fix.
fn problems(report: &Report) -> Vec<(&str, &str)> {
    let problem = |finding| match finding {
        &Finding { state: State::Missing { ref problem, ref fix }, .. } => {
            Some((problem.as_str(), fix.as_str()))
        }
        _ => None,
    };
    report.findings.iter().filter_map(problem).collect()
}

#[tokio::test]
async fn a_complete_setup_has_no_problems() {
    let (discord, channel, config) = set_up().await;
    let report = run(&config).await;
    assert!(report.is_ok(), "{report}");
    let lines: Vec<_> = report.to_string().lines().map(str::to_owned).collect();
    assert!(lines.len() == 4 && lines.iter().all(|line| line.starts_with("ok ")), "{report}");
    let last = format!("channel \"checkouts\" ({}): the bot has all permissions", channel.id());
    assert!(lines[3].contains(&last), "{report}");
    assert!(discord.unknown_requests().is_empty(), "{:?}", discord.unknown_requests());
}

#[tokio::test]
async fn each_missing_permission_is_named_with_its_fix() {
    let cases: [(u64, &[&str]); 5] = [
        (VIEW_CHANNEL, &["View Channel"]),
        (READ_MESSAGE_HISTORY, &["Read Message History"]),
        (ADD_REACTIONS, &["Add Reactions"]),
        (SEND_MESSAGES, &["Send Messages"]),
        (READ_MESSAGE_HISTORY | ADD_REACTIONS, &["Read Message History", "Add Reactions"]),
    ];
    for (denied, names) in cases {
        let (_discord, channel, config) = set_up().await;
        channel.deny(denied);
        let report = run(&config).await;
        let (problem, fix) = problems(&report)[0];
        assert_eq!(problem, format!("the bot lacks {}", names.join(", ")));
        assert!(fix.contains("the channel's settings") && fix.ends_with(&names.join(", ")), "{fix}");
        assert!(!report.is_ok() && report.to_string().contains("MISSING  channel"), "{report}");

        let board = StatusBoard::default();
        let status = ChannelStatus { id: id(channel.id()), ..ChannelStatus::default() };
        board.update(|board| board.channels.push(status));
        report.update(&board);
        assert_eq!(board.snapshot().channels[0].missing, names);
    }
}

#[tokio::test]
async fn only_needed_permissions_are_required() {
    let (_discord, channel, mut config) = set_up().await;
    channel.deny(ADD_REACTIONS | SEND_MESSAGES);
    config.notice_channel = None;
    config.channels[0].react = false;
    let report = run(&config).await;
    assert!(report.is_ok(), "{report}");
}

#[tokio::test]
async fn a_separate_notice_channel_needs_no_history() {
    let (discord, channel, mut config) = set_up().await;
    let guild = discord.guild("Staff");
    let notices = guild.channel("notices");
    notices.deny(READ_MESSAGE_HISTORY | ADD_REACTIONS);
    config.notice_channel = Some(id(notices.id()));
    config.guilds.push(id(guild.id()));
    let report = run(&config).await;
    assert!(report.is_ok(), "{report}");
    notices.deny(SEND_MESSAGES);
    channel.deny(SEND_MESSAGES);
    assert_eq!(problems(&run(&config).await)[0].0, "the bot lacks Send Messages");
}

#[tokio::test]
async fn an_administrator_has_all_permissions() {
    let discord = Discord::start().await;
    let guild = discord.guild("Buyers");
    let channel = guild.channel("checkouts");
    guild.set_bot_role(ADMINISTRATOR);
    channel.overwrite(Overwrite { id: guild.id(), member: false, allow: 0, deny: u64::MAX });
    let report = run(&edge::config(&discord, &[&channel])).await;
    assert!(report.is_ok(), "{report}");
}

#[tokio::test]
async fn a_missing_intent_is_named_with_its_page() {
    let (discord, _channel, config) = set_up().await;
    discord.allow_message_content(false);
    let report = run(&config).await;
    let (problem, fix) = problems(&report)[0];
    assert!(problem.contains("every message arrives without its text"), "{problem}");
    let page = format!("https://discord.com/developers/applications/{}/bot", discord.application_id());
    assert!(fix.starts_with(&page) && fix.ends_with("switch on \"Message Content Intent\""), "{fix}");
    for flag in [1 << 18, 1 << 19] {
        discord.set_application_flags(flag);
        assert!(run(&config).await.is_ok());
    }
}

#[tokio::test]
async fn a_guild_without_the_bot_gets_an_invite_link() {
    let discord = Discord::start().await;
    let guild = discord.guild("Buyers");
    let channel = guild.channel("checkouts");
    guild.kick_bot();
    let report = run(&edge::config(&discord, &[&channel])).await;
    let (problem, fix) = problems(&report)[0];
    assert_eq!(problem, "the bot is not in it");
    let link = format!("https://discord.com/oauth2/authorize?client_id={}&", discord.application_id());
    assert!(fix.contains(&link), "{fix}");
    assert_eq!(report.channels[0].missing, [""; 0]);
    assert!(report.channels[0].error.is_some());
}

#[tokio::test]
async fn an_unknown_channel_and_one_of_another_guild_have_different_problems() {
    let (discord, _channel, mut config) = set_up().await;
    let other = discord.guild("Others").channel("elsewhere");
    config.channels = vec![edge::watched(12345), edge::watched(other.id())];
    config.notice_channel = None;
    let report = run(&config).await;
    let problems = problems(&report);
    assert!(problems[0].0.starts_with("404") && problems[0].1.contains("Copy Channel ID"), "{report}");
    assert_eq!(problems[1].0, "it is in none of the configured guilds");
    assert!(problems[1].1.starts_with(&format!("add {} to discord.guilds", other.guild_id())), "{report}");
}

#[tokio::test]
async fn a_wrong_token_ends_the_check_and_is_not_printed() {
    let (discord, _channel, config) = set_up().await;
    discord.reset_token();
    let report = run(&config).await;
    let (problem, fix) = problems(&report)[0];
    assert!(problem.starts_with("401") && fix.contains("\"Reset Token\""), "{report}");
    assert_eq!((report.findings.len(), report.channels.len()), (1, 0));
    let shown = format!("{report}{report:?}");
    assert!(!shown.contains(config.token.expose()) && !shown.contains("127.0.0.1"), "{shown}");
}

#[tokio::test]
async fn a_failed_request_is_reported_as_unknown_and_does_not_change_the_board() {
    let (discord, channel, config) = set_up().await;
    discord.fail("GET", "/channels/*", Fault::Status(500), usize::MAX);
    let (log, _listening) = edge::Log::listen();
    let report = run(&config).await;
    report.log();
    assert!(!report.is_ok() && problems(&report).is_empty() && report.channels.is_empty(), "{report}");
    assert!(report.to_string().contains("unknown  channel"), "{report}");
    assert_eq!(log.count("could not be checked: 500: Discord has a problem"), 1, "{}", log.text());
    assert_eq!(log.count(&channel.id().to_string()), 1, "{}", log.text());
}

#[tokio::test]
async fn forums_and_threads_are_named_and_counted() {
    let (discord, channel, mut config) = set_up().await;
    let guild = discord.guild("Shop");
    let (forum, parent) = (guild.forum("orders"), guild.channel("threaded"));
    config.notice_channel = None;
    config.guilds.push(id(guild.id()));
    config.channels.push(config::Channel { name: "orders".to_owned(), ..edge::watched(forum.id()) });
    config.channels.push(config::Channel { threads: true, ..edge::watched(parent.id()) });
    let hook = forum.webhook("Refract");
    for n in 0..3 {
        forum.forum_post(&hook, "post", serde_json::json!({"content": n.to_string()}));
    }
    parent.thread("one").archive();
    parent.thread("two");
    channel.thread("not watched");
    let report = run(&config).await;
    assert!(report.is_ok(), "{report}");
    let text = report.to_string();
    for (name, count) in [("forum \"orders\"", "3"), ("channel \"checkouts\"", "1")] {
        let line = text.lines().find(|line| line.contains(name) && line.contains("active threads"));
        assert!(
            line.unwrap_or_default().ends_with(&format!("active threads that ROMS watches: {count}")),
            "{text}"
        );
    }
    assert_eq!(text.matches("active threads").count(), 2, "{text}");
    forum.deny(READ_MESSAGE_HISTORY);
    let report = run(&config).await;
    assert_eq!(problems(&report)[0].0, "the bot lacks Read Message History");
    assert!(report.to_string().contains("MISSING  forum \"orders\""), "{report}");
    assert!(discord.unknown_requests().is_empty(), "{:?}", discord.unknown_requests());
}
