//! Takes interactions and answers each in a task of its own, on the main runtime.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use futures_util::FutureExt;
use poise::{FrameworkContext, FrameworkError, FrameworkOptions};
use serenity::all::{
    ActionRowComponent, CommandInteraction, ComponentInteraction, ComponentInteractionDataKind, Context,
    CreateAutocompleteResponse, CreateInteractionResponse, Interaction, ModalInteraction, ShardManager,
    UserId,
};
use serenity::builder::Builder;
use tokio::sync::{Mutex, mpsc};
use tokio::time::timeout;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::asker::Asker;
use super::data::Data;
use super::failure::Failure;
use super::{catalogue, route};
use crate::config::Level;
use crate::discord::reply::responder::Turn;
use crate::discord::reply::screen;

/// Longest answer: Discord takes it for fifteen minutes.
const LONGEST: Duration = Duration::from_mins(14);
/// Longest autocompletion: Discord takes it for three seconds.
const LONGEST_COMPLETION: Duration = Duration::from_millis(2500);

/// An interaction, and what serenity knows of its shard.
#[derive(Clone, Debug)]
pub struct Call {
    pub(crate) context: Context,
    pub(crate) shards: Arc<ShardManager>,
    pub(crate) interaction: Interaction,
}

/// Answers interactions.
pub(crate) struct Commands {
    options: FrameworkOptions<Data, Failure>,
    data: Data,
}

impl Commands {
    pub(crate) fn new(data: Data) -> Self {
        let options = FrameworkOptions {
            commands: catalogue::commands(&data.admission),
            allowed_mentions: Some(screen::nobody()),
            ..FrameworkOptions::default()
        };
        Self { options, data }
    }

    /// The commands as Discord is told of them.
    pub(crate) fn definitions(&self) -> Vec<serde_json::Value> {
        let built = poise::builtins::create_application_commands(&self.options.commands);
        built.iter().filter_map(|command| serde_json::to_value(command).ok()).collect()
    }

    pub(crate) fn data(&self) -> &Data {
        &self.data
    }

    /// Answers until `stop` is cancelled; then what is being answered has `grace` to come to its end.
    pub(crate) async fn run(
        self: Arc<Self>,
        mut calls: mpsc::Receiver<Box<Call>>,
        grace: Duration,
        stop: CancellationToken,
    ) {
        let tasks = TaskTracker::new();
        let hurry = CancellationToken::new();
        while let Some(Some(call)) = stop.run_until_cancelled(calls.recv()).await {
            let (desk, hurry) = (Arc::clone(&self), hurry.clone());
            let answering = async move { Box::pin(desk.answer(*call)).await };
            tasks.spawn(async move { hurry.run_until_cancelled(answering).await });
        }
        tasks.close();
        if timeout(grace, tasks.wait()).await.is_err() {
            hurry.cancel();
            tasks.wait().await;
        }
    }

    async fn answer(&self, call: Call) {
        let Call { mut context, shards, interaction } = call;
        // serenity's own client is driven by a runtime that an outage may stop.
        context.http = self.data.deps.rest.http();
        // That client learns of its application from READY, this one from here.
        context.http.set_application_id(interaction.application_id());
        match interaction {
            Interaction::Command(asked) => self.command(&context, &shards, &asked).await,
            Interaction::Autocomplete(asked) => self.complete(&context, &shards, &asked).await,
            Interaction::Component(asked) => self.component(&asked).await,
            Interaction::Modal(asked) => self.modal(&asked).await,
            _ => {}
        }
    }

    async fn command(&self, context: &Context, shards: &Arc<ShardManager>, asked: &CommandInteraction) {
        let acknowledged = AtomicBool::new(false);
        let name = asked.data.name.as_str();
        let turn = Turn::new(&self.data, Asker::from(asked), &acknowledged);
        if !self.admits(&turn, catalogue::level(name), name).await {
            return;
        }
        let (state, options, mut tree) = (Mutex::new(Box::new(()) as _), asked.data.options(), Vec::new());
        let framework = self.framework(context, shards);
        let work = poise::dispatch_interaction(framework, asked, &acknowledged, &state, &options, &mut tree);
        let done = match timeout(LONGEST, work).await {
            Ok(done) => done.map_err(failure_of),
            Err(_) => Err(Failure::Late),
        };
        finish(&turn, name, done).await;
    }

