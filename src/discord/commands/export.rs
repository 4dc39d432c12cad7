//! `/export`: sends orders as a file, CSV or an Excel workbook, that only the caller sees.

use chrono::Utc;
use serenity::all::{CreateAttachment, User};

use super::context::{CommandResult, Context, begin_deferred};
use super::orders::FilterOptions;
use crate::discord::reply::Reply;
use crate::discord::reply::error::CommandError;
use crate::discord::reply::text::pluralize;
use crate::export::{Export, ExportError, ExportFormat};
use crate::order::dates::day_of;

/// Bytes of a mebibyte, the unit of Discord's upload limits.
const MIB: usize = 1024 * 1024;

/// Get orders as a file for a spreadsheet
#[poise::command(slash_command, guild_only, ephemeral)]
#[expect(clippy::too_many_arguments, reason = "they are the options of the command")]
pub(crate) async fn export(
    ctx: Context<'_>,
    #[description = "The form of the file (default: csv)"]
    #[choices("csv", "xlsx")]
    format: Option<&'static str>,
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
    let max_size = usize::try_from(ctx.interaction.attachment_size_limit).unwrap_or(usize::MAX);
    let (data, responder) = begin_deferred(ctx).await?;
    let options = FilterOptions { status, store, profile, email, owner, search, since, until };
    let filter = options.read(data, &responder)?;
    let format = ExportFormat::ALL.into_iter().find(|known| format.unwrap_or("csv") == known.as_str());
    let format = format.ok_or(CommandError::OutOfDate)?;
    let (store, zone) = (data.services.store.clone(), data.orders.timezone);
    let total = store.count_orders(&filter).await?;
    if total.count == 0 {
        return responder.show(Reply::text("No orders match.")).await;
    }
    let mut export = Export::new(store, filter, responder.view(), Vec::new(), zone, format)?;
    let mut file = Vec::new();
    while let Some(piece) = export.next().await? {
        file.extend(piece);
        if file.len() > max_size {
            return Err(CommandError::user(format!(
                "The file would be larger than the {} MiB that Discord accepts here. Narrow the filter, or download \
                 all orders from the web page or `GET /api/v2/orders/export`.",
                max_size / MIB
            )));
        }
    }
    let name = format!("orders-{}.{}", day_of(Utc::now(), zone), format.as_str());
    let orders = pluralize(total.count, "order", "orders");
    let text = if total.exact { orders } else { format!("More than {orders}") };
    let files = vec![CreateAttachment::bytes(file, name)];
    responder.show(Reply { files, ..Reply::text(format!("{text}.")) }).await
}

impl From<ExportError> for CommandError {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Store(error) => error.into(),
            error @ ExportError::TooManyOrders => Self::user(format!("There are too many orders: {error}.")),
            ExportError::Workbook(reason) => {
                tracing::error!(reason, "cannot write a workbook");
                Self::Malformed("the workbook could not be written")
            }
        }
    }
}
