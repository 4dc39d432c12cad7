//! Receives interactions and answers each one in a task of its own, on the main runtime.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use futures_util::FutureExt;
use poise::{FrameworkContext, FrameworkError, FrameworkOptions};
use serde_json::json;
use serenity::all::{
    ActionRowComponent, CommandInteraction, ComponentInteractionDataKind, Context,
    CreateAutocompleteResponse, CreateInteractionResponse, Interaction, ModalInteraction, ShardManager,
    UserId,
};
use serenity::builder::Builder;
use tokio::sync::{Mutex, Semaphore, mpsc};
use tokio::time::timeout;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::access::AccessControl;
use super::context::{Command, CommandResult, Data, usage};
use super::table;
use crate::config::{Config, Discord, Level};
use crate::discord::gateway::events::{IncomingInteraction, UnreadableInteraction};
use crate::discord::reply::caller::Caller;
use crate::discord::reply::error::CommandError;
use crate::discord::reply::responder::Responder;
use crate::discord::reply::text::code;
use crate::discord::reply::{custom_id, no_mentions};
use crate::discord::services::Services;

/// Discord accepts an answer for 15 minutes.
const COMMAND_TIMEOUT: Duration = Duration::from_mins(14);
/// Discord accepts autocomplete choices for 3 seconds.
const AUTOCOMPLETE_TIMEOUT: Duration = Duration::from_millis(2500);

/// How many interactions are answered at the same time. Further ones are turned away, so that a flood
/// of them can use up neither the memory nor the connections to the database.
const MAX_IN_FLIGHT: usize = 128;
/// How many interactions are turned away at the same time. Further ones wait in the queue.
const MAX_REJECTIONS: usize = 16;

/// The type of an interaction that asks for choices while somebody types.
const AUTOCOMPLETE: u64 = 4;

/// Answers interactions.
pub(crate) struct Commands {
    options: FrameworkOptions<Data, CommandError>,
    data: Data,
}

impl Commands {
    pub(crate) fn new(
        services: Services,
        config: &Config,
        discord: &Discord,
        stop: CancellationToken,
    ) -> Self {
        let access = AccessControl::new(config.access.clone(), discord.guilds.clone());
        let options = FrameworkOptions {
            commands: table::commands(&access),
            allowed_mentions: Some(no_mentions()),
            ..FrameworkOptions::default()
        };
        let data = Data {
            services,
            access,
            orders: config.orders.clone(),
            http: config.http.clone(),
            api_url: discord.api_url.clone(),
            channels: discord.channels.clone(),
            backfills: discord.channels.iter().map(|channel| (channel.id, Arc::default())).collect(),
            stop,
        };
        Self { options, data }
    }

    /// The definitions of all commands, as Discord's API expects them.
    pub(crate) fn definitions(&self) -> Vec<serde_json::Value> {
        let built = poise::builtins::create_application_commands(&self.options.commands);
        built.iter().filter_map(|command| serde_json::to_value(command).ok()).collect()
    }

    pub(crate) fn data(&self) -> &Data {
        &self.data
    }

    /// Answers interactions until `stop` is cancelled. Running commands then have `grace` to finish.
    pub(crate) async fn run(
        self: Arc<Self>,
        mut calls: mpsc::Receiver<Box<IncomingInteraction>>,
        grace: Duration,
        stop: CancellationToken,
    ) {
        let tasks = TaskTracker::new();
        let abort = CancellationToken::new();
        let slots = Arc::new(Semaphore::new(MAX_IN_FLIGHT + MAX_REJECTIONS));
        let mut next = async || Some((Arc::clone(&slots).acquire_owned().await.ok()?, calls.recv().await?));
        while let Some(Some((slot, call))) = stop.run_until_cancelled(next()).await {
            let is_busy = slots.available_permits() < MAX_REJECTIONS;
            let (commands, abort) = (Arc::clone(&self), abort.clone());
            let answering = async move {
                let _slot = slot;
                Box::pin(commands.answer(*call, is_busy)).await;
            };
            tasks.spawn(async move { abort.run_until_cancelled(answering).await });
        }
        tasks.close();
        let submissions = &self.data.services.submissions;
        submissions.close();
        // An import that a command started stops after the rows that are being written.
        let ended = async { tokio::join!(tasks.wait(), submissions.wait()) };
        if timeout(grace, ended).await.is_err() {
            abort.cancel();
            tasks.wait().await;
        }
    }