    /// Somebody who may not use the command, and a database that does not answer, get no choices.
    async fn complete(&self, context: &Context, shards: &Arc<ShardManager>, asked: &CommandInteraction) {
        let acknowledged = AtomicBool::new(false);
        let caller = Asker::from(asked);
        if self.data.admission.admit(&caller, catalogue::level(&asked.data.name)).is_ok() {
            let (state, options, mut tree) =
                (Mutex::new(Box::new(()) as _), asked.data.options(), Vec::new());
            let framework = self.framework(context, shards);
            let work =
                poise::dispatch_autocomplete(framework, asked, &acknowledged, &state, &options, &mut tree);
            if matches!(timeout(LONGEST_COMPLETION, work).await, Ok(Ok(()))) {
                return;
            }
        }
        let none = CreateInteractionResponse::Autocomplete(CreateAutocompleteResponse::new());
        if none.execute(&context.http, (caller.id, &caller.token)).await.is_err() {
            tracing::debug!("an autocompletion came too late");
        }
    }

    async fn component(&self, asked: &ComponentInteraction) {
        let acknowledged = AtomicBool::new(false);
        let mut turn = Turn::new(&self.data, Asker::from(asked), &acknowledged);
        if let ComponentInteractionDataKind::StringSelect { values } = &asked.data.kind {
            turn.chosen.clone_from(values);
        }
        self.routed(&turn, &asked.data.custom_id).await;
    }

    async fn modal(&self, asked: &ModalInteraction) {
        let acknowledged = AtomicBool::new(false);
        let mut turn = Turn::new(&self.data, Asker::from(asked), &acknowledged);
        let parts = asked.data.components.iter().flat_map(|row| &row.components);
        turn.on_message = asked.message.is_some();
        turn.inputs = parts
            .filter_map(|part| match part {
                ActionRowComponent::InputText(input) => {
                    Some((input.custom_id.clone(), input.value.clone().unwrap_or_default()))
                }
                _ => None,
            })
            .collect();
        self.routed(&turn, &asked.data.custom_id).await;
    }

    async fn routed(&self, turn: &Turn<'_>, custom_id: &str) {
        let Some((route, arguments)) = route::find(custom_id) else {
            return finish(turn, "a component", Err(Failure::OutOfDate)).await;
        };
        if !self.admits(turn, Some(route.level), route.name).await {
            return;
        }
        let work = AssertUnwindSafe((route.handle)(turn, arguments)).catch_unwind();
        let done = match timeout(LONGEST, work).await {
            Ok(done) => done.unwrap_or(Err(Failure::Panic)),
            Err(_) => Err(Failure::Late),
        };
        finish(turn, route.name, done).await;
    }

    /// Whether somebody may do this; who may not is told, and it is logged.
    async fn admits(&self, turn: &Turn<'_>, needed: Option<Level>, what: &str) -> bool {
        let Err(refusal) = self.data.admission.admit(&turn.asker, needed) else { return true };
        tracing::warn!(
            user.id = turn.asker.user,
            guild.id = turn.asker.guild,
            what,
            "refused: the level is too low"
        );
        finish(turn, what, turn.say(refusal).await).await;
        false
    }

    fn framework<'a>(
        &'a self,
        context: &'a Context,
        shards: &'a Arc<ShardManager>,
    ) -> FrameworkContext<'a, Data, Failure> {
        FrameworkContext {
            serenity_context: context,
            bot_id: UserId::default(),
            options: &self.options,
            user_data: &self.data,
            shard_manager: shards,
        }
    }
}

/// Tells the caller of a failure: what is theirs to know, else an id that is in the log.
async fn finish(turn: &Turn<'_>, what: &str, done: Result<(), Failure>) {
    let Err(failure) = done else { return };
    let text = failure.for_caller().map_or_else(
        || {
            let id = format!("{:08x}", fastrand::u32(..));
            let user = turn.asker.user;
            tracing::error!(error.id = id, user.id = user, what, error = %failure, "a command failed");
            format!("That did not work. The log of ROMS says why, under `{id}`.")
        },
        str::to_owned,
    );
    if let Err(error) = turn.say(text).await {
        tracing::debug!(what, %error, "nobody could be told of a failure");
    }
}

/// poise's errors without what it would say of them.
fn failure_of(error: FrameworkError<'_, Data, Failure>) -> Failure {
    match error {
        FrameworkError::Command { error, .. } => error,
        FrameworkError::ArgumentParse { error, input, .. } => {
            let input = input.unwrap_or_default();
            Failure::told(format!("{} cannot be read: {error}", crate::discord::reply::text::code(&input)))
        }
        FrameworkError::UnknownInteraction { .. } | FrameworkError::CommandStructureMismatch { .. } => {
            Failure::OutOfDate
        }
        FrameworkError::CommandPanic { .. } => Failure::Panic,
        _ => Failure::Malformed("poise refused it"),
    }
}
