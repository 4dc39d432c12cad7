//! `/help`: lists the commands that the caller may use.

use super::context::{CommandResult, Context, begin, usage};
use crate::discord::reply::Reply;
use crate::discord::reply::embed::{BLURPLE, EmbedBuilder};

/// Show the commands you can use
#[poise::command(slash_command, guild_only, ephemeral)]
pub(crate) async fn help(ctx: Context<'_>) -> CommandResult {
    let (_, responder) = begin(ctx);
    let mut embed = EmbedBuilder::titled("Commands you can use", BLURPLE);
    for command in &ctx.framework.options.commands {
        let Some(usage) = usage(command) else { continue };
        if usage.level.is_none_or(|level| responder.has_level(level)) {
            // The commands in the menu of a message have no description, but a name that says enough.
            let description = command.description.as_deref().or(command.context_menu_name.as_deref());
            embed.field(description.unwrap_or(&command.name), format!("`{}`", usage.example));
        }
    }
    embed.footer = match responder.level {
        Some(level) => format!("Your access level: {}", level.as_str()),
        None => "You have no access level yet. Please ask an admin of ROMS.".to_owned(),
    };
    responder.show(Reply::embed(embed)).await
}
