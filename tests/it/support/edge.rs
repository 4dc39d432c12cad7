//! The Discord edge as the tests of its parts use it: against the double, with short times.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::TimeDelta;
use roms::config::{self, Token, Trust};
use roms::discord::{Timing, rest::Rest};
use tracing::subscriber::DefaultGuard;

use super::discord::{Channel, Discord};

/// A configuration with these channels, all of one guild.
pub(crate) fn config(discord: &Discord, channels: &[&Channel]) -> config::Discord {
    config::Discord {
        token: Token::new(discord.token()),
        api_url: Some(discord.api_url()),
        guilds: channels.first().map(|channel| id(channel.guild_id())).into_iter().collect(),
        required: true,
        notice_channel: None,
        channels: channels.iter().map(|it| watched(it.id())).collect(),
    }
}

/// A channel to watch.
pub(crate) fn watched(channel: u64) -> config::Channel {
    config::Channel {
        id: id(channel),
        name: "checkouts".to_owned(),
        trust: Trust::Webhooks,
        react: true,
        history: TimeDelta::days(7),
        forwarded: false,
    }
}

/// Times that a test can wait for.
pub(crate) fn timing() -> Timing {
    Timing {
        notice: Duration::from_millis(200),
        retry: Duration::from_millis(5),
        rest: Duration::from_secs(1),
        refused: Duration::from_millis(100),
        close: Duration::from_millis(200),
        ..Timing::default()
    }
}

/// The way to the double.
pub(crate) fn rest(discord: &Discord) -> Rest {
    Rest::new(&config(discord, &[]), &timing()).unwrap()
}

/// An id as the program has it.
pub(crate) fn id(id: u64) -> i64 {
    id.try_into().unwrap()
}

/// What this thread logs from now on, as text; all levels of ours, warnings of others.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Begins to listen, for as long as the guard lives.
    pub(crate) fn listen() -> (Self, DefaultGuard) {
        let log = Self::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter("warn,roms=trace")
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    /// All of it so far.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }

    /// How many lines say this.
    pub(crate) fn count(&self, what: &str) -> usize {
        self.text().lines().filter(|line| line.contains(what)).count()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
