//! `/token`: creates, lists and revokes tokens, as `roms token` does. The answers are for the caller alone.

use std::fmt::Display;
use std::str::FromStr;

use chrono::Utc;
use serenity::all::CreateAutocompleteResponse;

use super::context::{CommandResult, Context, begin, begin_deferred};
use crate::discord::reply::Reply;
use crate::discord::reply::components::choices;
use crate::discord::reply::embed::{BLURPLE, EmbedBuilder, MAX_FIELDS};
use crate::discord::reply::error::CommandError;
use crate::discord::reply::text::{MAX_ECHO, code, relative_time, truncate};
use crate::outbox::check_relay;
use crate::store::{CreatedToken, NewToken, StoreError, Token};
use crate::token::{RelayUrl, Scopes, TokenKind, parse_lifetime};

/// Manage the tokens with which programs use the HTTP API
#[poise::command(
    slash_command,
    guild_only,
    ephemeral,
    subcommands("create", "list", "revoke"),
    subcommand_required
)]
#[expect(clippy::unused_async, reason = "poise calls it as an async function")]
pub(crate) async fn token(_: Context<'_>) -> CommandResult {
    // Discord requires a subcommand.
    Err(CommandError::OutOfDate)
}

/// Create a token, and show it once
#[poise::command(slash_command, guild_only, ephemeral)]
async fn create(
    ctx: Context<'_>,
    #[description = "A name, such as the program that will use the token"] name: String,
    #[description = "ingest, read, read:pii, write or admin; separate several with commas"] scope: Option<
        String,
    >,
    #[description = "Whether to make a link: a webhook, or with the scope read a table for spreadsheets"] url: Option<
        bool,
    >,
    #[description = "The Discord webhook to which the cards of the link are passed on"] relay_url: Option<
        String,
    >,
    #[description = "Whether requests must be signed"] signed: Option<bool>,
    #[description = "How long it works, such as 90 days (default: until it is revoked)"] expires: Option<
        String,
    >,
) -> CommandResult {
    let (data, responder) = begin_deferred(ctx).await?;
    let now = Utc::now();
    let (name, actor) = (read(&name)?, responder.actor());
    let new = match (url.unwrap_or_default(), scope) {
        (true, None) => NewToken::url(name, actor),
        (false, Some(scope)) if relay_url.is_none() => NewToken::api(name, read::<Scopes>(&scope)?, actor),
        (true, Some(scope)) if relay_url.is_none() => {
            NewToken::export_link(name, read::<Scopes>(&scope)?, actor).ok_or_else(|| {
                CommandError::user(
                    "A webhook link can only send cards: leave `scope` out. With the scope read or read:pii, \
                     the link is a table of orders for spreadsheets.",
                )
            })?
        }
        (true, Some(_)) => {
            return Err(CommandError::user("A webhook link can only send cards: leave `scope` out."));
        }
        (false, _) => {
            return Err(CommandError::user("Set a `scope`, or `url:True` for a webhook link."));
        }
    };
    let expires_at = match expires {
        Some(text) => {
            let lifetime = parse_lifetime(&text).map_err(|error| CommandError::user(format!("{error}.")))?;
            let end = now.checked_add_signed(lifetime);
            Some(end.ok_or_else(|| CommandError::user("The token would end too far in the future."))?)
        }
        None => None,
    };
    let relay_url = relay_url.as_deref().map(read::<RelayUrl>).transpose()?;
    if let Some(relay) = &relay_url {
        let checked = check_relay(relay, data.services.ingest.outbox().allows_private()).await;
        checked.map_err(|error| CommandError::user(format!("{error}.")))?;
    }
    let new = NewToken { expires_at, relay_url, signed: signed.unwrap_or_default(), ..new };
    let (name, kind, scopes) = (new.name.to_string(), new.kind, new.scopes);
    let created = match data.services.store.create_token(new, now).await {
        Err(error @ StoreError::TokenExists(_)) => return Err(CommandError::user(format!("{error}."))),
        created => created?,
    };
    let CreatedToken { id, secret, signing_secret } = created;
    let mut lines = vec![
        format!("This is the token {} ({scopes}). Keep it secret; ROMS cannot show it again.", code(&name)),
        code(secret.expose()),
    ];
    if kind == TokenKind::Api {
        let base_url = code(&data.http.base_url());
        lines.push(format!(
            "Send it with every request to {base_url} as the header `Authorization: Bearer TOKEN`."
        ));
    }
    if scopes == Scopes::INGEST {
        lines.push("A sender that can only paste a URL, such as Refract, posts to this webhook:".to_owned());
        lines.push(code(&data.http.webhook_link(id, &secret)));
    }
    if kind == TokenKind::Url && scopes.only_read() {
        lines.push("A spreadsheet loads all orders from this link, for example with IMPORTDATA:".to_owned());
        lines.push(code(&data.http.export_link(&secret)));
    }
    lines.extend(data.http.address_hint());
    if let Some(secret) = signing_secret {
        lines.push("The sender must sign its requests with this secret:".to_owned());
        lines.push(code(secret.expose()));
    }
    responder.show(Reply::text(lines.join("\n"))).await
}

