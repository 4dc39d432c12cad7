//! Autocompletion of order numbers: what is typed may also begin the product, the e-mail address or
//! the profile.

use serenity::all::{AutocompleteChoice, CreateAutocompleteResponse};

use super::data::Ctx;
use crate::discord::reply::text::{cut, plain_line, sign};
use crate::order::Order;

/// Most choices.
const MOST: u64 = 25;
/// Longest label, and longest value.
const LONGEST: usize = 100;

/// The orders that are most likely meant. None where the database fails: the number can still be typed.
pub(crate) async fn number(ctx: Ctx<'_>, typed: &str) -> CreateAutocompleteResponse {
    let found = ctx.framework.user_data.deps.store.complete(typed, MOST).await;
    let orders = found.unwrap_or_else(|error| {
        tracing::debug!(%error, "no completion");
        Vec::new()
    });
    CreateAutocompleteResponse::new().set_choices(orders.iter().map(choice).collect())
}

/// A number that is too long for a choice goes by the row id.
fn choice(order: &Order) -> AutocompleteChoice {
    let number = order.number.as_str();
    let fits = number.chars().count() <= LONGEST;
    AutocompleteChoice::new(label(order), if fits { number.to_owned() } else { order.id.to_string() })
}

/// An order on one line of plain text.
pub(crate) fn label(order: &Order) -> String {
    let fields = &order.fields;
    let product = fields.product.as_deref().map(plain_line);
    let parts = [Some(plain_line(order.number.as_str())), product, fields.store.as_deref().map(plain_line)];
    let line = parts.into_iter().flatten().collect::<Vec<_>>().join(" · ");
    cut(&format!("{} {line}", sign(fields.status)), LONGEST)
}
