//! `roms init`: asks for what ROMS needs to know and writes `config.toml`.
//!
//! Each answer can be an option of the command line. Questions are asked in a terminal only.

mod ask;
mod file;

use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use chrono_tz::Tz;
use iso_currency::Currency;
use url::Url;

use super::CommandError;
use crate::config::{CALLBACK, Config, Discord, File};
use crate::discord::check;
use crate::discord::rest::Rest;
use crate::discord::setup::Named;
use crate::order::currency_from_code;
use ask::Ask;

/// The name of the configuration that ROMS finds by itself.
const DEFAULT_FILE: &str = "config.toml";
/// The name of the file with the bot's token, beside the configuration.
const TOKEN_FILE: &str = "discord-token";
/// The name of the file with the client secret of the Discord application, beside the configuration.
const CLIENT_SECRET_FILE: &str = "discord-client-secret";
/// Options that need the bot.
const FOR_DISCORD: [&str; 7] =
    ["token_file", "guilds", "channels", "notice_channel", "viewers", "managers", "admins"];

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Your time zone, such as `America/New_York`.
    #[arg(long, value_name = "ZONE", value_parser = zone)]
    timezone: Option<Tz>,
    /// The currency of prices that name none, such as USD.
    #[arg(long, value_name = "CODE", value_parser = currency)]
    currency: Option<Currency>,
    /// A file that holds the Discord bot's token. It stays where it is.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Do without Discord: receive cards over HTTP only.
    #[arg(long, conflicts_with_all = FOR_DISCORD)]
    no_discord: bool,
    /// The id of a guild; repeat it for several [default: the guilds of the channels, else all guilds of the bot].
    #[arg(long = "guild", value_name = "ID", value_parser = clap::value_parser!(i64).range(1..))]
    guilds: Vec<i64>,
    /// The id of a channel to watch; repeat it for several.
    #[arg(long = "channel", value_name = "ID", value_parser = clap::value_parser!(i64).range(1..))]
    channels: Vec<i64>,
    /// The id of the channel in which ROMS announces cards that it could not read.
    #[arg(long, value_name = "ID", value_parser = clap::value_parser!(i64).range(1..))]
    notice_channel: Option<i64>,
    /// The id of a role or person that may see orders; repeat it for several.
    #[arg(long = "viewer", value_name = "ID", value_parser = clap::value_parser!(i64).range(1..))]
    viewers: Vec<i64>,
    /// The id of a role or person that may change orders too; repeat it for several.
    #[arg(long = "manager", value_name = "ID", value_parser = clap::value_parser!(i64).range(1..))]
    managers: Vec<i64>,
    /// The id of a role or person that may do everything; repeat it for several.
    #[arg(long = "admin", value_name = "ID", value_parser = clap::value_parser!(i64).range(1..))]
    admins: Vec<i64>,
    /// Address and port of the HTTP API and its pages.
    #[arg(long, value_name = "ADDRESS")]
    bind: Option<SocketAddr>,
    /// Address under which others reach ROMS by a reverse proxy or a tunnel, such as `https://orders.example.net`.
    #[arg(long, value_name = "URL", value_parser = public_url)]
    public_url: Option<String>,
    /// A file that holds the client secret of the Discord application, so that people can sign in to the page with
    /// Discord. It stays where it is.
    #[arg(long, value_name = "FILE", requires = "public_url", conflicts_with = "no_discord")]
    client_secret_file: Option<PathBuf>,
    /// Replace an existing configuration without asking.
    #[arg(long)]
    force: bool,
    /// Address of Discord's API, for tests.
    #[arg(long, value_name = "URL", hide = true)]
    api_url: Option<String>,
}

/// Reads the name of a time zone from the command line.
pub(crate) fn zone(text: &str) -> Result<Tz, String> {
    text.parse().map_err(|_| "expected a time zone such as UTC or America/New_York".to_owned())
}

fn currency(text: &str) -> Result<Currency, String> {
    currency_from_code(&text.to_uppercase())
        .ok_or_else(|| "expected a currency such as USD or EUR".to_owned())
}

fn public_url(text: &str) -> Result<String, String> {
    match Url::parse(text) {
        Ok(url) if ["http", "https"].contains(&url.scheme()) && url.username().is_empty() => {
            Ok(text.trim_end_matches('/').to_owned())
        }
        _ => Err("expected an address such as https://orders.example.net".to_owned()),
    }
}