/// List the tokens that are not revoked
#[poise::command(slash_command, guild_only, ephemeral)]
async fn list(ctx: Context<'_>) -> CommandResult {
    let (data, responder) = begin_deferred(ctx).await?;
    let tokens = data.services.store.tokens().await?;
    if tokens.is_empty() {
        return responder.show(Reply::text("There are no tokens. `/token create` makes one.")).await;
    }
    let mut embed = EmbedBuilder::titled("Tokens", BLURPLE);
    // The newest first, because an embed may not have room for all of them.
    for token in tokens.iter().rev().take(MAX_FIELDS) {
        embed.field(&token.name, describe(token));
    }
    let hidden = tokens.len().saturating_sub(MAX_FIELDS);
    if hidden > 0 {
        embed.footer = format!("{hidden} older tokens are not shown; `roms token list` shows them");
    }
    responder.show(Reply::embed(embed)).await
}

fn describe(token: &Token) -> String {
    let used = match (token.last_used_at, &token.last_used_from) {
        (Some(at), Some(from)) => format!("last used {} from {}", relative_time(at), code(from)),
        (Some(at), None) => format!("last used {}", relative_time(at)),
        (None, _) => "never used".to_owned(),
    };
    let ends = match token.expires_at {
        Some(at) if token.is_expired(Utc::now()) => format!("⚠️ expired {}", relative_time(at)),
        Some(at) => format!("expires {}", relative_time(at)),
        None => "does not expire".to_owned(),
    };
    format!(
        "{} · {} · ends in {} · created {} · {ends} · {used}",
        token.kind.as_str(),
        token.scopes,
        code(&token.last_four),
        relative_time(token.created_at)
    )
}

/// Revoke a token; it stops working within a second
#[poise::command(slash_command, guild_only, ephemeral)]
async fn revoke(
    ctx: Context<'_>,
    #[description = "The token's name"]
    #[autocomplete = "complete"]
    name: String,
) -> CommandResult {
    let (data, responder) = begin_deferred(ctx).await?;
    let shown = code(&truncate(&name, MAX_ECHO));
    if !data.services.store.revoke_token(name.trim(), &responder.actor(), Utc::now()).await? {
        return Err(CommandError::user(format!("There is no token {shown}.")));
    }
    responder.show(Reply::text(format!("The token {shown} is revoked."))).await
}

/// Autocompletes the name of a token.
async fn complete(ctx: Context<'_>, typed: &str) -> CreateAutocompleteResponse {
    let (data, _) = begin(ctx);
    // The caller can still type the whole name.
    let tokens = data.services.store.tokens().await.unwrap_or_default();
    let names = tokens.into_iter().map(|token| token.name);
    choices(names.filter(|name| name.contains(typed.trim())).map(|name| (name.clone(), name)))
}

/// Reads an option.
fn read<T: FromStr<Err: Display>>(text: &str) -> Result<T, CommandError> {
    text.trim().parse().map_err(|error| CommandError::user(format!("ROMS cannot read an option: {error}.")))
}
