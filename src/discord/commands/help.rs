//! `/help`: what the caller may use.

use super::catalogue::{ENTRIES, Entry};
use super::data::{Command, Ctx, Done};
use crate::discord::reply::embed::Sheet;
use crate::discord::reply::responder::Turn;
use crate::discord::reply::screen::Screen;

/// What you can do here
#[poise::command(slash_command, guild_only, ephemeral)]
pub(crate) async fn help(ctx: Ctx<'_>) -> Done {
    let turn = Turn::of(ctx);
    let may = |entry: &&Entry| entry.level.is_none_or(|level| turn.may(level));
    let mut sheet =
        Sheet { title: "What you can do here".to_owned(), colour: 0x0058_65F2, ..Sheet::default() };
    for entry in ENTRIES.iter().filter(may) {
        let is_it = |command: &&Command| {
            command.name == entry.name || command.context_menu_name.as_deref() == Some(entry.name)
        };
        let command = ctx.framework.options.commands.iter().find(is_it);
        let what = command.and_then(|command| command.description.as_deref()).unwrap_or(entry.name);
        sheet.wide(what, format!("`{}`", entry.example));
    }
    sheet.footer = match turn.level {
        Some(level) => format!("Your level: {}", level.as_str()),
        None => "You have no level here, which an admin of ROMS gives.".to_owned(),
    };
    turn.show(Screen::sheet(sheet)).await
}
