//! Checks whether ROMS has everything it needs in Discord, and says how to fix what is missing.

pub mod permissions;
mod report;
mod sign_in;

use std::collections::BTreeMap;

use serde_json::Value;
use tokio_util::sync::CancellationToken;

pub use self::report::{ChannelReport, Finding, Report, State};
pub use self::sign_in::check_sign_in;
use super::channels::is_forum;
use super::rest::{Application, Identity, Rest, RestError};
use super::restart::restart_on_panic;
use super::services::Services;
use crate::card::decode::discord::id_field;
use crate::config::{Channel, Discord};
use permissions::{Permission, Permissions};

/// The permissions that the invite link asks for.
const INVITE_PERMISSIONS: [Permission; 4] = [
    Permission::VIEW_CHANNEL,
    Permission::READ_MESSAGE_HISTORY,
    Permission::ADD_REACTIONS,
    Permission::SEND_MESSAGES,
];

/// Repeats the check at intervals, and when permissions change, until `stop` is cancelled. Updates the status board,
/// and logs a report that differs from the one before.
pub(crate) async fn run(services: Services, config: Discord, stop: CancellationToken) {
    let check_repeatedly = async || {
        let mut last_report = None;
        let mut permissions = services.permission_changes.subscribe();
        loop {
            let report = check(&config, &services.rest).await;
            report.update(&services.board);
            if last_report.as_ref() != Some(&report) {
                report.log();
                last_report = Some(report);
            }
            tokio::select! {
                () = tokio::time::sleep(services.timing.check_interval()) => {}
                () = services.check_now.notified() => {}
                Ok(()) = permissions.changed() => {}
            }
        }
    };
    stop.run_until_cancelled(restart_on_panic("check", check_repeatedly)).await;
}

/// Checks the token, the intent, the guilds and the channels. It changes nothing in Discord.
pub async fn check(config: &Discord, rest: &Rest) -> Report {
    let mut report = Report::default();
    let (application, identity) = match identify(rest).await {
        Ok(found) => found,
        Err(error) => {
            report.add("token", token_state(error));
            return report;
        }
    };
    let Application { id, name, .. } = &application;
    report.add("token", State::Ok(format!("it belongs to the application {name:?} ({id})")));
    report.add("Message Content intent", intent_state(&application));
    let mut guilds = BTreeMap::new();
    for &guild in &config.guilds {
        let found = Guild::fetch(rest, guild, identity.user).await;
        report.add(&format!("guild {guild}"), guild_state(&found, *id));
        guilds.extend(found.ok().map(|found| (guild, found)));
    }
    for usage in channel_usages(config) {
        let CheckedChannel { state, missing, is_forum } =
            usage.check(rest, config, &guilds, identity.user).await;
        let error = match &state {
            State::Missing { problem, .. } if missing.is_empty() => Some(problem.clone()),
            _ => None,
        };
        if usage.watched.is_some() && !matches!(state, State::Unknown(_)) {
            report.channels.push(ChannelReport { id: usage.id, missing, error });
        }
        let kind = if is_forum { "forum" } else { usage.kind };
        report.add(&format!("{kind} {}", usage.name), state);
    }
    report
}

/// Whether the bot may read the history of a channel. Discord returns an empty history if it may not.
pub(crate) async fn can_read_history(rest: &Rest, channel: i64) -> Result<bool, RestError> {
    let user = rest.identity().await?.user;
    let (channel, _) = fetch_channel(rest, channel).await?;
    let guild = id_field(&channel, "guild_id").ok_or(RestError::Unreadable)?;
    let Guild { guild, member } = Guild::fetch(rest, guild, user).await?;
    let permissions = Permissions::in_channel(user, &member, &guild, &channel);
    Ok(permissions.contain(Permission::READ_MESSAGE_HISTORY))
}

/// The link that invites the bot to a guild. Whoever opens it needs the permission Manage Server.
#[must_use]
pub fn invite_url(application: i64) -> String {
    let permissions = INVITE_PERMISSIONS.iter().fold(0, |bits, permission| bits | permission.bit);
    format!(
        "https://discord.com/oauth2/authorize?client_id={application}&permissions={permissions}\
         &scope=bot+applications.commands"
    )
}

/// A guild, and the bot as its member.
struct Guild {
    guild: Value,
    member: Value,
}

impl Guild {
    async fn fetch(rest: &Rest, guild: i64, user: i64) -> Result<Self, RestError> {
        Ok(Self { guild: rest.guild(guild).await?, member: rest.member(guild, user).await? })
    }
}

async fn identify(rest: &Rest) -> Result<(Application, Identity), RestError> {
    Ok((rest.application().await?, rest.identity().await?))
}

fn token_state(error: RestError) -> State {
    let fix = "https://discord.com/developers/applications, your application, page \"Bot\": \
               \"Reset Token\", and put the new one into discord.token";
    match error {
        RestError::Unauthorized | RestError::Token => State::missing(error, fix),
        other => State::unknown(other),
    }
}

fn intent_state(application: &Application) -> State {
    if application.has_message_content_intent() {
        return State::Ok("it is on".to_owned());
    }
    let page = format!("https://discord.com/developers/applications/{}/bot", application.id);
    State::missing(
        "it is off, so every message arrives without its text",
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
            State::missing("the bot is not in it", format!("invite it: {}", invite_url(application)))
        }
        Err(other) => State::unknown(*other),
    }
}

