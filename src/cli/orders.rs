//! `roms orders` lists orders, `roms orders delete` deletes one, and `roms order` shows one with its items and history.

use std::io::Write;

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use clap::builder::PossibleValuesParser;

use super::{
    CommandError, confirm_deletion,
    date::TypedDate,
    open_existing,
    table::{without_controls, write_aligned, write_rows},
};
use crate::{
    config::Config,
    order::{FieldChange, Order, OrderItem, Status, View, parse_owner},
    redact::credentials,
    store::{OrderFilter, PageStart, Store},
};

/// Changes of an order that are shown.
const MAX_EVENTS: u64 = 200;
/// Longer products are cut, so that a row fits a terminal.
const MAX_PRODUCT_CHARS: usize = 40;

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Orders {
    #[command(flatten)]
    list: List,
    #[command(subcommand)]
    command: Option<OrdersCommand>,
}

#[derive(Debug, clap::Subcommand)]
enum OrdersCommand {
    /// Delete an order, such as a test order, with its history and its messages in the log.
    Delete(Delete),
}

#[derive(Debug, clap::Args)]
struct Delete {
    /// The order's number.
    #[arg(value_name = "NUMBER")]
    number: String,
    /// Do not ask for confirmation.
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, clap::Args)]
struct List {
    /// Only orders with this status.
    #[arg(long, value_parser = PossibleValuesParser::new(Status::ALL.map(Status::as_str)))]
    status: Option<String>,
    /// Only orders placed since this date, such as 2026-01-31 or "31 January 2026".
    #[arg(long, value_name = "DATE", value_parser = TypedDate::parse)]
    since: Option<TypedDate>,
    /// Only orders with this text in the order number, products, SKUs, e-mail address, profile or tracking number.
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Only orders that belong to this Discord user: an id or a mention.
    #[arg(long, value_name = "USER", value_parser = owner)]
    owner: Option<String>,
    /// Maximum number of orders.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Show {
    /// The order's number.
    #[arg(value_name = "NUMBER")]
    number: String,
}

fn owner(text: &str) -> Result<String, String> {
    parse_owner(text).ok_or_else(|| "expected a Discord user id, such as 123456789012345678".to_owned())
}

impl Orders {
    pub(crate) async fn run(self, config: &Config, out: &mut impl Write) -> Result<(), CommandError> {
        match self.command {
            None => self.list.run(config, out).await,
            Some(OrdersCommand::Delete(delete)) => Ok(delete.run(config, out).await?),
        }
    }
}

impl Delete {
    /// Asks for confirmation, and deletes the order and everything derived from it.
    async fn run(self, config: &Config, out: &mut impl Write) -> anyhow::Result<()> {
        let store = open_existing(config).await?;
        let order = store.order(&self.number).await?;
        let order = order.with_context(|| format!("there is no order {}", self.number))?;
        write_rows(out, &[row(&order, config.orders.timezone)])?;
        confirm_deletion(self.yes, out)?;
        if !store.delete_order(&order).await? {
            bail!("the order has just been deleted by somebody else");
        }
        store.close().await?;
        writeln!(out, "Deleted, with its history and its messages in the log")?;
        Ok(())
    }
}

impl List {
    /// Prints a table of the newest matching orders.
    async fn run(self, config: &Config, out: &mut impl Write) -> Result<(), CommandError> {
        let zone = config.orders.timezone;
        let since = self.since.as_ref().map(|date| date.start(zone)).transpose();
        let filter = OrderFilter {
            status: self.status.as_deref().and_then(Status::from_name),
            since: since.map_err(CommandError::Usage)?,
            search: self.search,
            owner: self.owner,
            ..OrderFilter::default()
        };
        Ok(list(&filter, self.limit, config, out).await?)
    }
}

async fn list(filter: &OrderFilter, limit: u16, config: &Config, out: &mut impl Write) -> anyhow::Result<()> {
    let store = open_existing(config).await?;
    let page = store.order_page(filter, PageStart::Newest, limit.into()).await;
    store.close().await?;
    let page = page?;
    if page.items.is_empty() {
        writeln!(out, "No orders found")?;
        return Ok(());
    }
    let title = ["NUMBER", "DATE", "STATUS", "QTY", "TOTAL", "STORE", "PRODUCT"].map(str::to_owned);
    let rows = page.items.iter().map(|order| row(order, config.orders.timezone));
    write_rows(out, &std::iter::once(title).chain(rows).collect::<Vec<_>>())?;
    if page.has_older {
        writeln!(out, "There are older orders; --limit shows more")?;
    }
    Ok(())
}

