//! `/stats`: to be replaced by the chart branch.

use super::data::{Ctx, Done};

/// Sums
#[poise::command(slash_command, guild_only, ephemeral)]
pub(super) async fn stats(ctx: Ctx<'_>) -> Done {
    let _ = ctx;
    Ok(())
}
