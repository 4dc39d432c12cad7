//! `/edit`: changes an order by hand, in a modal that shows its current values.
//!
//! The modal's custom id holds a fingerprint of each value that the modal showed. Only values that the
//! caller changed are written, so a card that arrives while the modal is open is not overwritten.

use std::time::Duration;

use chrono::Utc;
use serenity::all::{CreateActionRow, CreateInputText, CreateModal, InputTextStyle};
use tokio::time::timeout;

use super::context::{CommandResult, Context, Data, begin};
use super::order_view::{by_id, complete, find, order_reply};
use crate::card::parse::typed;
use crate::discord::reply::custom_id::{custom_id, fingerprint};
use crate::discord::reply::error::CommandError;
use crate::discord::reply::responder::Responder;
use crate::discord::reply::text::{code, truncate};
use crate::order::{Edit, Fields, Order, Source};

/// Discord waits 3 seconds for a modal.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(2);
/// Discord's limit for the text of a modal's input.
const MAX_INPUT: u16 = 4000;
const MAX_TRACKING_NUMBER: u16 = 255;
/// Discord's limit for the title of a modal.
const MAX_MODAL_TITLE: usize = 45;

/// An input of the modal.
struct Input {
    column: &'static str,
    label: &'static str,
    max_length: u16,
    style: InputTextStyle,
}

const INPUTS: [Input; 5] = [
    Input { column: "status", label: "Status", max_length: 50, style: InputTextStyle::Short },
    Input {
        column: "tracking_number",
        label: "Tracking number",
        max_length: MAX_TRACKING_NUMBER,
        style: InputTextStyle::Short,
    },
    Input {
        column: "qty_received",
        label: "Quantity received",
        max_length: 10,
        style: InputTextStyle::Short,
    },
    Input { column: "commission", label: "Commission", max_length: 30, style: InputTextStyle::Short },
    Input { column: "notes", label: "Notes", max_length: MAX_INPUT, style: InputTextStyle::Paragraph },
];

impl Input {
    /// The value that the modal shows.
    fn shown(&self, order: &Order) -> String {
        let texts = order.fields.named_texts();
        let value = texts.into_iter().find(|(column, _)| *column == self.column);
        let value = value.map(|(_, text)| text).unwrap_or_default();
        truncate(&normalize(&value), usize::from(self.max_length))
    }
}

/// Change an order by hand
#[poise::command(slash_command, guild_only, ephemeral)]
pub(crate) async fn edit(
    ctx: Context<'_>,
    #[description = "Order number, or the start of a product, e-mail address or profile"]
    #[autocomplete = "complete"]
    number: String,
) -> CommandResult {
    let (data, responder) = begin(ctx);
    let found = timeout(LOOKUP_TIMEOUT, find(data, &number)).await;
    responder.open(modal(&found.map_err(|_| CommandError::Timeout)??)).await
}

/// Button "Edit": opens the modal.
pub(crate) async fn open(data: &Data, responder: &Responder<'_>) -> CommandResult {
    let found = timeout(LOOKUP_TIMEOUT, by_id(data, responder.arguments().parse()?)).await;
    responder.open(modal(&found.map_err(|_| CommandError::Timeout)??)).await
}

/// Modal: writes the values that the caller changed.
pub(crate) async fn save(data: &Data, responder: &Responder<'_>) -> CommandResult {
    let mut arguments = responder.arguments();
    if responder.opened_by_component {
        responder.defer_update().await?;
    } else {
        responder.defer().await?;
    }
    let id = arguments.parse()?;
    let (mut set, mut clear, mut errors) = (Fields::default(), Vec::new(), Vec::new());
    for input in &INPUTS {
        let shown = arguments.text()?;
        let text = normalize(responder.input(input.column).ok_or(CommandError::OutOfDate)?);
        if fingerprint(&text) == shown {
            continue;
        }
        if text.is_empty() {
            clear.push(input.column);
        } else if text.chars().count() > usize::from(input.max_length) {
            errors.push(format!("{}: at most {} characters", input.label, input.max_length));
        } else if let Err(error) = typed::set(&mut set, input.column, &text, data.orders.timezone) {
            let text = code(&truncate(&text, usize::from(MAX_TRACKING_NUMBER)));
            errors.push(format!("{}: {text} {error}", input.label));
        }
    }
    if !errors.is_empty() {
        return Err(CommandError::user(format!("Nothing was changed.\n{}", errors.join("\n"))));
    }
    let edit = Edit { set, clear, ..Edit::new(id, Source::DiscordBot, responder.actor(), Utc::now()) };
    let edited = data.services.ingest.edit(edit).await?;
    let changed: Vec<&str> = edited.changes.iter().map(|change| change.field.as_str()).collect();
    let text = if changed.is_empty() {
        "Nothing was changed.".to_owned()
    } else {
        format!("Changed: {}.", changed.join(", ").replace('_', " "))
    };
    responder.show(order_reply(data, responder, &edited.after).await?.with_text(text)).await
}

fn modal(order: &Order) -> CreateModal {
    let values = INPUTS.each_ref().map(|input| input.shown(order));
    let [status, tracking, received, commission, notes] = values.each_ref().map(|value| fingerprint(value));
    let id = custom_id("save", &[&order.id, &status, &tracking, &received, &commission, &notes]);
    let rows = INPUTS.iter().zip(values).map(|(input, value)| {
        let text = CreateInputText::new(input.style, input.label, input.column);
        let text = text.required(false).max_length(input.max_length);
        // Discord rejects an empty value.
        CreateActionRow::InputText(if value.is_empty() { text } else { text.value(value) })
    });
    let title = truncate(&format!("Order {}", order.number), MAX_MODAL_TITLE);
    CreateModal::new(id, title).components(rows.collect())
}

/// Removes the differences that Discord makes in a text that the caller did not touch.
fn normalize(text: &str) -> String {
    text.replace("\r\n", "\n").trim().to_owned()
}
