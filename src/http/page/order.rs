//! One order: everything stored, its items, its history, the card it came from, and its form.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use askama::Template;
use axum::{
    body::Body,
    extract::{RawQuery, State},
    http::{StatusCode, header::LOCATION},
    response::{Html, IntoResponse, Response},
};
use serde_json::Map;

use super::card::DiscordCard;
use super::cells::{Change, Link, Moment, Value, order_path, picture, title_of, value};
use super::form::{EditForm, FieldKind};
use super::frame::{Frame, Head, Viewer};
use super::render;
use super::url::UrlQuery;
use crate::card::decode::discord::MessageRef;
use crate::config::Level;
use crate::http::api::changes::change_by;
use crate::http::api::order_patch::{Columns, OrderPatch};
use crate::http::api::orders::find;
use crate::http::cross_site::SameOrigin;
use crate::http::error::{ApiError, FieldError};
use crate::http::query::PathSegment;
use crate::http::{AppState, body};
use crate::ingest::{EditError, Guard};
use crate::order::{Carrier, Fields, Order, OrderItem, Status, View};
use crate::redact::credentials;
use crate::store::OrderEvent;

/// The steps of the history that the page shows.
const MAX_EVENTS: u64 = 200;
/// The messages that the page shows.
const MAX_CARDS: usize = 10;
/// Columns in the head of the page, which the details leave out.
const IN_HEAD: [&str; 2] = ["product", "status"];

#[derive(Template)]
#[template(path = "order.html", config = "src/http/page/askama.toml")]
struct OrderPage {
    head: Head,
    frame: Frame,
    order: Order,
    path: String,
    /// The version of the order, for the form.
    version: i64,
    may_edit: bool,
    details: Vec<Detail>,
    items: Vec<Item>,
    events: Vec<Event>,
    /// How many steps the history has beyond those shown.
    more_events: u64,
    cards: Vec<Card>,
    discord: Option<String>,
    tracking: Option<Link>,
    /// The address of the product's picture, if pictures are shown.
    picture: Option<String>,
    form: Option<EditForm>,
    /// The live changes of this order.
    stream: String,
}

/// A value with the title of its column.
struct Detail {
    name: String,
    title: String,
    value: Value,
    /// The text to copy, if somebody may want to.
    copy: Option<String>,
}

/// A product line.
struct Item {
    product: String,
    notes: Vec<String>,
    quantity: Value,
    price: Value,
    total: Value,
    received: Value,
}

/// A step of the history.
struct Event {
    at: Moment,
    is_new: bool,
    by: Author,
    /// The row of the log with the message; `None` if the reader may not see the log.
    log: Option<i64>,
    changes: Vec<Change>,
}

/// The person, file or message behind a change, and a link to a page about it.
#[derive(Clone)]
struct Author {
    text: String,
    url: Option<String>,
}

/// A message about the order.
struct Card {
    at: Moment,
    endpoint: String,
    discord: Vec<DiscordCard>,
    text: String,
    raw: String,
}

pub(crate) async fn show(
    viewer: Viewer,
    State(state): State<Arc<AppState>>,
    PathSegment(key): PathSegment,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let order = find(&state.store, &key).await?;
    if order.number.as_str() != key {
        // A row id, another spelling or a former number: one address for each order.
        return Ok((StatusCode::SEE_OTHER, [(LOCATION, order_path(&order))]).into_response());
    }
    let is_editing = UrlQuery::of(query.as_deref()).is("edit", "1") && viewer.level >= Level::Manager;
    let masked = viewer.caller.view().order(order.clone());
    let form = is_editing.then(|| EditForm::of(&masked, state.timezone));
    page(&state, &viewer, order, form).await.map(IntoResponse::into_response)
}