    async fn answer(&self, call: IncomingInteraction, is_busy: bool) {
        let (mut context, shards, interaction) = match call {
            IncomingInteraction::Decoded { context, shards, interaction } => (context, shards, interaction),
            IncomingInteraction::Unreadable(unreadable) => return self.refuse_unreadable(unreadable).await,
        };
        // serenity's own client runs on the gateway's runtime, which an outage may block.
        context.http = self.data.services.rest.http();
        // serenity's own client learns the application id from READY; this one learns it here.
        context.http.set_application_id(interaction.application_id());
        let Some(caller) = Caller::of(&interaction) else { return };
        let acknowledged = AtomicBool::new(false);
        let mut responder = self.data.responder(caller, &acknowledged);
        if is_busy {
            tracing::warn!("too many interactions at the same time; one was turned away");
        }
        match &interaction {
            Interaction::Autocomplete(_) if is_busy => send_no_choices(&responder).await,
            _ if is_busy => {
                let busy = CommandError::user("ROMS is busy. Please try again in a moment.");
                finish(&responder, "any", Err(busy)).await;
            }
            Interaction::Command(command) => self.command(&context, &shards, command, &responder).await,
            Interaction::Autocomplete(command) => {
                self.autocomplete(&context, &shards, command, &responder).await;
            }
            Interaction::Component(component) => {
                if let ComponentInteractionDataKind::StringSelect { values } = &component.data.kind {
                    responder.selected.clone_from(values);
                }
                responder.custom_id = &component.data.custom_id;
                self.component(&responder).await;
            }
            Interaction::Modal(modal) => {
                responder.inputs = inputs(modal);
                responder.opened_by_component = modal.message.is_some();
                responder.custom_id = &modal.data.custom_id;
                self.component(&responder).await;
            }
            _ => {}
        }
    }

    /// Logs an interaction that could not be decoded, and says so to its sender.
    async fn refuse_unreadable(&self, unreadable: UnreadableInteraction) {
        let UnreadableInteraction { kind, address } = unreadable;
        tracing::warn!(interaction.kind = kind, "ROMS could not read an interaction");
        let Some((id, token)) = address else { return };
        let answer = if kind == Some(AUTOCOMPLETE) {
            json!({"type": 8, "data": {"choices": []}})
        } else {
            let text = "ROMS could not read this request. Please try again; if it happens again, this release of \
                        ROMS may be too old for it.";
            json!({"type": 4, "data": {"content": text, "flags": 64, "allowed_mentions": no_mentions()}})
        };
        let rest = &self.data.services.rest;
        if let Err(error) = rest.answer_interaction(id, &token, &answer).await {
            tracing::debug!(%error, "an unreadable interaction was not answered");
        }
    }

    async fn command(
        &self,
        context: &Context,
        shards: &Arc<ShardManager>,
        command: &CommandInteraction,
        responder: &Responder<'_>,
    ) {
        let name = command.data.name.as_str();
        if !self.is_allowed(responder, self.level_of(name), name).await {
            return;
        }
        let (state, options, mut parents) =
            (Mutex::new(Box::new(()) as _), command.data.options(), Vec::new());
        let (framework, acknowledged) = (self.framework(context, shards), responder.acknowledged);
        let work =
            poise::dispatch_interaction(framework, command, acknowledged, &state, &options, &mut parents);
        let result = match timeout(COMMAND_TIMEOUT, work).await {
            Ok(result) => result.map_err(from_poise),
            Err(_) => Err(CommandError::Timeout),
        };
        finish(responder, name, result).await;
    }

    /// Sends no choices if the caller may not use the command, or if the database does not answer.
    async fn autocomplete(
        &self,
        context: &Context,
        shards: &Arc<ShardManager>,
        command: &CommandInteraction,
        responder: &Responder<'_>,
    ) {
        if self.data.access.check(&responder.caller, self.level_of(&command.data.name)).is_ok() {
            let (state, options, mut parents) =
                (Mutex::new(Box::new(()) as _), command.data.options(), Vec::new());
            let (framework, acknowledged) = (self.framework(context, shards), responder.acknowledged);
            let work = poise::dispatch_autocomplete(
                framework,
                command,
                acknowledged,
                &state,
                &options,
                &mut parents,
            );
            if matches!(timeout(AUTOCOMPLETE_TIMEOUT, work).await, Ok(Ok(()))) {
                return;
            }
        }
        send_no_choices(responder).await;
    }

