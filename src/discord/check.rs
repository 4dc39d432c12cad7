//! What is missing for the bot to work, and which switch mends it.

pub mod invite;
pub mod permissions;
mod report;

use std::collections::BTreeMap;

use serde_json::Value;

pub use self::report::{ChannelReport, Finding, Report, State};
use super::rest::{Application, Own, Rest, RestError};
use crate::card::decode::discord::id_of;
use crate::config::{Channel, Discord};
use permissions::{Permission, Permissions};

/// Asks Discord for everything that has to be switched on. It changes nothing there.
pub async fn check(config: &Discord, rest: &Rest) -> Report {
    let mut report = Report::default();
    let (application, own) = match identify(rest).await {
        Ok(found) => found,
        Err(error) => {
            report.add("token", token_trouble(error));
            return report;
        }
    };
    let Application { id, name, .. } = &application;
    report.add("token", State::Ok(format!("it is that of the application {name:?} ({id})")));
    report.add("Message Content intent", intent(&application));
    let mut guilds = BTreeMap::new();
    for &guild in &config.guilds {
        let found = Guild::ask(rest, guild, own.user).await;
        report.add(&format!("guild {guild}"), guild_state(&found, *id));
        guilds.extend(found.ok().map(|found| (guild, found)));
    }
    for place in places(config) {
        let (state, missing) = place.check(rest, config, &guilds, own.user).await;
        let error = match &state {
            State::Missing { what, .. } if missing.is_empty() => Some(what.clone()),
            _ => None,
        };
        if place.watched && !matches!(state, State::Unknown(_)) {
            report.channels.push(ChannelReport { id: place.id, missing, error });
        }
        report.add(&place.name, state);
    }
    report
}

/// A guild with the bot as its member.
struct Guild {
    guild: Value,
    member: Value,
}

impl Guild {
    async fn ask(rest: &Rest, guild: i64, user: i64) -> Result<Self, RestError> {
        Ok(Self { guild: rest.guild(guild).await?, member: rest.member(guild, user).await? })
    }
}

async fn identify(rest: &Rest) -> Result<(Application, Own), RestError> {
    Ok((rest.application().await?, rest.own().await?))
}

fn token_trouble(error: RestError) -> State {
    let cure = "https://discord.com/developers/applications, your application, page \"Bot\": \
                \"Reset Token\", and put the new one into discord.token";
    match error {
        RestError::Unauthorized | RestError::Token => State::missing(error, cure),
        other => State::unknown(other),
    }
}

fn intent(application: &Application) -> State {
    if application.may_read_content() {
        return State::Ok("it is on".to_owned());
    }
    let page = format!("https://discord.com/developers/applications/{}/bot", application.id);
    State::missing(
        "it is off: every message would come without its text",
        format!("{page}, \"Privileged Gateway Intents\": switch on \"Message Content Intent\""),
    )
}

fn guild_state(found: &Result<Guild, RestError>, application: i64) -> State {
    match found {
        Ok(found) => {
            let name = found.guild.get("name").and_then(Value::as_str).unwrap_or_default();
            State::Ok(format!("the bot is in it: {name:?}"))
        }
        Err(RestError::NotFound(_) | RestError::Forbidden(_)) => {
            State::missing("the bot is not in it", format!("invite it: {}", invite::invite_url(application)))
        }
        Err(other) => State::unknown(*other),
    }
}

/// A channel and what the bot has to do there.
struct ToDo {
    id: i64,
    name: String,
    watched: bool,
    react: bool,
    post: bool,
}

/// The watched channels in their order, and the notice channel.
fn places(config: &Discord) -> Vec<ToDo> {
    let notice = config.notice_channel;
    let watched = |Channel { id, name, react, .. }: &Channel| ToDo {
        id: *id,
        name: format!("channel {name:?} ({id})"),
        watched: true,
        react: *react,
        post: notice == Some(*id),
    };
    let mut places: Vec<ToDo> = config.channels.iter().map(watched).collect();
    if let Some(id) = notice.filter(|id| places.iter().all(|place| place.id != *id)) {
        let name = format!("notice channel ({id})");
        places.push(ToDo { id, name, watched: false, react: false, post: true });
    }
    places
}

impl ToDo {
    /// How it stands there, and the names of the permissions that the bot lacks.
    async fn check(
        &self,
        rest: &Rest,
        config: &Discord,
        guilds: &BTreeMap<i64, Guild>,
        user: i64,
    ) -> (State, Vec<&'static str>) {
        let (channel, thread) = match self.ask(rest).await {
            Ok(found) => found,
            // Which others it lacks, nobody tells it.
            Err(RestError::Forbidden(_)) => return lacking(vec![Permission::VIEW_CHANNEL.name]),
            Err(error @ RestError::NotFound(_)) => {
                let cure = "copy the id again (Discord's settings, \"Advanced\", \"Developer Mode\"; then \
                            right-click the channel, \"Copy Channel ID\"), or invite the bot to its guild";
                return (State::missing(error, cure), Vec::new());
            }
            Err(other) => return (State::unknown(other), Vec::new()),
        };
        let guild = id_of(&channel, "guild_id");
        let Some(id) = guild.filter(|id| config.guilds.contains(id)) else {
            let cure = match guild {
                Some(id) => format!("add {id} to discord.guilds, or watch another channel"),
                None => "watch a channel of a guild instead".to_owned(),
            };
            return (State::missing("it is in none of the configured guilds", cure), Vec::new());
        };
        let Some(Guild { guild, member }) = guilds.get(&id) else {
            return (State::unknown("its guild could not be asked"), Vec::new());
        };
        let may = Permissions::of(user, member, guild, &channel);
        let missing: Vec<_> = self
            .needed(thread)
            .filter(|permission| !may.contain(*permission))
            .map(|permission| permission.name)
            .collect();
        if missing.is_empty() {
            return (State::Ok("the bot has all permissions that it needs".to_owned()), missing);
        }
        lacking(missing)
    }

    /// The channel that decides, and whether it is a thread of that which is meant.
    async fn ask(&self, rest: &Rest) -> Result<(Value, bool), RestError> {
        let channel = rest.channel(self.id).await?;
        let thread = matches!(channel.get("type").and_then(Value::as_u64), Some(10..=12));
        match id_of(&channel, "parent_id").filter(|_| thread) {
            Some(parent) => Ok((rest.channel(parent).await?, true)),
            None => Ok((channel, false)),
        }
    }

    fn needed(&self, thread: bool) -> impl Iterator<Item = Permission> {
        let send = if thread { Permission::SEND_IN_THREADS } else { Permission::SEND_MESSAGES };
        let needed = [
            (Permission::VIEW_CHANNEL, true),
            (Permission::READ_MESSAGE_HISTORY, self.watched),
            (Permission::ADD_REACTIONS, self.react),
            (send, self.post),
        ];
        needed.into_iter().filter(|(_, needed)| *needed).map(|(permission, _)| permission)
    }
}

fn lacking(missing: Vec<&'static str>) -> (State, Vec<&'static str>) {
    let names = missing.join(", ");
    let cure = format!(
        "in Discord, the channel's settings (the gear), \"Permissions\", \"Advanced permissions\": \
         add the bot or its role, and allow {names}"
    );
    (State::missing(format!("the bot lacks {names}"), cure), missing)
}