/// Saves the form, or shows it again with what is wrong.
pub(crate) async fn save(
    _: SameOrigin,
    viewer: Viewer,
    State(state): State<Arc<AppState>>,
    PathSegment(key): PathSegment,
    body: Body,
) -> Result<Response, ApiError> {
    let text = body::read_text(body, &state.closing).await?;
    // Unlike in a URL, an empty value has a meaning: it empties the column.
    let sent: Map<String, serde_json::Value> = form_urlencoded::parse(text.as_bytes())
        .map(|(name, value)| (name.into_owned(), value.replace("\r\n", "\n").into()))
        .collect();
    let sent = |name: &str| sent.get(name).and_then(|value| value.as_str()).unwrap_or_default();
    let order = find(&state.store, &key).await?;
    let masked = viewer.caller.view().order(order.clone());
    let form = EditForm::sent(&masked, state.timezone, sent);
    if form.version != order.updated_at.timestamp_micros() {
        return conflict(&state, &viewer, order, form.after_conflict()).await;
    }
    let changed = form.changed();
    let columns = match OrderPatch::of_texts(changed).read(state.timezone) {
        Ok(columns) => columns,
        Err(errors) => {
            let page = page(&state, &viewer, order, Some(form.with_errors(&errors))).await?;
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
        }
    };
    match edit(&state, &viewer, &order, columns).await {
        Ok(()) => Ok((StatusCode::SEE_OTHER, [(LOCATION, order_path(&order))]).into_response()),
        Err(EditError::Changed) => {
            let order = find(&state.store, &key).await?;
            let masked = viewer.caller.view().order(order.clone());
            let form = EditForm::sent(&masked, state.timezone, sent).after_conflict();
            conflict(&state, &viewer, order, form).await
        }
        Err(error) => Err(error.into()),
    }
}

/// Shows the form again, because somebody else has changed the order.
async fn conflict(
    state: &AppState,
    viewer: &Viewer,
    order: Order,
    form: EditForm,
) -> Result<Response, ApiError> {
    let page = page(state, viewer, order, Some(form)).await?;
    Ok((StatusCode::PRECONDITION_FAILED, page).into_response())
}

/// Redirects to the Discord message that created the order.
pub(crate) async fn discord(
    State(state): State<Arc<AppState>>,
    PathSegment(key): PathSegment,
) -> Result<Response, ApiError> {
    let order = find(&state.store, &key).await?;
    let message = state.store.source_message(order.id).await?.ok_or(ApiError::NotFound("Discord message"))?;
    Ok((StatusCode::SEE_OTHER, [(LOCATION, message.url())]).into_response())
}

