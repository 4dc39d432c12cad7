//! `roms send-sample`: posts the sample message of the users' guide to a running ROMS and shows what it
//! stored.

use std::{io::Write, time::Duration};

use anyhow::{Context, anyhow, bail};
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Map, Value};

use super::server::{Server, ServerUrl};
use super::{CommandError, table::write_aligned};
use crate::{config::Config, order::Fields};

/// The users' guide's message, character for character.
const SAMPLE: &str = include_str!("sample.txt");

const TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    server: Server,
}

impl Arguments {
    /// Posts the sample to the given ROMS, else to the one that this configuration starts.
    pub(crate) async fn run(
        self,
        config: impl FnOnce() -> Result<Config, CommandError>,
        out: &mut impl Write,
    ) -> Result<(), CommandError> {
        let (base, client) = self.server.connect(config, TIMEOUT)?;
        Ok(send(&base, &client, out).await?)
    }
}

async fn send(base: &ServerUrl, client: &Client, out: &mut impl Write) -> anyhow::Result<()> {
    let webhook = "/api/v2/webhooks/orders";
    writeln!(out, "Posting the sample message to {base}{webhook}")?;
    let post = client.post(base.of(webhook)).header("content-type", "text/plain").body(SAMPLE);
    let (status, receipt) = answer(post, base).await?;
    writeln!(out, "Response: {status}\n")?;
    let message = text(&receipt, "message").unwrap_or_else(|| receipt.to_string());
    if status == StatusCode::UNAUTHORIZED {
        bail!("{message}: put one into the variable ROMS_TOKEN, or name its file with --token-file");
    }
    if !status.is_success() {
        bail!("the message was not stored: {message}");
    }
    let number = text(&receipt, "order_number").context("the response names no order")?;

    writeln!(out, "Order")?;
    let lines = [
        ("Order ID", text(&receipt, "order_id")),
        ("Order Number", Some(number.clone())),
        ("Outcome", text(&receipt, "outcome")),
        ("Message", Some(message)),
    ];
    write_aligned(out, lines.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))))?;

    let (status, order) = answer(client.get(base.of(&format!("/api/v2/orders/{number}"))), base).await?;
    let Value::Object(order) = order else { bail!("the order cannot be read back: {status}") };
    if !status.is_success() {
        bail!("the order cannot be read back: {status}");
    }
    writeln!(out, "\nWhat was stored")?;
    write_aligned(out, filled_columns(&order))
}

/// Status and body of the response. A body that is not JSON becomes a text.
async fn answer(request: RequestBuilder, base: &ServerUrl) -> anyhow::Result<(StatusCode, Value)> {
    let response = request.send().await.map_err(|error| {
        if error.is_connect() {
            anyhow!(
                "nothing answers at {base}: is ROMS running? Start it with `roms`, or `cargo run --release`"
            )
        } else {
            let reason = if error.is_timeout() { "timed out" } else { "the connection broke" };
            anyhow!("no answer from {base}: {reason}").context(error.without_url())
        }
    })?;
    let status = response.status();
    let body = response.text().await.context("the response broke off")?;
    Ok((status, serde_json::from_str(&body).unwrap_or(Value::String(body))))
}

/// The columns that are not empty, in the order of the table, then all other keys.
fn filled_columns(order: &Map<String, Value>) -> Vec<(String, String)> {
    let mut names: Vec<&str> =
        ["id", "order_number"].into_iter().chain(Fields::NAMES.iter().copied()).collect();
    let others: Vec<&str> = order.keys().map(String::as_str).filter(|name| !names.contains(name)).collect();
    names.extend(others);
    names.into_iter().filter_map(|name| Some((name.to_owned(), shown(order.get(name)?)?))).collect()
}

fn text(object: &Value, name: &str) -> Option<String> {
    object.get(name).and_then(shown)
}

/// A JSON value as people read it; `None` if there is nothing to show.
fn shown(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Object(content) if content.is_empty() => None,
        Value::Array(content) if content.is_empty() => None,
        other => Some(other.to_string()),
    }
}
