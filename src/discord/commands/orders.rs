//! `/orders`: the list, ten at a time.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use poise::ChoiceParameter;
use serde_json::{Value, json};
use serenity::all::{ButtonStyle, CreateActionRow, CreateButton};

use super::data::{Ctx, Data, Done};
use super::failure::Failure;
use super::route::{Arguments, custom_id};
use super::show_order::choice_of;
use crate::discord::reply::embed::Sheet;
use crate::discord::reply::responder::Turn;
use crate::discord::reply::screen::Screen;
use crate::discord::reply::text::{ago, code, counted, cut, money, plain_line, shown_line, sign};
use crate::order::dates;
use crate::order::dates::{DayEdge, EXAMPLES, day_of};
use crate::order::{Order, Status};
use crate::store::{From, OrderFilter, OrderPage, Total};

/// Orders on a page.
const PAGE: u64 = 10;
/// Longest product on a line.
const LONGEST_PRODUCT: usize = 70;

/// Where an order stands, to choose from.
#[derive(Clone, Copy, Debug, ChoiceParameter)]
pub(crate) enum StatusChoice {
    #[name = "pending"]
    Pending,
    #[name = "processing"]
    Processing,
    #[name = "shipped"]
    Shipped,
    #[name = "delivered"]
    Delivered,
    #[name = "cancelled"]
    Cancelled,
    #[name = "refunded"]
    Refunded,
    #[name = "verified"]
    Verified,
    #[name = "unverified"]
    Unverified,
}

/// List orders, newest first
#[poise::command(slash_command, guild_only, ephemeral)]
#[expect(clippy::too_many_arguments, reason = "they are the options of the command")]
pub(crate) async fn orders(
    ctx: Ctx<'_>,
    #[description = "Only of this status"] status: Option<StatusChoice>,
    #[description = "Only of this store, such as Best Buy US"] store: Option<String>,
    #[description = "Only of this profile"] profile: Option<String>,
    #[description = "Only of this e-mail address"] email: Option<String>,
    #[description = "Part of number, product, e-mail, profile or tracking number"] search: Option<String>,
    #[description = "Only from this day on, such as 2026-01-31"] since: Option<String>,
    #[description = "Only up to this day"] until: Option<String>,
) -> Done {
    let turn = Turn::of(ctx);
    turn.defer().await?;
    let text = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let filter = OrderFilter {
        status: status.and_then(|status| Status::from_name(ChoiceParameter::name(&status))),
        store: text(store),
        profile: text(profile),
        email: text(email),
        search: text(search),
        since: day(turn.data, since, DayEdge::Start)?,
        until: day(turn.data, until, DayEdge::End)?,
    };
    let view = turn.data.deps.store.save_view(&to_json(&filter).to_string(), Utc::now()).await?;
    turn.show(page(turn.data, &filter, view, From::Newest, 1).await?).await
}

/// Button: another page.
pub(crate) async fn turn_page(turn: &Turn<'_>, mut arguments: Arguments<'_>) -> Done {
    turn.defer_update().await?;
    let view = arguments.read()?;
    let (place, id, number) = (arguments.text()?, arguments.read()?, arguments.read::<u64>()?);
    let from = match place {
        "first" => From::Newest,
        "last" => From::Oldest,
        "next" => From::Before(id),
        "previous" => From::After(id),
        _ => return Err(Failure::OutOfDate),
    };
    let text = turn.data.deps.store.view(view).await?.ok_or(Failure::OutOfDate)?;
    let filter = from_json(&text).ok_or(Failure::OutOfDate)?;
    turn.show(page(turn.data, &filter, view, from, number).await?).await
}

/// A page of the list. `number` is which one it should be; 0 is the last.
async fn page(
    data: &Data,
    filter: &OrderFilter,
    view: i64,
    from: From,
    number: u64,
) -> Result<Screen, Failure> {
    let store = &data.deps.store;
    let OrderPage { items, has_newer, has_older } = store.order_page(filter, from, PAGE).await?;
    let total = store.count_orders(filter).await?;
    if items.is_empty() && !has_newer && !has_older {
        let nothing = if *filter == OrderFilter::default() {
            "There are no orders yet. They appear here as soon as the first card is read."
        } else {
            "No order is like that."
        };
        return Ok(Screen::text(nothing));
    }
    // What came in since the page before makes the numbers of pages shift; the ends are certain.
    let pages = total.count.div_ceil(PAGE).max(1);
    let number = match (has_newer, has_older) {
        (false, _) => 1,
        (true, false) if total.exact => pages,
        _ => number.max(1),
    };
    let sheet = Sheet {
        title: title(filter, data.orders.timezone),
        description: items.iter().map(line).collect::<Vec<_>>().join("\n"),
        colour: 0x005_865F2,
        footer: footer(number, pages, total),
        ..Sheet::default()
    };
    let ends = (items.first().map_or(0, |order| order.id), items.last().map_or(0, |order| order.id));
    let mut rows = vec![pager(view, ends, number, pages, (has_newer, has_older))];
    if !items.is_empty() {
        rows.push(choice_of(&items));
    }
    Ok(Screen { rows, ..Screen::sheet(sheet) })
}

