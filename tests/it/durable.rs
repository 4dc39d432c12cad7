//! Nothing that was acknowledged is lost, whatever happens to the program, its database and its
//! disk: with the real program, under load. Acknowledged is what was answered with 200, or
//! posted to a watched channel of Discord.
#![cfg(unix)]

mod full;
mod kill;
mod locked;
mod server;
mod stop;

use crate::support::bot::card;
use crate::support::discord::{Channel, Discord, Webhook};
use crate::support::home::Home;
use crate::support::program::{End, Program};
use crate::support::sql::Sql;
use crate::watching::program::home_of;

/// A Discord with a watched channel.
pub(crate) struct Posts {
    pub(crate) discord: Discord,
    channel: Channel,
    hook: Webhook,
    /// Numbers of the orders posted there.
    pub(crate) numbers: Vec<String>,
}

impl Posts {
    /// With a place for a ROMS that watches it.
    async fn new() -> (Self, Home) {
        Self::in_home(Home::new()).await
    }

    /// With this place.
    pub(crate) async fn in_home(home: Home) -> (Self, Home) {
        let discord = Discord::start().await;
        let channel = discord.guild("Buyers").channel("checkouts");
        let hook = channel.webhook("Refract");
        let home = home_of(home, &discord, &channel, "");
        (Self { discord, channel, hook, numbers: Vec::new() }, home)
    }

    pub(crate) fn post(&mut self, cards: usize) {
        for _ in 0..cards {
            let number = format!("D-{}", self.numbers.len());
            self.hook.post(card(&number, "$9.99"));
            self.numbers.push(number);
        }
    }

    /// Waits until the channel's history was read so often again.
    async fn until_read_again(&self, times: usize) {
        let path = format!("/channels/{}/messages", self.channel.id());
        self.discord.until_requests("GET", &path, self.discord.count("GET", &path) + times).await;
    }

    /// Waits until every order posted is stored.
    pub(crate) async fn until_stored(&self, sql: &mut Sql) {
        let end = tokio::time::Instant::now() + std::time::Duration::from_secs(40);
        loop {
            let stored = sql.count("orders WHERE order_number LIKE 'D-%'").await;
            if stored == self.numbers.len() as u64 {
                return;
            }
            assert!(tokio::time::Instant::now() < end, "{stored} of {}", self.numbers.len());
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
}

/// As [`assert_told`] of one outage.
fn assert_told_once(log: &str) {
    assert_told(log, 1);
}

/// Asserts that each outage left one line when it began and one when it ended, and no other
/// complaint.
fn assert_told(log: &str, outages: usize) {
    let serving = log.lines().take_while(|line| !line.contains("asked to terminate"));
    let complaints: Vec<_> =
        serving.filter(|line| line.contains(" WARN ") || line.contains("ERROR ")).collect();
    let is_told = |line: &&str| line.contains("the database does not take messages");
    assert!(complaints.len() == outages && complaints.iter().all(is_told), "{log}");
    let ends = log.lines().filter(|line| line.contains("the database takes messages again")).count();
    assert_eq!(ends, outages, "{log}");
}

/// Ends the program in order.
pub(crate) async fn end(program: Program) -> End {
    program.signal("TERM");
    let end = program.end().await;
    assert_eq!(end.code, Some(0), "{}", end.log);
    end
}