/// Cancels an order that has not ended, if it is still the one that the reader saw.
pub(crate) async fn cancel(
    _: SameOrigin,
    viewer: Viewer,
    State(state): State<Arc<AppState>>,
    PathSegment(key): PathSegment,
    body: Body,
) -> Result<Response, ApiError> {
    let form = UrlQuery::of(Some(&body::read_text(body, &state.closing).await?));
    let order = find(&state.store, &key).await?;
    let has_ended = order.fields.status.is_some_and(Status::is_cancelled_or_refunded);
    let is_current = form.get("version") == order.updated_at.timestamp_micros().to_string();
    if !has_ended && is_current {
        let set = Fields { status: Some(Status::Cancelled), ..Fields::default() };
        match edit(&state, &viewer, &order, Columns { set, ..Columns::default() }).await {
            // The page shows the change of somebody else.
            Ok(()) | Err(EditError::Changed) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok((StatusCode::SEE_OTHER, [(LOCATION, order_path(&order))]).into_response())
}

/// Changes the version of an order that the caller has read.
async fn edit(state: &AppState, viewer: &Viewer, order: &Order, columns: Columns) -> Result<(), EditError> {
    let guard = Some(Guard::Version(order.updated_at));
    let edit = change_by(viewer.actor(), order.id, columns, guard);
    state.ingest.edit(edit).await.map(drop)
}

async fn page(
    state: &AppState,
    viewer: &Viewer,
    order: Order,
    form: Option<EditForm>,
) -> Result<Html<String>, ApiError> {
    let (view, zone, currency) = (viewer.caller.view(), state.timezone, order.fields.currency);
    let history = state.store.latest_events(order.id, MAX_EVENTS).await?;
    let source = state.store.source_message(order.id).await?;
    let cards = if view == View::Full { cards(state, &history.items).await? } else { Vec::new() };
    let may_see_log = viewer.level >= Level::Admin;
    let shown = history.items.len() as u64;
    let authors = authors(state, viewer, &history.items).await?;
    let events = history.items.into_iter().zip(authors).map(|(event, by)| {
        let OrderEvent { event_type, changes, log_id, created_at, .. } = event;
        Event {
            at: Moment::of(created_at, zone),
            is_new: event_type == "created",
            by,
            log: log_id.filter(|_| may_see_log),
            changes: changes
                .into_iter()
                .map(|change| Change::of(view.change(change), zone, currency))
                .collect(),
        }
    });
    let events = events.collect();
    let order = view.order(order);
    let product = order.fields.product.clone().unwrap_or_else(|| order.number.to_string());
    let tracking = order.fields.tracking_number.as_deref().and_then(|number| {
        let carrier = Carrier::of(number)?;
        Some(Link { url: carrier.tracking_url(number), text: carrier.as_str().to_owned() })
    });
    let stream = UrlQuery::default().with("search", format!("#{}", order.number)).with("in_place", true);
    render(&OrderPage {
        head: viewer.head(),
        frame: viewer.frame(product, "Orders"),
        path: order_path(&order),
        version: order.updated_at.timestamp_micros(),
        may_edit: viewer.level >= Level::Manager,
        details: details(&order, zone),
        items: order.items.iter().map(|item| Item::of(item, &order)).collect(),
        events,
        more_events: history.total.count.saturating_sub(shown),
        cards,
        discord: source.map(MessageRef::url),
        tracking,
        picture: picture(&order, state.pictures),
        form,
        stream: stream.with("seen", state.store.last_event_id().await?).link("/live/orders"),
        order,
    })
}

/// The authors of the steps of a history.
async fn authors(state: &AppState, viewer: &Viewer, events: &[OrderEvent]) -> Result<Vec<Author>, ApiError> {
    let actors: BTreeSet<&str> = events.iter().filter_map(|event| event.actor.as_deref()).collect();
    let names = state.store.names_of_users(actors).await?;
    // The name of a file may hold personal data.
    let may_see_files = viewer.level >= Level::Manager;
    let imports: BTreeSet<i64> = events.iter().filter_map(|event| event.import).collect();
    let imports = state.store.import_files(imports).await?.into_iter().map(|(id, file_name, undoes)| {
        let text = match undoes {
            Some(undone) => format!("the undo of import {undone}"),
            None if may_see_files => format!("the file {file_name}"),
            None => format!("import {id}"),
        };
        (id, Author { text, url: may_see_files.then(|| format!("/import/{id}")) })
    });
    let files: HashMap<i64, Author> = imports.collect();
    let author = |event: &OrderEvent| {
        let file = event.import.and_then(|id| files.get(&id).cloned());
        let actor = event.actor.as_deref();
        file.unwrap_or_else(|| Author::of(actor, &event.source, actor.and_then(|actor| names.get(actor))))
    };
    Ok(events.iter().map(author).collect())
}

impl Author {
    /// The author from the stored actor and source. `name` is the name of a Discord user.
    fn of(actor: Option<&str>, source: &str, name: Option<&String>) -> Self {
        let text = |text: &str| Self { text: text.to_owned(), url: None };
        let Some(actor) = actor else {
            return text(match source {
                "discord_bot" => "a Discord message",
                "webhook" => "a message over HTTP",
                "manual_upload" => "an imported file",
                other => other,
            });
        };
        match (actor.split_once(':'), actor) {
            (Some(("discord", id)), _) => Self {
                text: name.cloned().unwrap_or_else(|| format!("Discord user {id}")),
                url: Some(format!("https://discord.com/users/{id}")),
            },
            (Some(("token", name)), _) => text(&format!("{name} (token)")),
            (_, "page") => text("a person at the page"),
            (_, "api") => text("a request to the API"),
            (_, "cli") => text("the command line"),
            (_, other) => text(other),
        }
    }
}

/// The values of an order that are not empty, in the order of its columns.
fn details(order: &Order, zone: chrono_tz::Tz) -> Vec<Detail> {
    let texts = order.fields.named_texts();
    let copied = ["tracking_number", "email", "shipping_address", "reference_number", "customer_name"];
    let columns = texts.into_iter().filter(|(name, _)| !IN_HEAD.contains(name)).map(|(name, text)| Detail {
        name: name.to_owned(),
        title: title_of(name),
        value: value(order, name, zone),
        copy: Some(text).filter(|_| copied.contains(&name)),
    });
    let extra = order.extra.iter().map(|(label, text)| Detail {
        name: "extra".to_owned(),
        title: label.clone(),
        value: Value::Text(text.clone()),
        copy: None,
    });
    let times = [("First stored", order.created_at), ("Last change", order.updated_at)];
    let times = times.into_iter().map(|(title, at)| Detail {
        name: "times".to_owned(),
        title: title.to_owned(),
        value: Value::Time(Moment::of(at, zone)),
        copy: None,
    });
    columns.chain(extra).chain(times).collect()
}

impl Item {
    /// The values of its columns of numbers.
    fn numbers(&self) -> [&Value; 4] {
        [&self.quantity, &self.received, &self.price, &self.total]
    }

    fn of(item: &OrderItem, order: &Order) -> Self {
        let code = order.fields.currency.map_or("", |currency| currency.code());
        let money = |amount| Value::of(amount, |amount| Value::Money(amount, code));
        Self {
            product: item.product.clone().unwrap_or_else(|| "(no name)".to_owned()),
            notes: [item.size.clone(), item.sku.clone()].into_iter().flatten().collect(),
            quantity: Value::of(item.quantity, Value::Count),
            price: money(item.unit_price),
            total: money(item.line_total),
            received: Value::of(item.qty_received, Value::Count),
        }
    }
}

/// The messages behind the steps of a history, newest first.
async fn cards(state: &AppState, events: &[OrderEvent]) -> Result<Vec<Card>, ApiError> {
    let mut ids: Vec<i64> = events.iter().filter_map(|event| event.log_id).collect();
    ids.dedup();
    ids.truncate(MAX_CARDS);
    let mut cards = Vec::new();
    for id in ids {
        let Some(entry) = state.store.log(id).await?.filter(|entry| entry.emptied_at.is_none()) else {
            continue;
        };
        let raw = credentials(&entry.payload).into_owned();
        cards.push(Card {
            at: Moment::of(entry.sent_at, state.timezone),
            endpoint: entry.endpoint,
            discord: DiscordCard::of_payload(&raw),
            text: credentials(&entry.flattened).into_owned(),
            raw: pretty(&raw),
        });
    }
    Ok(cards)
}

/// A payload with line breaks if it is JSON, else as it is.
pub(crate) fn pretty(raw: &str) -> String {
    let parsed = serde_json::from_str::<serde_json::Value>(raw);
    parsed.and_then(|json| serde_json::to_string_pretty(&json)).unwrap_or_else(|_| raw.to_owned())
}

impl EditForm {
    /// The same form with the faults that the API names.
    fn with_errors(mut self, errors: &[FieldError]) -> Self {
        for field in &mut self.fields {
            let error = errors.iter().find(|error| error.field == field.name);
            field.error = error.map(|error| error.detail.clone());
        }
        self
    }

    /// The fields that the reader changed, as texts for the API.
    fn changed(&self) -> Map<String, serde_json::Value> {
        let changed = self.fields.iter().filter(|field| field.is_changed());
        changed.map(|field| (field.name.to_owned(), field.text.clone().into())).collect()
    }
}