/// The answers. The configuration is written with them.
struct Answers {
    timezone: Tz,
    currency: Currency,
    bind: SocketAddr,
    public_url: Option<String>,
    discord: Option<DiscordAnswers>,
    /// The client secret, if people sign in with Discord.
    client_secret: Option<SecretAnswer>,
}

/// A secret, which the configuration names by a file. No `Debug`: it would show the secret.
struct SecretAnswer {
    text: String,
    /// A file that exists already; `None` if the secret is written beside the configuration.
    file: Option<PathBuf>,
}

impl SecretAnswer {
    fn read(file: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(file);
        let text = text.with_context(|| format!("cannot read {}", file.display()))?.trim().to_owned();
        Ok(Self { text, file: Some(file.to_owned()) })
    }
}

impl Answers {
    /// The secrets, with the names of their files beside the configuration.
    fn secrets(&self) -> impl Iterator<Item = (&'static str, &SecretAnswer)> {
        let token = self.discord.as_ref().map(|discord| (TOKEN_FILE, &discord.token));
        let client_secret = self.client_secret.as_ref().map(|secret| (CLIENT_SECRET_FILE, secret));
        token.into_iter().chain(client_secret)
    }
}

/// The answers about Discord.
struct DiscordAnswers {
    token: SecretAnswer,
    /// The id of the application.
    application: i64,
    api_url: Option<String>,
    guilds: Vec<Named>,
    channels: Vec<Named>,
    notice_channel: Option<i64>,
    /// For each level of `[access]`, the ids.
    access: [Vec<i64>; 3],
}

impl Arguments {
    /// Asks, writes the files, checks the bot, and says what comes next.
    pub(crate) async fn run(self, path: Option<&Path>, out: &mut impl Write) -> Result<(), CommandError> {
        let path = path.unwrap_or(Path::new(DEFAULT_FILE)).to_owned();
        let ask = (io::stdin().is_terminal() && io::stderr().is_terminal()).then(Ask::new);
        self.may_write(&path, ask.as_ref())?;
        let answers = self.answers(ask.as_ref(), out).await?;
        let text = file::text(&answers);
        let config = load(&path, &text, &answers)?;
        for (name, secret) in answers.secrets().filter(|(_, secret)| secret.file.is_none()) {
            let file = path.with_file_name(name);
            self.may_write(&file, ask.as_ref())?;
            file::write_secret(&file, &secret.text)
                .with_context(|| format!("cannot write {}", file.display()))?;
        }
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        writeln!(out, "Wrote {}", path.display()).map_err(anyhow::Error::from)?;
        finish(&config, &path, out).await?;
        Ok(())
    }

    /// Fails if a file exists that may not be replaced.
    fn may_write(&self, path: &Path, ask: Option<&Ask>) -> Result<(), CommandError> {
        if self.force || !path.try_exists().unwrap_or(true) {
            return Ok(());
        }
        let question = format!("{} exists. Replace it?", path.display());
        match ask {
            Some(ask) if ask.confirm(&question, false)? => Ok(()),
            Some(_) => Err(anyhow!("nothing was changed").into()),
            None => Err(CommandError::Usage(anyhow!(
                "{} exists and is not replaced; use --force to replace it, or name another file with --config",
                path.display()
            ))),
        }
    }

    async fn answers(&self, ask: Option<&Ask>, out: &mut impl Write) -> anyhow::Result<Answers> {
        let timezone = match (self.timezone, ask) {
            (Some(timezone), _) => timezone,
            (None, Some(ask)) => ask.text("Time zone", ask::local_timezone().name(), zone)?,
            (None, None) => ask::local_timezone(),
        };
        let currency = match (self.currency, ask) {
            (Some(currency), _) => currency,
            (None, Some(ask)) => ask.text("Currency of prices that name none", "USD", currency)?,
            (None, None) => Currency::USD,
        };
        let discord = self.discord(ask, out).await?;
        let default = SocketAddr::from(([127, 0, 0, 1], 8001));
        let bind = match (self.bind, ask) {
            (Some(bind), _) => bind,
            (None, Some(ask)) => {
                ask.text("Address of the HTTP API and its pages", &default.to_string(), |text| {
                    text.parse()
                        .map_err(|_| "expected an address and a port, such as 127.0.0.1:8001".to_owned())
                })?
            }
            (None, None) => default,
        };
        let public_url = match (&self.public_url, ask) {
            (Some(url), _) => Some(url.clone()),
            (None, Some(ask)) => {
                let question = "Address on the Internet, such as https://orders.example.net (empty: none)";
                ask.optional(question, public_url)?
            }
            (None, None) => None,
        };
        let client_secret = match (&public_url, &discord) {
            (Some(url), Some(discord)) => self.client_secret(url, discord, ask, out)?,
            _ => None,
        };
        Ok(Answers { timezone, currency, bind, public_url, discord, client_secret })
    }

