//! `roms init`: the questions in a terminal, and the answers on the command line.

#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::cli::{err, out};
use crate::support::discord::{Channel, Discord};
use crate::support::program::command;
use crate::support::terminal::Terminal;

async fn discord() -> (Discord, Channel, u64) {
    let discord = Discord::start().await;
    discord.guild("Friends").channel("chat");
    let buyers = discord.guild("Buyers");
    let channel = buyers.channel("checkouts");
    let role = buyers.role("Staff", 0);
    (discord, channel, role)
}

async fn run(folder: &Path, arguments: &[&str]) -> std::process::Output {
    let mut command = command(folder, arguments);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

#[tokio::test]
async fn a_person_answers_questions_and_has_a_bot_that_works() {
    let (discord, channel, role) = discord().await;
    let folder = tempfile::tempdir().unwrap();
    let url = discord.api_url();
    let mut terminal = Terminal::start(command(folder.path(), &["init", "--api-url", &url]));

    terminal.answer("Time zone", "Atlantis\r").await;
    terminal.answer("expected a time zone", "\u{15}America/New_York\r").await;
    terminal.answer("Currency", "\r").await;
    terminal.answer("Token", "wrong.token\r").await;
    terminal.wait_for("Discord does not accept the token").await;
    terminal.answer("Token", &format!("{}\r", discord.token())).await;
    // The second guild, its only channel, no notices, and a role for each of the first two levels.
    terminal.answer("Guilds", "\u{1b}[B \r").await;
    terminal.answer("Channels with checkout cards", " \r").await;
    terminal.answer("Channel for notices", "\r").await;
    terminal.answer("May members", "y").await;
    terminal.answer("Roles that may see", " \r").await;
    terminal.answer("Roles that may change", " \r").await;
    terminal.answer("Roles that may do everything", "\r").await;
    terminal.answer("Address of the HTTP API", "\r").await;
    terminal.answer("Address on the Internet", "\r").await;
    terminal.wait_for("Invite the bot with this link").await;
    terminal.wait_for("the bot has all permissions").await;
    terminal.wait_for("Next:").await;
    let screen = terminal.screen();
    assert!(terminal.end().await.success(), "{screen}");

    let config = fs::read_to_string(folder.path().join("config.toml")).unwrap();
    let id = channel.id();
    let guild = channel.guild_id();
    assert_eq!(
        config,
        format!(
            "# Written by `roms init`. config.example.toml explains these and all other settings.\n\n\
             [http]\nbind = \"127.0.0.1:8001\"\n\n\
             [discord]\ntoken_file = \"discord-token\"\napi_url = \"{url}\"\nguilds = [\"{guild}\"] # Buyers\n\n\
             [[discord.channels]]\nid = \"{id}\"\nname = \"checkouts\"\n\n\
             [access]\nviewer = [\"{role}\"]\nmanager = [\"{role}\"]\nadmin = []\n\n\
             [orders]\ntimezone = \"America/New_York\"\ncurrency = \"USD\"\n"
        )
    );
    let token = folder.path().join("discord-token");
    assert_eq!(fs::read_to_string(&token).unwrap(), format!("{}\n", discord.token()));
    assert_eq!(token.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let check = run(folder.path(), &["discord", "check"]).await;
    assert!(check.status.success(), "{}{}", out(&check), err(&check));
}

#[tokio::test]
async fn a_person_without_a_bot_leaves_the_token_empty() {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(command(folder.path(), &["init"]));

    terminal.answer("Time zone", "\r").await;
    terminal.answer("Currency", "\r").await;
    terminal.answer("Token (empty: without Discord)", "\r").await;
    terminal.wait_for("none").await;
    terminal.answer("Address of the HTTP API", "\r").await;
    terminal.answer("Address on the Internet", "\r").await;
    terminal.wait_for("Next:").await;

    let screen = terminal.screen();
    assert!(!screen.contains("***"), "{screen}");
    assert!(terminal.end().await.success(), "{screen}");
    assert!(!folder.path().join("discord-token").exists());
}

#[tokio::test]
async fn every_answer_can_be_an_option_and_no_question_is_asked_without_a_terminal() {
    let (discord, channel, role) = discord().await;
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("token"), discord.token()).unwrap();
    let (url, id, role) = (discord.api_url(), channel.id().to_string(), role.to_string());
    let arguments = [
        &[
            "init",
            "--timezone",
            "Europe/Berlin",
            "--currency",
            "eur",
            "--token-file",
            "token",
            "--api-url",
            &url,
        ][..],
        &["--channel", &id, "--notice-channel", &id, "--viewer", &role, "--bind", "0.0.0.0:9000"],
    ]
    .concat();

    let output = run(folder.path(), &arguments).await;

    assert!(output.status.success(), "{}{}", out(&output), err(&output));
    assert!(out(&output).contains("roms token create --name admin --scope admin"), "{}", out(&output));
    let shown = out(&run(folder.path(), &["check-config"]).await);
    for line in [
        "bind = \"0.0.0.0:9000\"".to_owned(),
        format!("guilds = [\"{}\"]", channel.guild_id()),
        format!("notice_channel = \"{id}\""),
        format!("viewer = [\"{role}\"]"),
        "timezone = \"Europe/Berlin\"".to_owned(),
        "currency = \"EUR\"".to_owned(),
        "name = \"checkouts\"".to_owned(),
    ] {
        assert!(shown.contains(&line), "{line} is missing in\n{shown}");
    }
    assert!(!folder.path().join("discord-token").exists());

    let before = fs::read(folder.path().join("config.toml")).unwrap();
    let again = run(folder.path(), &["init"]).await;
    assert_eq!(again.status.code(), Some(2));
    assert!(err(&again).contains("config.toml exists and is not replaced; use --force"), "{}", err(&again));
    assert_eq!(fs::read(folder.path().join("config.toml")).unwrap(), before);
    let replaced = run(folder.path(), &["init", "--force", "--no-discord"]).await;
    assert!(out(&replaced).ends_with("Next:\n  roms\n"), "{}{}", out(&replaced), err(&replaced));
    assert_ne!(fs::read(folder.path().join("config.toml")).unwrap(), before);
}

#[tokio::test]
async fn a_public_address_lets_members_sign_in_with_discord() {
    let (discord, _, _) = discord().await;
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("token"), discord.token()).unwrap();
    let redirect = "https://orders.example.net/sign-in/discord/callback";
    discord.set_redirects(&[redirect]);
    let url = discord.api_url();
    let init = ["init", "--token-file", "token", "--api-url", &url, "--timezone", "UTC", "--currency", "USD"];
    let mut terminal = Terminal::start(command(folder.path(), &init));

    terminal.answer("Guilds", " \r").await;
    terminal.answer("Channels with checkout cards", "\r").await;
    terminal.answer("Channel for notices", "\r").await;
    terminal.answer("Address of the HTTP API", "\r").await;
    terminal.answer("Address on the Internet", "orders.example.net\r").await;
    terminal.answer("expected an address", "\u{15}https://orders.example.net/\r").await;
    terminal.answer("May members sign in", "y").await;
    terminal.wait_for(redirect).await;
    terminal.answer("Client secret", &format!("{}\r", discord.client_secret())).await;
    terminal.wait_for("people sign in at https://orders.example.net").await;
    terminal.wait_for("roms token create --name admin").await;
    let screen = terminal.screen();
    assert!(terminal.end().await.success(), "{screen}");
    assert!(!screen.contains(&discord.client_secret()), "{screen}");

    let config = fs::read_to_string(folder.path().join("config.toml")).unwrap();
    let id = discord.application_id();
    for lines in [
        "public_url = \"https://orders.example.net\"\nrequire_auth = true\ntrusted_proxies = [\"127.0.0.1\"]\n".to_owned(),
        format!("[sign_in]\nclient_id = \"{id}\"\nclient_secret_file = \"discord-client-secret\"\n"),
    ] {
        assert!(config.contains(&lines), "{lines} is missing in\n{config}");
    }
    let secret = folder.path().join("discord-client-secret");
    assert_eq!(fs::read_to_string(&secret).unwrap(), format!("{}\n", discord.client_secret()));
    assert_eq!(secret.metadata().unwrap().permissions().mode() & 0o777, 0o600);

    // The check finds a redirect that is missing and a secret that was replaced.
    discord.set_redirects(&["https://elsewhere.example/"]);
    let check = run(folder.path(), &["discord", "check"]).await;
    assert!(!check.status.success());
    assert!(out(&check).contains(&format!("\"Redirects\": add {redirect}")), "{}", out(&check));
    discord.set_redirects(&[redirect]);
    fs::write(&secret, "another\n").unwrap();
    let check = run(folder.path(), &["discord", "check"]).await;
    assert!(!check.status.success());
    assert!(out(&check).contains("Discord does not accept the client secret"), "{}", out(&check));
    assert!(!(out(&check) + &err(&check)).contains("another"), "{}", out(&check));
}

