//! Parts of the Discord edge, configured for the double with short times.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::TimeDelta;
use roms::config::{self, Token, Trust};
use roms::discord::{Timing, rest::Rest};
use tracing::subscriber::DefaultGuard;

use super::app::until_ok;
use super::discord::{Channel, Discord};

/// A configuration that watches these channels. All must belong to one guild.
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

/// The configuration of one channel.
pub(crate) fn watched(channel: u64) -> config::Channel {
    config::Channel {
        id: id(channel),
        name: "checkouts".to_owned(),
        trust: Trust::Webhooks,
        react: true,
        history: TimeDelta::days(7),
        edits: TimeDelta::days(3),
        forwarded: false,
        threads: false,
    }
}

/// Times short enough for a test.
pub(crate) fn timing() -> Timing {
    Timing {
        notice_delay: Duration::from_millis(200),
        retry_delay: Duration::from_millis(5),
        request_timeout: Duration::from_secs(1),
        refusal_pause: Duration::from_millis(100),
        max_refusal_pause: Duration::from_millis(100),
        close_timeout: Duration::from_millis(200),
        ..Timing::default()
    }
}

/// A REST client for the double.
pub(crate) fn rest(discord: &Discord) -> Rest {
    Rest::new(&config(discord, &[]), &timing()).unwrap()
}

/// An id as the type that ROMS uses.
pub(crate) fn id(id: u64) -> i64 {
    id.try_into().unwrap()
}

/// Everything that the current thread logs: all levels of ROMS, warnings of libraries.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Captures the log while the guard lives.
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

    /// The log so far.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }

    /// How many lines contain this text.
    pub(crate) fn count(&self, what: &str) -> usize {
        self.text().lines().filter(|line| line.contains(what)).count()
    }

    /// Waits until a line contains this text.
    pub(crate) async fn until(&self, text: &str) {
        let ask = async || if self.count(text) > 0 { Ok(()) } else { Err(self.text()) };
        until_ok(&format!("a log line with {text:?}"), ask).await;
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
