//! `/orders`: lists orders, ten on a page.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};
use serenity::all::{CreateActionRow, User};

use super::context::{CommandResult, Context, Data, begin_deferred};
use super::order_view::order_select;
use crate::discord::reply::Reply;
use crate::discord::reply::components::secondary_button;
use crate::discord::reply::custom_id::custom_id;
use crate::discord::reply::embed::{BLURPLE, EmbedBuilder};
use crate::discord::reply::error::CommandError;
use crate::discord::reply::responder::Responder;
use crate::discord::reply::text::{
    MAX_ECHO, code, escape_line, money, plain_line, pluralize, relative_time, status_emoji, truncate,
};
use crate::order::dates::{self, DayEdge, EXAMPLES, day_of};
use crate::order::{Order, Status, View};
use crate::store::{OrderFilter, OrderPage, PageStart, Total};

const PAGE_SIZE: u64 = 10;
/// The length of a number or product on its line.
const MAX_TEXT: usize = 70;

/// List orders, newest first
#[poise::command(slash_command, guild_only, ephemeral)]
#[expect(clippy::too_many_arguments, reason = "they are the options of the command")]
pub(crate) async fn orders(
    ctx: Context<'_>,
    #[description = "Only orders with this status"]
    #[choices(
        "pending",
        "processing",
        "shipped",
        "delivered",
        "cancelled",
        "refunded",
        "verified",
        "unverified"
    )]
    status: Option<&'static str>,
    #[description = "Only orders of this store, such as Best Buy US"] store: Option<String>,
    #[description = "Only orders of this profile (for managers)"] profile: Option<String>,
    #[description = "Only orders of this e-mail address (for managers)"] email: Option<String>,
    #[description = "Only orders that belong to this member"] owner: Option<User>,
    #[description = "Part of a number, product or tracking number; for managers also of an e-mail or profile"]
    search: Option<String>,
    #[description = "Only orders from this day on, such as 2026-01-31"] since: Option<String>,
    #[description = "Only orders up to and including this day"] until: Option<String>,
) -> CommandResult {
    let (data, responder) = begin_deferred(ctx).await?;
    let options = FilterOptions { status, store, profile, email, owner, search, since, until };
    let filter = options.read(data, &responder)?;
    let view = data.services.store.save_view(&to_json(&filter).to_string(), Utc::now()).await?;
    responder.show(page(data, &filter, view, PageStart::Newest, 1).await?).await
}

/// The options that filter orders.
pub(crate) struct FilterOptions {
    pub(crate) status: Option<&'static str>,
    pub(crate) store: Option<String>,
    pub(crate) profile: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) owner: Option<User>,
    pub(crate) search: Option<String>,
    pub(crate) since: Option<String>,
    pub(crate) until: Option<String>,
}

impl FilterOptions {
    /// The filter, as the caller may use it.
    pub(crate) fn read(self, data: &Data, responder: &Responder<'_>) -> Result<OrderFilter, CommandError> {
        let text =
            |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let read_status = |name| Status::from_name(name).ok_or(CommandError::OutOfDate);
        let filter = OrderFilter {
            status: self.status.map(read_status).transpose()?,
            store: text(self.store),
            profile: text(self.profile),
            email: text(self.email),
            owner: self.owner.map(|user| user.id.to_string()),
            product: None,
            attention: None,
            search: text(self.search),
            since: read_day(data, text(self.since), DayEdge::Start)?,
            until: read_day(data, text(self.until), DayEdge::End)?,
            public_search: false,
        };
        allowed(filter, responder)
    }
}

/// Buttons "First", "Previous", "Next" and "Last".
pub(crate) async fn show_page(data: &Data, responder: &Responder<'_>) -> CommandResult {
    let mut arguments = responder.arguments();
    responder.defer_update().await?;
    let view = arguments.parse()?;
    let (direction, id, number) = (arguments.text()?, arguments.parse()?, arguments.parse()?);
    let start = match direction {
        "first" => PageStart::Newest,
        "last" => PageStart::Oldest,
        "next" => PageStart::Before(id),
        "previous" => PageStart::After(id),
        _ => return Err(CommandError::OutOfDate),
    };
    let stored = data.services.store.view(view).await?.ok_or(CommandError::OutOfDate)?;
    // The list may be another person's, or the caller may have lost a level since.
    let filter = allowed(from_json(&stored).ok_or(CommandError::OutOfDate)?, responder)?;
    responder.show(page(data, &filter, view, start, number).await?).await
}

/// The filter as the caller may use it. A search leaves out what is hidden from the caller, and a filter by it is
/// refused.
fn allowed(filter: OrderFilter, responder: &Responder<'_>) -> Result<OrderFilter, CommandError> {
    if filter.email.is_some() || filter.profile.is_some() {
        responder.require_full_view("filter by e-mail address or profile")?;
    }
    Ok(OrderFilter { public_search: responder.view() == View::Masked, ..filter })
}