#[tokio::test]
async fn the_proxy_of_an_ipv6_address_is_trusted_at_that_address() {
    let folder = tempfile::tempdir().unwrap();
    let public = ["--public-url", "https://orders.example.net"];
    let output =
        run(folder.path(), &[&["init", "--no-discord", "--bind", "[::1]:8001"], &public[..]].concat()).await;
    assert!(output.status.success(), "{}{}", out(&output), err(&output));
    let config = fs::read_to_string(folder.path().join("config.toml")).unwrap();
    assert!(config.contains("trusted_proxies = [\"::1\"]\n"), "{config}");
}

#[tokio::test]
async fn options_that_need_the_bot_are_refused_without_it() {
    let folder = tempfile::tempdir().unwrap();
    for options in [
        &["--no-discord", "--viewer", "1"][..],
        &["--no-discord", "--channel", "1"],
        &["--no-discord", "--guild", "1"],
        &["--no-discord", "--notice-channel", "1"],
        &["--no-discord", "--token-file", "token"],
        &["--channel", "1"],
        &["--admin", "1"],
    ] {
        let refused = run(folder.path(), &[&["init"], options].concat()).await;
        assert!(!refused.status.success(), "{options:?}");
        let reason = if options[0] == "--no-discord" { "cannot be used with" } else { "--token-file" };
        assert!(err(&refused).contains(reason), "{}", err(&refused));
        assert!(!folder.path().join("config.toml").exists(), "{options:?}");
    }
}

