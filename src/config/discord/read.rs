//! How `[discord]` and `[[discord.channels]]` are read.

use std::{collections::BTreeSet, io, path::Path};

use chrono::TimeDelta;
use url::{Host, Url};

use super::{Channel, Discord, Token, Trust};
use crate::config::{
    id::id,
    key,
    node::{Node, Read, Value},
    settings::Settings,
};

/// How far back a channel is read at first sight, unless it says otherwise.
const HISTORY: TimeDelta = TimeDelta::days(7);

/// More than Discord's whole history, and little enough to count back from any date.
const LONGEST_HISTORY: TimeDelta = TimeDelta::days(36_525);

/// The connection to Discord; `None` without a token, and where there is a problem, which the
/// settings then hold.
pub(crate) fn read<R>(settings: &mut Settings<R>) -> Option<Discord>
where
    R: Fn(&Path) -> io::Result<String>,
{
    let token = settings.read(&key::DISCORD_TOKEN, |node| node.optional(token));
    let api_url = settings.read(&key::DISCORD_API_URL, |node| node.optional(|node| node.text(api_url)));
    let guilds = settings.read(&key::DISCORD_GUILDS, |node| node.list(id));
    let required = settings.read(&key::DISCORD_REQUIRED, Node::boolean);
    let notice_channel = settings.read(&key::DISCORD_NOTICE_CHANNEL, |node| node.optional(id));
    let no_guild = guilds.as_ref().is_some_and(Vec::is_empty);
    let channels = settings.read_repeated(&key::DISCORD_CHANNELS, |node| channels(node, no_guild));

    let (token, api_url, guilds) = (token??, api_url?, guilds?);
    let (required, notice_channel, channels) = (required?, notice_channel?, channels?);
    Some(Discord { token, api_url, guilds, required, notice_channel, channels })
}

/// A token, of which nothing is repeated.
fn token(node: &Node) -> Read<Token> {
    node.text(|text| {
        let token = text.trim();
        if token.chars().all(|c| c.is_ascii_graphic()) {
            Ok(Token::new(token.to_owned()))
        } else {
            Err("no bot token: one has neither spaces nor letters with accents. Copy it again, without \
                 `Bot ` before it, from the developer portal (your application, Bot, Reset Token)"
                .to_owned())
        }
    })
}

/// An address to put `/api/v10/…` after. None of it is repeated: it could hold a password.
fn api_url(text: &str) -> Result<String, String> {
    let expected = "expected an address such as https://discord.example or http://127.0.0.1:4000, \
                    without user, query and fragment";
    let url = Url::parse(text.trim()).map_err(|error| format!("{error}; {expected}"))?;
    let is_bare = url.username().is_empty() && url.password().is_none();
    if !is_bare || url.query().is_some() || url.fragment().is_some() {
        return Err(expected.to_owned());
    }
    let is_loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => {}
        "http" if is_loopback => {}
        "http" => {
            return Err("plain http would send the token readable through the network; use https, or an \
                        address of this machine such as http://127.0.0.1:4000"
                .to_owned());
        }
        _ => return Err(expected.to_owned()),
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn channels(node: &Node, no_guild: bool) -> Read<Vec<Channel>> {
    let channels = node.list(channel)?;
    let Value::List(sections) = &node.value else { return Ok(channels) };
    if let Some(first) = sections.first().filter(|_| no_guild) {
        return Err(first.refuse(
            "a channel is watched only in a guild that is named: set `guilds` under [discord] to the ids of \
             your guilds",
        ));
    }
    let mut seen = BTreeSet::new();
    let again = channels.iter().zip(sections).filter(|(channel, _)| !seen.insert(channel.id));
    let problems: Vec<_> = again
        .flat_map(|(channel, section)| section.refuse(format!("{} is there twice", channel.id)))
        .collect();
    if problems.is_empty() { Ok(channels) } else { Err(problems) }
}

fn channel(node: &Node) -> Read<Channel> {
    node.table(|fields| {
        let id = fields.required(&key::CHANNEL_ID, id);
        let name =
            fields.or(String::new(), &key::CHANNEL_NAME, |node| node.text(|text| Ok(text.trim().to_owned())));
        let trust = fields.or(Trust::Webhooks, &key::CHANNEL_TRUST, trust);
        let react = fields.or(true, &key::CHANNEL_REACT, Node::boolean);
        let history = fields.or(HISTORY, &key::CHANNEL_HISTORY, |node| node.text(history));
        let forwarded = fields.or(false, &key::CHANNEL_FORWARDED, Node::boolean);

        let id = id?;
        let name = name.map(|name| if name.is_empty() { id.to_string() } else { name })?;
        Some(Channel { id, name, trust: trust?, react: react?, history: history?, forwarded: forwarded? })
    })
}

fn trust(node: &Node) -> Read<Trust> {
    let expected = "expected \"webhooks\", or ids as in { webhooks = [\"1112223334445556667\"] }; \
                    `applications` and `authors` can be named as well";
    match &node.value {
        Value::Text(text) if text == "webhooks" => return Ok(Trust::Webhooks),
        Value::Text(text) => return Err(node.refuse(format_args!("`{text}` is not known; {expected}"))),
        Value::Table(_) => {}
        _ => return Err(node.refuse(expected)),
    }
    let listed = node.table(|fields| {
        let webhooks = fields.or(Vec::new(), &key::TRUST_WEBHOOKS, |node| node.list(id));
        let applications = fields.or(Vec::new(), &key::TRUST_APPLICATIONS, |node| node.list(id));
        let authors = fields.or(Vec::new(), &key::TRUST_AUTHORS, |node| node.list(id));
        Some((webhooks?, applications?, authors?))
    });
    match listed? {
        (webhooks, applications, authors)
            if [&webhooks, &applications, &authors].iter().all(|ids| ids.is_empty()) =>
        {
            Err(node.refuse(format_args!("nobody would be trusted; {expected}")))
        }
        (webhooks, applications, authors) => Ok(Trust::Listed { webhooks, applications, authors }),
    }
}

/// A time span for people: `7 days`, `12 hours`, `30m`; `0` is none.
fn history(text: &str) -> Result<TimeDelta, String> {
    let span = humantime::parse_duration(text.trim()).ok().and_then(|span| TimeDelta::from_std(span).ok());
    span.filter(|span| *span <= LONGEST_HISTORY).ok_or_else(|| {
        format!(
            "`{text}` is no time span; expected one such as `7 days`, `12 hours` or `30m`; `0` is nothing"
        )
    })
}
