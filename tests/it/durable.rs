//! No acknowledged order is lost, whatever happens to the program, its database and its disk. These tests run
//! the real program under load. An order is acknowledged if it was answered with 200 or posted to a watched
//! channel of Discord.
#![cfg(unix)]

mod full;
mod kill;
mod locked;
mod server;
mod stop;

use crate::support::app::until_ok;
use crate::support::bot::card;
use crate::support::discord::{Channel, Discord, Webhook};
use crate::support::home::Home;
use crate::support::program::{End, Program};
use crate::support::sql::Sql;
use crate::watching::program::home_of;

/// A Discord double with a watched channel, and the cards that were posted there.
pub(crate) struct Posts {
    pub(crate) discord: Discord,
    channel: Channel,
    hook: Webhook,
    /// Numbers of the orders posted there.
    pub(crate) numbers: Vec<String>,
}

impl Posts {
    /// Also returns a folder whose configuration watches the channel.
    async fn new() -> (Self, Home) {
        Self::in_home(Home::new()).await
    }

    /// Like [`Self::new`], in this folder.
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

    /// Waits until the channel's history was requested this many more times.
    async fn until_read_again(&self, times: usize) {
        let path = format!("/channels/{}/messages", self.channel.id());
        self.discord.until_requests("GET", &path, self.discord.count("GET", &path) + times).await;
    }

    /// Waits until every order posted is stored.
    pub(crate) async fn until_stored(&self, sql: &mut Sql) {
        let posted = self.numbers.len() as u64;
        until_ok("every posted order is stored", async || {
            let stored = sql.count("orders WHERE order_number LIKE 'D-%'").await;
            if stored == posted { Ok(()) } else { Err(format!("{stored} of {posted}")) }
        })
        .await;
    }
}

/// Asserts that the log has one line for the start of each outage and one for its end, and no other warning or
/// error than a changed cause of an outage.
fn assert_logged_outages(log: &str, outages: usize) {
    let serving = log.lines().take_while(|line| !line.contains("asked to terminate"));
    let warnings: Vec<_> =
        serving.filter(|line| line.contains(" WARN ") || line.contains("ERROR ")).collect();
    let count = |text: &str| warnings.iter().filter(|line| line.contains(text)).count();
    let (starts, changes) =
        (count("the database does not accept"), count("the database still does not accept"));
    assert!(starts == outages && starts + changes == warnings.len(), "{log}");
    let ends = log.lines().filter(|line| line.contains("the database accepts messages again")).count();
    assert_eq!(ends, outages, "{log}");
}

/// Stops the program with SIGTERM.
pub(crate) async fn end(program: Program) -> End {
    program.signal("TERM");
    let end = program.end().await;
    assert_eq!(end.code, Some(0), "{}", end.log);
    end
}