#[tokio::test]
async fn a_bot_that_is_not_ready_is_an_error_that_says_what_to_do() {
    let (discord, channel, _) = discord().await;
    discord.allow_message_content(false);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("token"), discord.token()).unwrap();
    let (url, id) = (discord.api_url(), channel.id().to_string());
    let options = ["init", "--token-file", "token", "--api-url", &url, "--channel", &id];

    let output = run(folder.path(), &options).await;

    assert_eq!(output.status.code(), Some(1));
    assert!(out(&output).contains("roms discord check   # after you have fixed"), "{}", out(&output));
    assert!(folder.path().join("config.toml").exists());
}

#[tokio::test]
async fn a_person_who_does_not_want_to_replace_the_configuration_keeps_it() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config.toml"), "# mine\n").unwrap();
    let mut terminal = Terminal::start(command(folder.path(), &["init"]));

    terminal.answer("config.toml exists. Replace it?", "n").await;
    terminal.wait_for("nothing was changed").await;

    assert_eq!(terminal.end().await.code(), Some(1));
    assert_eq!(fs::read_to_string(folder.path().join("config.toml")).unwrap(), "# mine\n");
}

#[test]
fn a_secret_can_be_in_a_file_that_the_configuration_names() {
    let folder = tempfile::tempdir().unwrap();
    let configure = |text: &str| fs::write(folder.path().join("config.toml"), text).unwrap();
    let check = || {
        command(
            Path::new("/"),
            &["--config", folder.path().join("config.toml").to_str().unwrap(), "check-config"],
        )
        .output()
        .unwrap()
    };
    fs::write(folder.path().join("token"), "abc.def\n").unwrap();

    configure("[discord]\ntoken_file = \"token\"\n");
    let found = check();
    assert!(
        found.status.success() && !out(&found).contains("no token is configured"),
        "{}{}",
        out(&found),
        err(&found)
    );
    assert!(!out(&found).contains("abc.def"), "{}", out(&found));

    for (text, expected) in [
        (
            "[discord]\ntoken_file = \"gone\"\n",
            "config.toml:2:14: discord.token_file: cannot read the file it names",
        ),
        (
            "[discord]\ntoken = \"x\"\ntoken_file = \"token\"\n",
            "discord.token is set as well; remove one of the two",
        ),
        ("[discord]\ntoken_file = 7\n", "discord.token_file: expected the name of a file in quotes"),
    ] {
        configure(text);
        let refused = check();
        assert_eq!(refused.status.code(), Some(2), "{text}");
        assert!(err(&refused).contains(expected), "{}", err(&refused));
    }
}