fn pager(
    view: i64,
    (newest, oldest): (i64, i64),
    number: u64,
    pages: u64,
    (has_newer, has_older): (bool, bool),
) -> CreateActionRow {
    let button = |label: &str, place: &str, id: i64, number: u64, works: bool| {
        CreateButton::new(custom_id("list", &[&view, &place, &id, &number]))
            .label(label)
            .style(ButtonStyle::Secondary)
            .disabled(!works)
    };
    CreateActionRow::Buttons(vec![
        button("First", "first", 0, 1, has_newer),
        button("Previous", "previous", newest, number.saturating_sub(1), has_newer),
        button("Next", "next", oldest, number.saturating_add(1), has_older),
        button("Last", "last", 0, pages, has_older),
    ])
}

fn title(filter: &OrderFilter, zone: Tz) -> String {
    let texts = [
        filter.status.map(|status| status.as_str().to_owned()),
        filter.store.as_deref().map(shown_line),
        filter.profile.as_deref().map(shown_line),
        filter.email.as_deref().map(shown_line),
        filter.search.as_deref().map(|text| format!("“{}”", shown_line(text))),
        filter.since.map(|since| format!("since {}", day_of(since, zone))),
        // The end lies outside: what was typed is the day before it.
        filter.until.map(|until| format!("until {}", day_of(until - TimeDelta::microseconds(1), zone))),
    ];
    let texts: Vec<String> = texts.into_iter().flatten().collect();
    if texts.is_empty() { "Orders".to_owned() } else { format!("Orders: {}", texts.join(", ")) }
}

fn line(order: &Order) -> String {
    let fields = &order.fields;
    let product =
        fields.product.as_deref().map(|product| shown_line(&cut(&plain_line(product), LONGEST_PRODUCT)));
    let parts = [
        Some(code(&cut(order.number.as_str(), LONGEST_PRODUCT))),
        fields.total.map(|total| format!("**{}**", money(total, order))),
        product,
        Some(ago(fields.order_date.unwrap_or(order.created_at))),
    ];
    let line = parts.into_iter().flatten().collect::<Vec<_>>().join(" · ");
    format!("{} {line}", sign(fields.status))
}

fn footer(number: u64, pages: u64, total: Total) -> String {
    let orders = counted(total.count, "order", "orders");
    if total.exact {
        format!("Page {number} of {pages} · {orders}")
    } else {
        format!("Page {number} · more than {orders}")
    }
}

fn day(data: &Data, text: Option<String>, edge: DayEdge) -> Result<Option<DateTime<Utc>>, Failure> {
    let Some(text) = text.filter(|text| !text.trim().is_empty()) else { return Ok(None) };
    let found = dates::parse_limit(&text, data.orders.timezone, edge);
    found.map(Some).ok_or_else(|| {
        let text = code(&cut(&text, LONGEST_PRODUCT));
        Failure::told(format!("{text} is not a date. Write it as {EXAMPLES}."))
    })
}

/// A filter as it is kept for its buttons.
fn to_json(filter: &OrderFilter) -> Value {
    let OrderFilter { status, store, profile, email, search, since, until } = filter;
    json!({
        "status": status.map(Status::as_str), "store": store, "profile": profile, "email": email,
        "search": search, "since": since, "until": until,
    })
}

fn from_json(text: &str) -> Option<OrderFilter> {
    let kept: Value = serde_json::from_str(text).ok()?;
    let text = |key: &str| kept[key].as_str().map(str::to_owned);
    let moment = |key: &str| kept[key].as_str().and_then(|at| at.parse().ok());
    Some(OrderFilter {
        status: kept["status"].as_str().and_then(Status::from_name),
        store: text("store"),
        profile: text("profile"),
        email: text("email"),
        search: text("search"),
        since: moment("since"),
        until: moment("until"),
    })
}
