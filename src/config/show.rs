//! The configuration in force, as a file would hold it.

use super::{Channel, Config, Discord, Trust, key};

impl Config {
    /// The configuration in force, as a file would hold it. Passwords and tokens are masked.
    #[must_use]
    pub fn to_masked_toml(&self) -> String {
        let mut sections = vec![
            section(&[
                (key::DATABASE_URL, text(&self.database.url.to_string())),
                (key::DATABASE_SEARCH_INDEX, self.database.search_index.to_string()),
            ]),
            section(&[
                (key::HTTP_BIND, text(&self.http.bind.to_string())),
                (key::HTTP_HOSTS, list(&self.http.hosts)),
            ]),
            discord(self.discord.as_ref()),
        ];
        let channels = self.discord.iter().flat_map(|discord| &discord.channels);
        sections.extend(channels.map(channel));
        sections.push(section(&[
            (key::ACCESS_VIEWER, list(&self.access.viewer)),
            (key::ACCESS_MANAGER, list(&self.access.manager)),
            (key::ACCESS_ADMIN, list(&self.access.admin)),
        ]));
        sections.push(section(&[
            (key::ORDERS_TIMEZONE, text(self.orders.timezone.name())),
            (key::ORDERS_CURRENCY, text(self.orders.currency.code())),
            (key::ORDERS_NUMBER_MISSING, text(&self.orders.number_missing.to_string())),
        ]));
        let raw_days = self.retention.raw.map_or(0, |raw| raw.num_days());
        sections.push(section(&[(key::RETENTION_RAW_DAYS, raw_days.to_string())]));
        sections.push(section(&[
            (key::LOG_FILTER, text(&self.log.filter.to_string())),
            (key::LOG_FORMAT, text(&self.log.format.to_string())),
        ]));
        sections.join("\n")
    }
}

/// `[discord]`; without a token, its defaults.
fn discord(discord: Option<&Discord>) -> String {
    let api_url = discord.and_then(|discord| discord.api_url.as_deref());
    let notice_channel = discord.and_then(|discord| discord.notice_channel);
    section(&[
        (key::DISCORD_TOKEN, text(discord.map_or("", |_| "***"))),
        (key::DISCORD_API_URL, text(api_url.unwrap_or_default())),
        (key::DISCORD_GUILDS, list(discord.map_or(&[], |discord| &discord.guilds))),
        (key::DISCORD_REQUIRED, discord.is_some_and(|discord| discord.required).to_string()),
        (key::DISCORD_NOTICE_CHANNEL, text(&notice_channel.map(|id| id.to_string()).unwrap_or_default())),
    ])
}

fn channel(channel: &Channel) -> String {
    section(&[
        (key::CHANNEL_ID, text(&channel.id.to_string())),
        (key::CHANNEL_NAME, text(&channel.name)),
        (key::CHANNEL_TRUST, trust(&channel.trust)),
        (key::CHANNEL_REACT, channel.react.to_string()),
        (key::CHANNEL_HISTORY, text(&span(channel.history))),
        (key::CHANNEL_FORWARDED, channel.forwarded.to_string()),
    ])
}

fn trust(trust: &Trust) -> String {
    match trust {
        Trust::Webhooks => text("webhooks"),
        Trust::Listed { webhooks, applications, authors } => format!(
            "{{ {} = {}, {} = {}, {} = {} }}",
            key::TRUST_WEBHOOKS.name,
            list(webhooks),
            key::TRUST_APPLICATIONS.name,
            list(applications),
            key::TRUST_AUTHORS.name,
            list(authors)
        ),
    }
}

fn span(span: chrono::TimeDelta) -> String {
    humantime::format_duration(span.to_std().unwrap_or_default()).to_string()
}

/// A section with its keys, all of the same one, each with its value as TOML.
fn section(values: &[(key::Key, String)]) -> String {
    let header = values.first().map(|(key, _)| key::header(key.section) + "\n").unwrap_or_default();
    values.iter().fold(header, |lines, (key, value)| lines + key.name + " = " + value + "\n")
}

/// A list of texts.
fn list<T: ToString>(items: &[T]) -> String {
    let items: Vec<_> = items.iter().map(|item| text(&item.to_string())).collect();
    format!("[{}]", items.join(", "))
}

/// A basic string of TOML 1.0, <https://toml.io/en/v1.0.0#string>.
fn text(value: &str) -> String {
    let escaped = value.chars().map(|c| match c {
        '"' | '\\' => format!("\\{c}"),
        c if c.is_control() => format!("\\u{:04X}", u32::from(c)),
        c => c.to_string(),
    });
    format!("\"{}\"", escaped.collect::<String>())
}
