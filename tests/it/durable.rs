//! Nothing that was acknowledged is lost, whatever happens to the program, its database and its
//! disk: with the real program, under load. Acknowledged is what was answered with 200, or
//! posted to a watched channel of Discord.
#![cfg(unix)]

mod full;
mod kill;
mod locked;
mod stop;

use crate::support::bot::card;
use crate::support::discord::{Discord, Webhook};
use crate::support::program::{End, Program};
use crate::support::sql::Sql;
use crate::watching::program::folder;

/// A Discord with a watched channel.
struct Posts {
    discord: Discord,
    hook: Webhook,
    /// Numbers of the orders posted there.
    numbers: Vec<String>,
}

impl Posts {
    /// With a folder for a ROMS that watches it.
    async fn new() -> (Self, tempfile::TempDir) {
        let discord = Discord::start().await;
        let channel = discord.guild("Buyers").channel("checkouts");
        let hook = channel.webhook("Refract");
        let folder = folder(&discord, &channel, "");
        (Self { discord, hook, numbers: Vec::new() }, folder)
    }

    fn post(&mut self, cards: usize) {
        for _ in 0..cards {
            let number = format!("D-{}", self.numbers.len());
            self.hook.post(card(&number, "$9.99"));
            self.numbers.push(number);
        }
    }

    /// Waits until every order posted is stored.
    async fn until_stored(&self, sql: &mut Sql) {
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

/// Asserts that an outage left one line when it began and one when it ended, and no other
/// complaint.
fn assert_told_once(log: &str) {
    let complaints: Vec<_> =
        log.lines().filter(|line| line.contains(" WARN ") || line.contains("ERROR ")).collect();
    assert!(complaints.len() == 1 && complaints[0].contains("the database does not take messages"), "{log}");
    let ends = log.lines().filter(|line| line.contains("the database takes messages again")).count();
    assert_eq!(ends, 1, "{log}");
}

/// Ends the program in order.
async fn end(program: Program) -> End {
    program.signal("TERM");
    let end = program.end().await;
    assert_eq!(end.code, Some(0), "{}", end.log);
    end
}