    /// Reads or asks for the client secret; `None` if people cannot sign in with Discord.
    fn client_secret(
        &self,
        public_url: &str,
        discord: &DiscordAnswers,
        ask: Option<&Ask>,
        out: &mut impl Write,
    ) -> anyhow::Result<Option<SecretAnswer>> {
        if let Some(file) = &self.client_secret_file {
            return SecretAnswer::read(file).map(Some);
        }
        let Some(ask) = ask else { return Ok(None) };
        if !ask.confirm("May members sign in to the page with Discord?", true)? {
            return Ok(None);
        }
        writeln!(
            out,
            "On https://discord.com/developers/applications/{}/oauth2, add the redirect {}{CALLBACK} and copy the client \
             secret.",
            discord.application, public_url
        )?;
        let text = ask.secret("Client secret (empty: no sign-in with Discord)")?;
        Ok((!text.is_empty()).then_some(SecretAnswer { text, file: None }))
    }

    async fn discord(
        &self,
        ask: Option<&Ask>,
        out: &mut impl Write,
    ) -> anyhow::Result<Option<DiscordAnswers>> {
        if self.no_discord {
            return Ok(None);
        }
        let Some((token, rest)) = self.token(ask, out).await? else {
            let lists = [&self.guilds, &self.channels, &self.viewers, &self.managers, &self.admins];
            if self.notice_channel.is_some() || lists.iter().any(|ids| !ids.is_empty()) {
                bail!("guilds, channels, roles and people need the bot: add --token-file FILE");
            }
            return Ok(None);
        };
        let application = rest.application().await.context("cannot ask Discord for the bot")?.id;
        let invite = check::invite_url(application);
        let mut guilds = rest.choosable_guilds().await.context("cannot list the bot's guilds")?;
        while let Some(ask) = ask.filter(|_| guilds.is_empty()) {
            writeln!(out, "The bot is in no guild yet. Invite it with this link:\n{invite}")?;
            if !ask.confirm("Is the bot invited?", true)? {
                break;
            }
            guilds = rest.choosable_guilds().await.context("cannot list the bot's guilds")?;
        }
        let wanted = self.guilds_of_channels(&rest).await?;
        let guilds = match ask {
            _ if !wanted.is_empty() => wanted.iter().map(|id| by_id(&guilds, *id)).collect(),
            Some(ask) if guilds.len() > 1 => ask.several("Guilds", guilds)?,
            _ => guilds,
        };
        let (mut channels, mut roles) = (Vec::new(), Vec::new());
        for guild in &guilds {
            let context = || format!("cannot read the guild {} ({})", guild.name, guild.id);
            channels.extend(rest.choosable_channels(guild.id).await.with_context(context)?);
            roles.extend(rest.choosable_roles(guild.id).await.with_context(context)?);
        }
        let watched = match ask {
            _ if !self.channels.is_empty() => self.channels.iter().map(|id| by_id(&channels, *id)).collect(),
            Some(ask) => ask.several("Channels with checkout cards", channels.clone())?,
            None => Vec::new(),
        };
        let notice_channel = match (self.notice_channel, ask) {
            (Some(id), _) => Some(id),
            (None, Some(ask)) => {
                ask.one_or_none("Channel for notices about unreadable cards", channels)?.map(|named| named.id)
            }
            (None, None) => None,
        };
        let mut access = [&self.viewers, &self.managers, &self.admins].map(Clone::clone);
        if let Some(ask) = ask.filter(|_| access.iter().all(Vec::is_empty) && !roles.is_empty())
            && ask.confirm("May members without Manage Server use the bot's commands?", false)?
        {
            let questions =
                ["Roles that may see orders", "Roles that may change orders", "Roles that may do everything"];
            for (level, question) in access.iter_mut().zip(questions) {
                level.extend(ask.several(question, roles.clone())?.into_iter().map(|role| role.id));
            }
        }
        Ok(Some(DiscordAnswers {
            token,
            application,
            api_url: self.api_url.clone(),
            guilds,
            channels: watched,
            notice_channel,
            access,
        }))
    }