/// Reads a page of the list. `number` is the page number to show, if the list has not changed.
async fn page(
    data: &Data,
    filter: &OrderFilter,
    view: i64,
    start: PageStart,
    number: u64,
) -> Result<Reply, CommandError> {
    let store = &data.services.store;
    let OrderPage { items, has_newer, has_older } = store.order_page(filter, start, PAGE_SIZE).await?;
    let total = store.count_orders(filter).await?;
    if items.is_empty() && !has_newer && !has_older {
        return Ok(Reply::text(
            if (OrderFilter { public_search: false, ..filter.clone() }) == OrderFilter::default() {
                "There are no orders yet. They appear here as soon as ROMS reads the first card."
            } else {
                "No orders match."
            },
        ));
    }
    // New orders shift the numbers of the pages, but the first and the last page are certain.
    let pages = total.count.div_ceil(PAGE_SIZE).max(1);
    let number = match (has_newer, has_older) {
        (false, _) => 1,
        (true, false) if total.exact => pages,
        _ => number.max(1),
    };
    let embed = EmbedBuilder {
        description: items.iter().map(line).collect::<Vec<_>>().join("\n"),
        footer: footer(number, pages, total),
        ..EmbedBuilder::titled(title(filter, data.orders.timezone), BLURPLE)
    };
    let newest = items.first().map_or(0, |order| order.id);
    let oldest = items.last().map_or(0, |order| order.id);
    let buttons = [
        ("First", "first", 0, 1, has_newer),
        ("Previous", "previous", newest, number.saturating_sub(1), has_newer),
        ("Next", "next", oldest, number.saturating_add(1), has_older),
        ("Last", "last", 0, pages, has_older),
    ];
    let buttons = buttons.map(|(label, direction, id, number, is_enabled)| {
        let id = custom_id("list", &[&view, &direction, &id, &number]);
        secondary_button(id, label).disabled(!is_enabled)
    });
    let reply = Reply::embed(embed).with_row(CreateActionRow::Buttons(buttons.into()));
    // Discord rejects a select without options.
    Ok(if items.is_empty() { reply } else { reply.with_row(order_select(&items)) })
}

fn title(filter: &OrderFilter, zone: Tz) -> String {
    let parts = [
        filter.status.map(|status| status.as_str().to_owned()),
        filter.store.as_deref().map(escape_line),
        filter.profile.as_deref().map(escape_line),
        filter.email.as_deref().map(escape_line),
        filter.owner.as_deref().map(|id| format!("<@{id}>")),
        filter.search.as_deref().map(|text| format!("“{}”", escape_line(text))),
        filter.since.map(|since| format!("since {}", day_of(since, zone))),
        // The bound is the first moment after the day that the caller typed.
        filter.until.map(|until| format!("until {}", day_of(until - TimeDelta::microseconds(1), zone))),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "Orders".to_owned() } else { format!("Orders: {}", parts.join(", ")) }
}

fn line(order: &Order) -> String {
    let fields = &order.fields;
    let product = fields.product.as_deref();
    let parts = [
        Some(code(&truncate(order.number.as_str(), MAX_TEXT))),
        fields.total.map(|total| format!("**{}**", money(total, order))),
        product.map(|product| escape_line(&truncate(&plain_line(product), MAX_TEXT))),
        Some(relative_time(fields.order_date.unwrap_or(order.created_at))),
    ];
    let line = parts.into_iter().flatten().collect::<Vec<_>>().join(" · ");
    format!("{} {line}", status_emoji(fields.status))
}

fn footer(number: u64, pages: u64, total: Total) -> String {
    let orders = pluralize(total.count, "order", "orders");
    if total.exact {
        format!("Page {number} of {pages} · {orders}")
    } else {
        format!("Page {number} · more than {orders}")
    }
}

fn read_day(data: &Data, text: Option<String>, edge: DayEdge) -> Result<Option<DateTime<Utc>>, CommandError> {
    let Some(text) = text else { return Ok(None) };
    let found = dates::parse_limit(&text, data.orders.timezone, edge);
    found.map(Some).ok_or_else(|| {
        let text = code(&truncate(&text, MAX_ECHO));
        CommandError::user(format!("{text} is not a date. Write it as {EXAMPLES}."))
    })
}

/// A filter as the database stores it for the buttons of the list.
fn to_json(filter: &OrderFilter) -> Value {
    let OrderFilter { status, store, profile, email, owner, search, since, until, .. } = filter;
    json!({
        "status": status.map(Status::as_str), "store": store, "profile": profile, "email": email,
        "owner": owner, "search": search, "since": since, "until": until,
    })
}

/// Reads a stored filter. Returns `None` if any part of it cannot be read: ignoring that part would
/// list orders that the caller filtered out.
fn from_json(text: &str) -> Option<OrderFilter> {
    let stored: Value = serde_json::from_str(text).ok()?;
    let text = |key: &str| stored[key].as_str().map(str::to_owned);
    let moment = |key: &str| stored[key].as_str().and_then(|at| at.parse().ok());
    let filter = OrderFilter {
        status: stored["status"].as_str().and_then(Status::from_name),
        store: text("store"),
        profile: text("profile"),
        email: text("email"),
        owner: text("owner"),
        search: text("search"),
        since: moment("since"),
        until: moment("until"),
        ..OrderFilter::default()
    };
    let read = to_json(&filter);
    stored.as_object()?.iter().all(|(key, value)| read[key] == *value).then_some(filter)
}
