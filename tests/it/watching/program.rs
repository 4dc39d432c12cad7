//! The real program against the double: its configuration, and running it.

use std::process::Output;

use tokio::task::spawn_blocking;

use crate::support::discord::{Channel, Discord};
use crate::support::home::Home;

/// A folder with a configuration for one channel. `more` are further lines of `[discord]`.
pub(crate) fn home(discord: &Discord, channel: &Channel, more: &str) -> Home {
    home_of(Home::new(), discord, channel, more)
}

/// Like [`home`], in a given folder.
pub(crate) fn home_of(home: Home, discord: &Discord, channel: &Channel, more: &str) -> Home {
    let text = format!(
        "[discord]\ntoken = \"{}\"\napi_url = \"{}\"\nguilds = [\"{}\"]\n{more}\n\
         [[discord.channels]]\nid = \"{}\"\nname = \"checkouts\"\n",
        discord.token(),
        discord.api_url(),
        channel.guild_id(),
        channel.id(),
    );
    std::fs::write(home.path().join("config.toml"), text).unwrap();
    home
}

/// Runs a command and waits for it to end.
pub(crate) async fn run(home: &Home, arguments: &[&str]) -> Output {
    let mut command = home.command(arguments);
    spawn_blocking(move || command.env("ROMS__HTTP__BIND", "127.0.0.1:0").output()).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_refused_bot_ends_the_process_with_exit_code_3() {
    for (bad_token, cure) in [(true, "discord.token"), (false, "Message Content Intent")] {
        let discord = Discord::start().await;
        let channel = discord.guild("Buyers").channel("checkouts");
        let home = home(&discord, &channel, "required = true");
        if bad_token {
            discord.reset_token();
        } else {
            discord.allow_message_content(false);
        }
        let output = run(&home, &[]).await;
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{error}");
        assert!(error.contains("Discord refused") && error.contains(cure), "{error}");
        assert!(!error.contains(&discord.token()), "{error}");
        assert!(discord.unknown_requests().is_empty());
    }
}