    /// The token, which Discord has accepted, and a client that uses it; `None` to do without Discord.
    async fn token(
        &self,
        ask: Option<&Ask>,
        out: &mut impl Write,
    ) -> anyhow::Result<Option<(SecretAnswer, Rest)>> {
        if let Some(path) = &self.token_file {
            let token = SecretAnswer::read(path)?;
            let rest = self.connect(&token.text, out).await?;
            return Ok(Some((token, rest)));
        }
        let Some(ask) = ask else { return Ok(None) };
        writeln!(
            out,
            "\nThe Discord bot's token is on the page Bot of your application at \
             https://discord.com/developers/applications"
        )?;
        loop {
            let token = ask.secret("Token (empty: without Discord)")?;
            if token.is_empty() {
                return Ok(None);
            }
            match self.connect(&token, out).await {
                Ok(rest) => return Ok(Some((SecretAnswer { text: token, file: None }, rest))),
                Err(error) => writeln!(out, "{error:#}")?,
            }
        }
    }

    async fn connect(&self, token: &str, out: &mut impl Write) -> anyhow::Result<Rest> {
        let rest = Rest::for_command(&discord_config(token, self.api_url.as_deref())?)?;
        let application = rest.application().await.context("Discord does not accept the token")?;
        writeln!(out, "The token belongs to the application {:?}.", application.name)?;
        Ok(rest)
    }

    /// The guilds of the command line, and those of its channels.
    async fn guilds_of_channels(&self, rest: &Rest) -> anyhow::Result<Vec<i64>> {
        let mut guilds = self.guilds.clone();
        for channel in &self.channels {
            let found =
                rest.channel(*channel).await.with_context(|| format!("cannot find the channel {channel}"))?;
            let guild = crate::card::decode::discord::id_field(&found, "guild_id");
            guilds.push(guild.with_context(|| format!("{channel} is not a channel of a guild"))?);
        }
        guilds.sort_unstable();
        guilds.dedup();
        Ok(guilds)
    }
}

/// The entry with this id, or one without a name.
fn by_id(list: &[Named], id: i64) -> Named {
    let found = list.iter().find(|named| named.id == id).cloned();
    found.unwrap_or(Named { id, name: String::new(), sign: "" })
}

/// A configuration that has only the token.
fn discord_config(token: &str, api_url: Option<&str>) -> anyhow::Result<Discord> {
    let text = format!(
        "[discord]\ntoken = {}\napi_url = {}\n",
        file::quoted(token),
        file::quoted(api_url.unwrap_or_default())
    );
    let file = File { name: DEFAULT_FILE, text: &text };
    let config = Config::load(Some(file), [], |_| Err(io::ErrorKind::NotFound.into()))?;
    config.discord().cloned().context("the token is empty")
}

/// Reads the configuration as ROMS will read it.
fn load(path: &Path, text: &str, answers: &Answers) -> anyhow::Result<Config> {
    let name = path.display().to_string();
    let read_secret = |path: &Path| {
        let is_it = |(name, secret): &(&str, &SecretAnswer)| {
            secret.file.is_none() && path.file_name() == Some(name.as_ref())
        };
        match answers.secrets().find(is_it) {
            Some((_, secret)) => Ok(secret.text.clone()),
            None => std::fs::read_to_string(path),
        }
    };
    Ok(Config::load(Some(File { name: &name, text }), [], read_secret)?)
}

/// Prints the invite link, the check and the next command.
async fn finish(config: &Config, path: &Path, out: &mut impl Write) -> anyhow::Result<()> {
    let with_config = match path.to_str() {
        Some(DEFAULT_FILE) => String::new(),
        _ => format!(" --config {}", path.display()),
    };
    let mut is_ok = true;
    if let Some(discord) = config.discord() {
        let rest = Rest::for_command(discord)?;
        let application = rest.application().await.context("cannot ask Discord for the bot")?;
        writeln!(out, "\nInvite the bot with this link:\n{}\n", check::invite_url(application.id))?;
        let report = super::discord::report(config, discord, &rest).await;
        write!(out, "{report}")?;
        is_ok = report.is_ok();
    }
    writeln!(out, "\nNext:")?;
    if config.http.requires_tokens() {
        writeln!(
            out,
            "  roms{with_config} token create --name admin --scope admin   # other machines need a token"
        )?;
    }
    if !is_ok {
        writeln!(out, "  roms{with_config} discord check   # after you have fixed what is missing")?;
    }
    writeln!(out, "  roms{with_config}")?;
    if is_ok { Ok(()) } else { bail!("the bot is not ready; see above") }
}
