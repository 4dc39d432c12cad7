//! `roms send-sample`: posts the guide's message to a running ROMS and shows what was stored.

use std::{io::Write, time::Duration};

use anyhow::{Context, anyhow, bail};
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Map, Value};

use super::report::write_aligned;
use crate::order::Fields;

/// The message of the users' guide, to the letter.
const SAMPLE: &str = include_str!("sample.txt");

/// Long enough for a busy machine, short enough for somebody who waits for an answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Posts the sample to the ROMS at `url`.
///
/// # Errors
/// When ROMS does not answer, or not with success.
pub(crate) async fn run(url: &str, out: &mut impl Write) -> anyhow::Result<()> {
    let base = url.trim_end_matches('/');
    // A proxy from the environment would be asked for the loopback address of its own machine.
    let client = Client::builder().no_proxy().timeout(TIMEOUT).build()?;

    let webhook = format!("{base}/api/v2/webhooks/orders");
    writeln!(out, "Posting the sample message to {webhook}")?;
    let post = client.post(&webhook).header("content-type", "text/plain").body(SAMPLE);
    let (status, receipt) = answer(post, base).await?;
    writeln!(out, "Response: {status}\n")?;
    let message = text(&receipt, "message").unwrap_or_else(|| receipt.to_string());
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

    let (status, order) = answer(client.get(format!("{base}/api/v2/orders/{number}")), base).await?;
    let Value::Object(order) = order else { bail!("the order cannot be read back: {status}") };
    if !status.is_success() {
        bail!("the order cannot be read back: {status}");
    }
    writeln!(out, "\nWhat was stored")?;
    write_aligned(out, filled_columns(&order))?;
    Ok(())
}

/// Status and JSON body of the response; a body that is no JSON is a text.
async fn answer(request: RequestBuilder, base: &str) -> anyhow::Result<(StatusCode, Value)> {
    let response = request.send().await.map_err(|error| {
        if error.is_connect() {
            anyhow!(
                "nothing answers at {base}: is ROMS running? Start it with `roms`, or `cargo run --release`"
            )
        } else {
            anyhow!("no answer from {base}: {}", if error.is_timeout() { "timed out" } else { "broken off" })
                .context(error.without_url())
        }
    })?;
    let status = response.status();
    let body = response.text().await.context("the response broke off")?;
    Ok((status, serde_json::from_str(&body).unwrap_or(Value::String(body))))
}

/// The columns that are not empty, in the order of the table, then whatever else there is.
fn filled_columns(order: &Map<String, Value>) -> Vec<(String, String)> {
    let first = ["id", "order_number"].into_iter().chain(Fields::NAMES.iter().copied());
    let mut names: Vec<&str> = first.filter(|name| order.contains_key(*name)).collect();
    let rest: Vec<&str> = order.keys().map(String::as_str).filter(|name| !names.contains(name)).collect();
    names.extend(rest);
    names.into_iter().filter_map(|name| Some((name.to_owned(), shown(order.get(name)?)?))).collect()
}

fn text(object: &Value, name: &str) -> Option<String> {
    object.get(name).and_then(shown)
}

/// A JSON value for people; `None` where there is nothing to show.
fn shown(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Object(content) if content.is_empty() => None,
        Value::Array(content) if content.is_empty() => None,
        other => Some(other.to_string()),
    }
}
