//! `roms token …`: creates, lists and revokes tokens. A running ROMS follows within a second.

use std::io::Write;

use anyhow::{anyhow, bail};
use chrono::{DateTime, TimeDelta, Utc};

use super::{open_existing, open_or_create, table::write_rows};
use crate::{
    clock,
    config::Config,
    outbox::check_relay,
    store::{CreatedToken, NewToken, Store, Token},
    token::{RelayUrl, Scope, Scopes, TokenKind, TokenName, parse_lifetime},
};

/// The person who creates and revokes tokens here, in the access log.
const ACTOR: &str = "cli";

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Create a token and print it. It cannot be shown again.
    Create(Create),
    /// List the tokens that are not revoked.
    List,
    /// Revoke a token. It stops working within a second.
    Revoke {
        /// The token's name.
        name: String,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct Create {
    /// A name, such as the program that will use the token.
    #[arg(long, value_name = "NAME")]
    name: TokenName,
    /// The scopes of the token: ingest, read, read:pii, write or admin. Separate several with commas.
    #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ',', required_unless_present = "url")]
    scopes: Vec<Scope>,
    /// Create a link for a program that can only take a URL. Without --scope it is a webhook link, and its token can
    /// only send cards. With --scope read or read:pii, it is a link to a table of orders for spreadsheets.
    #[arg(long)]
    url: bool,
    /// Pass the cards of this link on to a Discord webhook.
    #[arg(long, value_name = "URL", requires = "url", conflicts_with = "scopes")]
    relay_url: Option<RelayUrl>,
    /// Create a signing secret too: ROMS then accepts only signed requests with this token.
    #[arg(long)]
    signed: bool,
    /// How long the token works, such as "90 days" [default: until it is revoked].
    #[arg(long, value_name = "TIME", value_parser = parse_lifetime)]
    expires: Option<TimeDelta>,
}

impl Command {
    pub(crate) async fn run(self, config: &Config, out: &mut impl Write) -> anyhow::Result<()> {
        match self {
            Self::Create(create) => {
                let store = open_or_create(config).await?;
                create.run(&store, config, out).await?;
                store.close().await?;
            }
            Self::List => {
                let store = open_existing(config).await?;
                list(&store.tokens().await?, clock::now(), out)?;
                store.close().await?;
            }
            Self::Revoke { name } => {
                let store = open_existing(config).await?;
                if !store.revoke_token(&name, ACTOR, clock::now()).await? {
                    bail!("there is no token named {name}; `roms token list` shows all");
                }
                store.close().await?;
                writeln!(out, "Revoked {name}.")?;
            }
        }
        Ok(())
    }
}

impl Create {
    async fn run(self, store: &Store, config: &Config, out: &mut impl Write) -> anyhow::Result<()> {
        let (now, http) = (clock::now(), &config.http);
        if let Some(relay) = &self.relay_url {
            check_relay(relay, config.webhooks.allow_private).await?;
        }
        let expires_at = match self.expires {
            Some(lifetime) => {
                Some(now.checked_add_signed(lifetime).ok_or_else(|| anyhow!("--expires is too long"))?)
            }
            None => None,
        };
        let name = self.name.to_string();
        let actor = ACTOR.to_owned();
        let new = if !self.url {
            NewToken::api(self.name, Scopes::new(self.scopes)?, actor)
        } else if self.scopes.is_empty() {
            NewToken::url(self.name, actor)
        } else {
            NewToken::export_link(self.name, Scopes::new(self.scopes)?, actor)
                .ok_or_else(|| anyhow!("with --url, the scope can only be read or read:pii"))?
        };
        if self.signed && new.scopes.only_read() {
            bail!("--signed is for tokens that send cards");
        }
        let new = NewToken { expires_at, relay_url: self.relay_url, signed: self.signed, ..new };
        let (kind, scopes) = (new.kind, new.scopes);
        let CreatedToken { id, secret, signing_secret } = store.create_token(new, now).await?;
        writeln!(out, "{}", secret.expose())?;
        writeln!(out, "This is the token {name} ({scopes}). Keep it secret; ROMS cannot show it again.")?;
        if kind == TokenKind::Api {
            let base_url = http.base_url();
            writeln!(
                out,
                "Send it with every request to {base_url} as the header `Authorization: Bearer TOKEN`."
            )?;
        }
        if scopes == Scopes::INGEST {
            writeln!(out, "A sender that can only paste a URL, such as Refract, posts to this webhook:")?;
            writeln!(out, "{}", http.webhook_link(id, &secret))?;
        }
        if kind == TokenKind::Url && scopes.only_read() {
            writeln!(out, "A spreadsheet loads all orders from this link, for example with IMPORTDATA:")?;
            writeln!(out, "{}", http.export_link(&secret))?;
        }
        if let Some(hint) = http.address_hint() {
            writeln!(out, "{hint}")?;
        }
        if let Some(signing_secret) = signing_secret {
            writeln!(
                out,
                "The sender must sign its requests with this secret, which ROMS cannot show again either:"
            )?;
            writeln!(out, "{}", signing_secret.expose())?;
        }
        Ok(())
    }
}

/// When a token expires, with a note in the last week before and after that.
fn expiry(token: &Token, now: DateTime<Utc>) -> String {
    let Some(end) = token.expires_at else { return "never".to_owned() };
    let shown = time(end);
    if token.is_expired(now) {
        format!("{shown} (expired)")
    } else if token.expires_soon(now) {
        match (end - now).num_days() {
            0 => format!("{shown} (in less than a day)"),
            1 => format!("{shown} (in 1 day)"),
            days => format!("{shown} (in {days} days)"),
        }
    } else {
        shown
    }
}

fn time(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M").to_string()
}

/// Prints one line per token.
fn list(tokens: &[Token], now: DateTime<Utc>, out: &mut impl Write) -> anyhow::Result<()> {
    if tokens.is_empty() {
        writeln!(out, "There are no tokens. Create one with `roms token create --name NAME --scope SCOPE`.")?;
        return Ok(());
    }
    let mut rows = vec![
        ["NAME", "KIND", "LAST FOUR", "SCOPES", "CREATED (UTC)", "EXPIRES", "LAST USED", "FROM"]
            .map(str::to_owned),
    ];
    rows.extend(tokens.iter().map(|token| {
        [
            token.name.clone(),
            token.kind.as_str().to_owned(),
            format!("…{}", token.last_four),
            token.scopes.to_string(),
            time(token.created_at),
            expiry(token, now),
            token.last_used_at.map_or("never".to_owned(), time),
            token.last_used_from.clone().unwrap_or_default(),
        ]
    }));
    write_rows(out, &rows)
}