/// A channel, and what ROMS does in it.
struct ChannelUsage<'a> {
    id: i64,
    /// The word for it, unless it is a forum.
    kind: &'static str,
    name: String,
    /// Its settings, if it is watched.
    watched: Option<&'a Channel>,
    post: bool,
}

/// The watched channels in the order of the configuration, and the notice channel.
fn channel_usages(config: &Discord) -> Vec<ChannelUsage<'_>> {
    let notice = config.notice_channel;
    let watched = config.channels.iter().map(|channel| ChannelUsage {
        id: channel.id,
        kind: "channel",
        name: format!("{:?} ({})", channel.name, channel.id),
        watched: Some(channel),
        post: notice == Some(channel.id),
    });
    let mut usages: Vec<ChannelUsage<'_>> = watched.collect();
    if let Some(id) = notice.filter(|id| usages.iter().all(|usage| usage.id != *id)) {
        let name = format!("({id})");
        usages.push(ChannelUsage { id, kind: "notice channel", name, watched: None, post: true });
    }
    usages
}

/// The result of checking a channel.
struct CheckedChannel {
    state: State,
    /// Names of the permissions that the bot lacks.
    missing: Vec<&'static str>,
    is_forum: bool,
}

impl From<State> for CheckedChannel {
    fn from(state: State) -> Self {
        Self { state, missing: Vec::new(), is_forum: false }
    }
}

impl ChannelUsage<'_> {
    async fn check(
        &self,
        rest: &Rest,
        config: &Discord,
        guilds: &BTreeMap<i64, Guild>,
        user: i64,
    ) -> CheckedChannel {
        let (channel, is_thread) = match fetch_channel(rest, self.id).await {
            Ok(found) => found,
            // Discord does not say which other permissions are missing.
            Err(RestError::Forbidden(_)) => return missing(vec![Permission::VIEW_CHANNEL.name]),
            Err(error @ RestError::NotFound(_)) => {
                let fix = "copy the id again (Discord's settings, \"Advanced\", \"Developer Mode\"; then \
                           right-click the channel, \"Copy Channel ID\"), or invite the bot to its guild";
                return State::missing(error, fix).into();
            }
            Err(other) => return State::unknown(other).into(),
        };
        let guild = id_field(&channel, "guild_id");
        let Some(id) = guild.filter(|id| config.guilds.contains(id)) else {
            let fix = match guild {
                Some(id) => format!("add {id} to discord.guilds, or watch another channel"),
                None => "watch a channel of a guild instead".to_owned(),
            };
            return State::missing("it is in none of the configured guilds", fix).into();
        };
        let Some(Guild { guild, member }) = guilds.get(&id) else {
            return State::unknown("its guild could not be checked").into();
        };
        let is_forum = !is_thread && is_forum(&channel);
        let permissions = Permissions::in_channel(user, member, guild, &channel);
        let lacking: Vec<_> = self
            .needed_permissions(is_thread)
            .filter(|permission| !permissions.contain(*permission))
            .map(|permission| permission.name)
            .collect();
        if !lacking.is_empty() {
            return CheckedChannel { is_forum, ..missing(lacking) };
        }
        let mut found = "the bot has all permissions that it needs".to_owned();
        if !is_thread && self.watched.is_some_and(|channel| channel.threads || is_forum) {
            match rest.active_threads(id).await {
                Ok(threads) => {
                    let is_here = |thread: &&Value| id_field(thread, "parent_id") == Some(self.id);
                    let count = threads.iter().filter(is_here).count();
                    found = format!("{found}; active threads that ROMS watches: {count}");
                }
                Err(error) => return State::unknown(format!("its threads cannot be listed: {error}")).into(),
            }
        }
        CheckedChannel { is_forum, ..State::Ok(found).into() }
    }

    fn needed_permissions(&self, is_thread: bool) -> impl Iterator<Item = Permission> {
        let send = if is_thread { Permission::SEND_IN_THREADS } else { Permission::SEND_MESSAGES };
        let needed = [
            (Permission::VIEW_CHANNEL, true),
            (Permission::READ_MESSAGE_HISTORY, self.watched.is_some()),
            (Permission::ADD_REACTIONS, self.watched.is_some_and(|channel| channel.react)),
            (send, self.post),
        ];
        needed.into_iter().filter(|(_, needed)| *needed).map(|(permission, _)| permission)
    }
}

/// Fetches the channel whose permissions count: for a thread, its parent. Also returns whether this is a
/// thread.
async fn fetch_channel(rest: &Rest, id: i64) -> Result<(Value, bool), RestError> {
    let channel = rest.channel(id).await?;
    let is_thread = matches!(channel.get("type").and_then(Value::as_u64), Some(10..=12));
    match id_field(&channel, "parent_id").filter(|_| is_thread) {
        Some(parent) => Ok((rest.channel(parent).await?, true)),
        None => Ok((channel, false)),
    }
}

fn missing(missing: Vec<&'static str>) -> CheckedChannel {
    let names = missing.join(", ");
    let fix = format!(
        "in Discord, the channel's settings (the gear), \"Permissions\", \"Advanced permissions\": \
         add the bot or its role, and allow {names}"
    );
    let state = State::missing(format!("the bot lacks {names}"), fix);
    CheckedChannel { missing, ..state.into() }
}

#[cfg(test)]
mod tests {
    use super::invite_url;

    #[test]
    fn the_invite_link_asks_for_the_four_permissions_and_both_scopes() {
        assert_eq!(
            invite_url(123),
            "https://discord.com/oauth2/authorize?client_id=123&permissions=68672\
             &scope=bot+applications.commands"
        );
    }
}