fn row(order: &Order, zone: Tz) -> [String; 7] {
    let fields = &order.fields;
    let or_empty = |text: Option<&str>| text.map(one_line).unwrap_or_default();
    let total = fields.total.map(|total| total.to_decimal().to_string());
    let currency = fields.currency.map(|currency| currency.code());
    let product = or_empty(fields.product.as_deref());
    let product = match product.char_indices().nth(MAX_PRODUCT_CHARS) {
        Some(_) => product.chars().take(MAX_PRODUCT_CHARS - 1).chain(['…']).collect(),
        None => product,
    };
    [
        one_line(order.number.as_str()),
        fields
            .order_date
            .map(|date| date.with_timezone(&zone).format("%Y-%m-%d").to_string())
            .unwrap_or_default(),
        or_empty(fields.status.map(Status::as_str)),
        fields.quantity.map(|quantity| quantity.to_string()).unwrap_or_default(),
        [total.as_deref(), currency].into_iter().flatten().collect::<Vec<_>>().join(" "),
        or_empty(fields.store.as_deref()),
        product,
    ]
}

impl Show {
    /// Prints the order, its items and its history.
    pub(crate) async fn run(self, config: &Config, out: &mut impl Write) -> anyhow::Result<()> {
        let store = open_existing(config).await?;
        let shown = show(&store, &self.number, config.orders.timezone, out).await;
        store.close().await?;
        shown
    }
}

async fn show(store: &Store, number: &str, zone: Tz, out: &mut impl Write) -> anyhow::Result<()> {
    let order = store.order(number).await?;
    let order = View::Full.order(order.with_context(|| format!("there is no order {number}"))?);
    writeln!(out, "Order {}", printable(order.number.as_str()))?;
    let fields = order.fields.named_texts().into_iter();
    let fields = fields.map(|(name, text)| (name.to_owned(), shown(name, &text, zone)));
    let unreadable = order.unreadable.iter().map(|(name, text)| ((*name).to_owned(), text.clone()));
    let extra = order.extra.iter().map(|(label, text)| (format!("extra.{label}"), text.clone()));
    let times = [("created_at", order.created_at), ("updated_at", order.updated_at)];
    let times = times.into_iter().map(|(name, at)| (name.to_owned(), local(at, zone)));
    let lines = fields.chain(unreadable).chain(extra).chain(times);
    write_aligned(out, lines.map(|(name, text)| (one_line(&name), printable(&text))))?;

    if !order.items.is_empty() {
        writeln!(out, "\nItems")?;
        write_aligned(
            out,
            (1..).zip(&order.items).map(|(position, item)| (format!("{position}"), item_text(item))),
        )?;
    }

    writeln!(out, "\nHistory")?;
    let mut lines = Vec::new();
    let history = store.latest_events(order.id, MAX_EVENTS).await?.items;
    if history.len() as u64 == MAX_EVENTS {
        writeln!(out, "   Only the last {MAX_EVENTS} changes are shown")?;
    }
    for event in history.into_iter().rev() {
        let by = event.actor.map(|actor| format!(" by {actor}")).unwrap_or_default();
        let import = event.import.map(|id| format!(", import {id}")).unwrap_or_default();
        let heading = format!("{} ({}{by}{import})", event.event_type, event.source);
        let changes = event.changes.into_iter().map(|change| change_text(&View::Full.change(change), zone));
        let text = std::iter::once(heading).chain(changes).collect::<Vec<_>>().join("\n");
        lines.push((local(event.created_at, zone), text));
    }
    write_aligned(out, lines)
}

/// An item's product, and below it the rest that is known about it.
fn item_text(item: &OrderItem) -> String {
    let (product, details): (Vec<_>, Vec<_>) =
        item.named_texts().into_iter().partition(|(name, _)| *name == "product");
    let product = product.first().map_or_else(|| "(no product)".to_owned(), |(_, product)| one_line(product));
    let details = details.iter().map(|(name, text)| format!("{name}: {}", one_line(text)));
    std::iter::once(product).chain(details).collect::<Vec<_>>().join("\n")
}

/// A time in the configured zone.
fn local(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S %Z").to_string()
}

/// The value of a column, with a date like the other times of the order.
fn shown(column: &str, text: &str, zone: Tz) -> String {
    let date = column.ends_with("_date").then(|| text.parse::<DateTime<Utc>>());
    date.and_then(Result::ok).map_or_else(|| text.to_owned(), |at| local(at, zone))
}

fn change_text(FieldChange { field, old, new }: &FieldChange, zone: Tz) -> String {
    let shown = |value: &Option<String>| {
        value.as_deref().map_or_else(|| "empty".to_owned(), |text| one_line(&shown(field, text, zone)))
    };
    match old {
        None => format!("{}: {}", one_line(field), shown(new)),
        Some(_) => format!("{}: {} → {}", one_line(field), shown(old), shown(new)),
    }
}

/// Text of a card without credentials and without control characters, which could rewrite the terminal.
fn printable(text: &str) -> String {
    without_controls(&credentials(text)).replace('\t', " ")
}

fn one_line(text: &str) -> String {
    printable(text).replace('\n', " ")
}