    /// Calls the handler of a button, select or modal, which its custom id names.
    async fn component(&self, responder: &Responder<'_>) {
        let (name, _) = custom_id::parse(responder.custom_id);
        let Some(component) = table::COMPONENTS.iter().find(|component| component.name == name) else {
            return finish(responder, "a component", Err(CommandError::OutOfDate)).await;
        };
        if !self.is_allowed(responder, Some(component.level), name).await {
            return;
        }
        let work = AssertUnwindSafe((component.handle)(&self.data, responder)).catch_unwind();
        let result = match timeout(COMMAND_TIMEOUT, work).await {
            Ok(result) => result.unwrap_or(Err(CommandError::Panic)),
            Err(_) => Err(CommandError::Timeout),
        };
        finish(responder, name, result).await;
    }

    /// Checks the caller's level. A refusal is logged, and the caller reads the reason.
    async fn is_allowed(&self, responder: &Responder<'_>, needed: Option<Level>, command: &str) -> bool {
        let caller = &responder.caller;
        let Err(refusal) = self.data.access.check(caller, needed) else { return true };
        tracing::warn!(
            user.id = caller.user,
            guild.id = caller.guild,
            command,
            "command refused: the user's level is too low"
        );
        finish(responder, command, responder.say(refusal).await).await;
        false
    }

    /// The level that a command needs. An unknown command is out of date, and only admins read that.
    fn level_of(&self, name: &str) -> Option<Level> {
        let is_named =
            |command: &&Command| command.name == name || command.context_menu_name.as_deref() == Some(name);
        let command = self.options.commands.iter().find(is_named);
        command.and_then(usage).map_or(Some(Level::Admin), |usage| usage.level)
    }

    fn framework<'a>(
        &'a self,
        context: &'a Context,
        shards: &'a Arc<ShardManager>,
    ) -> FrameworkContext<'a, Data, CommandError> {
        FrameworkContext {
            serenity_context: context,
            bot_id: UserId::default(),
            options: &self.options,
            user_data: &self.data,
            shard_manager: shards,
        }
    }
}

/// The text inputs of a modal: name and text.
fn inputs(modal: &ModalInteraction) -> Vec<(String, String)> {
    let components = modal.data.components.iter().flat_map(|row| &row.components);
    let input = |component: &ActionRowComponent| match component {
        ActionRowComponent::InputText(input) => {
            Some((input.custom_id.clone(), input.value.clone().unwrap_or_default()))
        }
        _ => None,
    };
    components.filter_map(input).collect()
}

async fn send_no_choices(responder: &Responder<'_>) {
    let none = CreateInteractionResponse::Autocomplete(CreateAutocompleteResponse::new());
    let caller = &responder.caller;
    if none.execute(&responder.http, (caller.id, &caller.token)).await.is_err() {
        tracing::debug!("autocomplete choices were sent too late");
    }
}

/// Reports a failure. The caller reads only what concerns them; anything else is logged under an id,
/// and the caller reads the id.
async fn finish(responder: &Responder<'_>, command: &str, result: CommandResult) {
    let Err(failure) = result else { return };
    let text = failure.for_caller().map_or_else(
        || {
            let id = format!("{:08x}", fastrand::u32(..));
            let user = responder.caller.user;
            tracing::error!(error.id = id, user.id = user, command, error = %failure, "command failed");
            format!("Something went wrong. The log of ROMS has the details under `{id}`.")
        },
        str::to_owned,
    );
    if let Err(error) = responder.say(text).await {
        tracing::debug!(command, %error, "the caller could not be told about a failure");
    }
}

/// Translates poise's errors, without poise's own texts.
fn from_poise(error: FrameworkError<'_, Data, CommandError>) -> CommandError {
    match error {
        FrameworkError::Command { error, .. } => error,
        FrameworkError::ArgumentParse { error, input, .. } => {
            CommandError::user(format!("ROMS cannot read {}: {error}", code(&input.unwrap_or_default())))
        }
        FrameworkError::UnknownInteraction { .. } | FrameworkError::CommandStructureMismatch { .. } => {
            CommandError::OutOfDate
        }
        FrameworkError::CommandPanic { .. } => CommandError::Panic,
        _ => CommandError::Malformed("poise rejected the interaction"),
    }
}
