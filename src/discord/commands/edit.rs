//! `/edit`: changes by hand, in a modal that shows what there is.
//!
//! The modal carries a mark of each value it showed: only what somebody changed is written, so that a
//! card that comes in while the modal is open loses nothing.

use std::time::Duration;

use chrono::Utc;
use serenity::all::{CreateActionRow, CreateInputText, CreateModal, InputTextStyle};
use sha2::{Digest, Sha256};
use tokio::time::timeout;

use super::completion::number as complete;
use super::data::{Ctx, Done};
use super::failure::Failure;
use super::order;
use super::route::{Arguments, custom_id};
use crate::card::parse;
use crate::discord::reply::responder::Turn;
use crate::discord::reply::text::{code, cut};
use crate::ingest::EditError;
use crate::order::{Edit, Fields, Order, Status};

/// Discord waits three seconds for a modal.
const LONGEST_LOOK: Duration = Duration::from_secs(2);
/// Longest text of a modal's input.
const LONGEST_INPUT: u16 = 4000;
/// Longest tracking number.
const LONGEST_NUMBER: u16 = 255;

/// A field of the modal.
struct Input {
    column: &'static str,
    label: &'static str,
    most: u16,
    paragraph: bool,
    shown: fn(&Fields) -> Option<String>,
    /// Puts what was typed into the edit, or says what would do.
    read: fn(&str, &mut Fields) -> Result<(), String>,
}

const INPUTS: [Input; 5] = [
    Input {
        column: "status",
        label: "Status",
        most: 50,
        paragraph: false,
        shown: |fields| fields.status.map(|status| status.as_str().to_owned()),
        read: |text, fields| {
            let known = || Status::ALL.map(Status::as_str).join(", ");
            let status = parse::status(text).ok_or_else(|| format!("is no status; there are {}", known()))?;
            fields.status = Some(status);
            Ok(())
        },
    },
    Input {
        column: "tracking_number",
        label: "Tracking number",
        most: LONGEST_NUMBER,
        paragraph: false,
        shown: |fields| fields.tracking_number.clone(),
        read: |text, fields| {
            fields.tracking_number = Some(text.to_owned());
            Ok(())
        },
    },
    Input {
        column: "qty_received",
        label: "Quantity received",
        most: 10,
        paragraph: false,
        shown: |fields| fields.qty_received.map(|count| count.to_string()),
        read: |text, fields| {
            fields.qty_received = Some(parse::count(text).ok_or("is no quantity from 0 to 1,000,000")?);
            Ok(())
        },
    },
    Input {
        column: "commission",
        label: "Commission",
        most: 30,
        paragraph: false,
        shown: |fields| fields.commission.map(|amount| amount.to_string()),
        read: |text, fields| {
            fields.commission = Some(parse::money::read(text).ok_or("is no amount such as 20.00")?.amount);
            Ok(())
        },
    },
    Input {
        column: "notes",
        label: "Notes",
        most: LONGEST_INPUT,
        paragraph: true,
        shown: |fields| fields.notes.clone(),
        read: |text, fields| {
            fields.notes = Some(text.to_owned());
            Ok(())
        },
    },
];

/// Change an order by hand
#[poise::command(slash_command, guild_only, ephemeral)]
pub(crate) async fn edit(
    ctx: Ctx<'_>,
    #[description = "Order number, or the beginning of product, e-mail or profile"]
    #[autocomplete = "complete"]
    number: String,
) -> Done {
    let turn = Turn::of(ctx);
    let found = timeout(LONGEST_LOOK, order::find(turn.data, &number)).await;
    turn.open(modal(&found.map_err(|_| Failure::Late)??)).await
}

/// Button: opens the modal.
pub(crate) async fn open(turn: &Turn<'_>, mut arguments: Arguments<'_>) -> Done {
    let id = arguments.read()?;
    let found = timeout(LONGEST_LOOK, order::by_id(turn.data, id)).await;
    turn.open(modal(&found.map_err(|_| Failure::Late)??)).await
}

/// Modal: writes what was changed in it.
pub(crate) async fn save(turn: &Turn<'_>, mut arguments: Arguments<'_>) -> Done {
    if turn.on_message {
        turn.defer_update().await?;
    } else {
        turn.defer().await?;
    }
    let id = arguments.read()?;
    let (mut set, mut clear, mut wrong) = (Fields::default(), Vec::new(), Vec::new());
    for input in &INPUTS {
        let (before, typed) = (arguments.text()?, turn.typed(input.column).ok_or(Failure::OutOfDate)?);
        let typed = normal(typed);
        if mark(&typed) == before {
            continue;
        }
        if typed.is_empty() {
            clear.push(input.column);
        } else if typed.chars().count() > usize::from(input.most) {
            wrong.push(format!("{}: at most {} characters", input.label, input.most));
        } else if let Err(why) = (input.read)(&typed, &mut set) {
            wrong.push(format!("{}: {} {why}", input.label, code(&cut(&typed, usize::from(LONGEST_NUMBER)))));
        }
    }
    if !wrong.is_empty() {
        return Err(Failure::told(format!("Nothing was changed.\n{}", wrong.join("\n"))));
    }
    let edit = Edit { order: id, at: Utc::now(), actor: turn.actor(), set, clear, guard: None };
    let edited = turn.data.deps.ingest.edit(edit).await?;
    let changed: Vec<&str> = edited.changes.iter().map(|change| change.field.as_str()).collect();
    let text = if changed.is_empty() {
        "Nothing was changed.".to_owned()
    } else {
        format!("Changed: {}.", changed.join(", ").replace('_', " "))
    };
    let mut screen = order::screen(turn, &edited.after).await?;
    screen.text = text;
    turn.show(screen).await
}

fn modal(order: &Order) -> CreateModal {
    let shown = |input: &Input| normal(&(input.shown)(&order.fields).unwrap_or_default());
    let marks = INPUTS.each_ref().map(|input| mark(&cut(&shown(input), usize::from(input.most))));
    let [status, tracking, received, commission, notes] = &marks;
    let id = custom_id("save", &[&order.id, status, tracking, received, commission, notes]);
    let rows = INPUTS.iter().map(|input| {
        let style = if input.paragraph { InputTextStyle::Paragraph } else { InputTextStyle::Short };
        let text =
            CreateInputText::new(style, input.label, input.column).required(false).max_length(input.most);
        let value = cut(&shown(input), usize::from(input.most));
        let text = if value.is_empty() { text } else { text.value(value) };
        CreateActionRow::InputText(text)
    });
    CreateModal::new(id, cut(&format!("Order {}", order.number), 45)).components(rows.collect())
}

/// A text as a modal may give it back although nobody touched it.
fn normal(text: &str) -> String {
    text.replace("\r\n", "\n").trim().to_owned()
}

/// Tells one text from another: the first of its hash.
fn mark(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()).iter().take(4).copied().collect::<Vec<u8>>())
}

impl From<EditError> for Failure {
    fn from(error: EditError) -> Self {
        match error {
            EditError::NotFound => Self::OutOfDate,
            EditError::Changed => Self::told("The order has changed since. Look at it again first."),
            EditError::Closed => Self::told("ROMS is being restarted. Try again in a moment."),
            EditError::Storage => Self::Edit(error),
        }
    }
}
