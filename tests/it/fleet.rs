//! Several real ROMS on one PostgreSQL: all take HTTP, one watches Discord. `just test-postgres`
//! runs these.
#![cfg(unix)]

mod leading;
mod live;
mod outgoing;
mod tokens;

use std::time::Duration;

use serde_json::Value;
use tokio::time::timeout;

use crate::support::app::until;
use crate::support::discord::Discord;
use crate::support::home::Home;
use crate::support::program::Program;

/// A standby process must watch Discord this long after the leader's end.
pub(crate) const TAKEOVER_DEADLINE: Duration = Duration::from_secs(10);

/// The `discord` part of the health of one.
async fn discord(program: &Program) -> Value {
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().unwrap();
    match client.get(format!("{}/health", program.url)).send().await {
        Ok(reply) => reply.json::<Value>().await.unwrap_or_default()["checks"]["discord"].clone(),
        Err(_) => Value::Null,
    }
}

pub(crate) async fn leads(program: &Program) -> bool {
    discord(program).await["role"] == "leader"
}

/// Waits until a standby process watches Discord.
pub(crate) async fn until_it_leads(program: &Program) {
    let connected = until("it watches Discord", async || discord(program).await["connected"] == true);
    timeout(TAKEOVER_DEADLINE, connected).await.expect("it takes over before the deadline");
}

/// A place with the configuration and database of another one.
pub(crate) fn like(home: &Home) -> Home {
    let shared = home.with_same_database();
    std::fs::copy(home.path().join("config.toml"), shared.path().join("config.toml")).unwrap();
    shared
}

/// Starts a process that watches Discord, and then a standby process for each of `more`.
pub(crate) async fn start(home: Home, more: Vec<Home>, discord: &Discord) -> Vec<Program> {
    let mut programs = vec![Program::start_in(home).await];
    discord.until_ready().await;
    for home in more {
        let mut program = Program::start_in(home).await;
        if !program.start_lines.iter().any(|line| line.contains("standing by")) {
            program.line_with("standing by").await;
        }
        programs.push(program);
    }
    programs
}
