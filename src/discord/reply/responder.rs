//! Answers one interaction.
//!
//! Discord waits 3 seconds for the first response and accepts the last one for 15 minutes. A command
//! that reads the database therefore defers its answer first.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serenity::all::{
    Builder, CreateInteractionResponse, CreateInteractionResponseMessage, CreateModal, Http,
};
use tokio::time::sleep;

use super::Reply;
use super::caller::Caller;
use super::custom_id::{self, Arguments};
use super::error::CommandError;
use crate::config::Level;
use crate::discord::rest::RestError;
use crate::order::View;

/// How often an answer is sent again when Discord fails temporarily.
const MAX_RETRIES: u32 = 2;
/// Discord's error code for an interaction that already has a first response.
const ALREADY_ACKNOWLEDGED: Option<i64> = Some(40060);

/// One interaction, and the means to answer it.
pub(crate) struct Responder<'a> {
    pub(crate) caller: Caller,
    /// The caller's access level. `None` allows `/help` only.
    pub(crate) level: Option<Level>,
    /// The custom id of the component or modal. Empty for a command.
    pub(crate) custom_id: &'a str,
    /// The values that were chosen in a select.
    pub(crate) selected: Vec<String>,
    /// The text inputs of a modal: name and text.
    pub(crate) inputs: Vec<(String, String)>,
    /// Whether a component of a message opened the modal.
    pub(crate) opened_by_component: bool,
    pub(crate) http: Arc<Http>,
    /// The delay before the first retry; it doubles.
    pub(crate) retry_delay: Duration,
    /// Whether Discord has received the first response.
    pub(crate) acknowledged: &'a AtomicBool,
    /// Whether the answer replaces the message that the component is on.
    pub(crate) updates_message: AtomicBool,
}

impl Responder<'_> {
    /// Whether the caller has this level or a higher one.
    pub(crate) fn has_level(&self, level: Level) -> bool {
        self.level >= Some(level)
    }

    /// How much of an order the caller sees.
    pub(crate) fn view(&self) -> View {
        if self.has_level(Level::Manager) { View::Full } else { View::Masked }
    }

    /// Refuses a question about personal data if the caller may not see such data: the answer would reveal the data
    /// by trying.
    pub(crate) fn require_full_view(&self, question: &str) -> Result<(), CommandError> {
        match self.view() {
            View::Full => Ok(()),
            View::Masked => Err(CommandError::user(format!("You need the manager level to {question}."))),
        }
    }

    /// The caller's name in the history of an order.
    pub(crate) fn actor(&self) -> String {
        format!("discord:{}", self.caller.user)
    }

    /// The arguments of the custom id.
    pub(crate) fn arguments(&self) -> Arguments<'_> {
        custom_id::parse(self.custom_id).1
    }

    /// The row id that was chosen in a select.
    pub(crate) fn selected_id(&self) -> Result<i64, CommandError> {
        self.selected.first().and_then(|id| id.parse().ok()).ok_or(CommandError::OutOfDate)
    }

    /// The text of a modal's input.
    pub(crate) fn input(&self, name: &str) -> Option<&str> {
        self.inputs.iter().find(|(input, _)| input == name).map(|(_, text)| text.as_str())
    }

    /// Announces an answer that only the caller will see.
    pub(crate) async fn defer(&self) -> Result<(), CommandError> {
        let private = CreateInteractionResponseMessage::new().ephemeral(true);
        self.respond(CreateInteractionResponse::Defer(private)).await
    }

    /// Announces a change of the message that the component is on.
    pub(crate) async fn defer_update(&self) -> Result<(), CommandError> {
        self.updates_message.store(true, Ordering::Relaxed);
        self.respond(CreateInteractionResponse::Acknowledge).await
    }

    /// Opens a modal. It must be the first response.
    pub(crate) async fn open(&self, modal: CreateModal) -> Result<(), CommandError> {
        self.respond(CreateInteractionResponse::Modal(modal)).await
    }

    /// Shows the answer: in place of the deferred one, of the component's message, or at once.
    pub(crate) async fn show(&self, reply: Reply) -> Result<(), CommandError> {
        if self.acknowledged.load(Ordering::Relaxed) {
            let edit = reply.into_edit();
            return self.retry(|| edit.clone().execute(&self.http, &self.caller.token)).await;
        }
        self.respond(CreateInteractionResponse::Message(reply.into_response().ephemeral(true))).await
    }

    /// Tells the caller something without changing the message that the component is on.
    pub(crate) async fn say(&self, text: impl Into<String>) -> Result<(), CommandError> {
        let reply = Reply::text(text);
        if self.acknowledged.load(Ordering::Relaxed) && self.updates_message.load(Ordering::Relaxed) {
            return self.follow_up(reply, true).await;
        }
        self.show(reply).await
    }

    /// Posts a further message that everybody in the channel sees.
    pub(crate) async fn publish(&self, reply: Reply) -> Result<(), CommandError> {
        self.follow_up(reply, false).await
    }

    async fn follow_up(&self, reply: Reply, private: bool) -> Result<(), CommandError> {
        let message = reply.into_follow_up().ephemeral(private);
        message.execute(&self.http, (None, &self.caller.token)).await?;
        Ok(())
    }

    async fn respond(&self, response: CreateInteractionResponse) -> Result<(), CommandError> {
        let interaction = (self.caller.id, self.caller.token.as_str());
        self.retry(|| response.clone().execute(&self.http, interaction)).await?;
        self.acknowledged.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Repeats a request while Discord fails temporarily. The request must have the same effect
    /// when Discord executes it twice.
    async fn retry<T, F>(&self, request: impl Fn() -> F) -> Result<(), CommandError>
    where
        F: Future<Output = serenity::Result<T>>,
    {
        let mut delay = self.retry_delay;
        for retries in 0.. {
            match request().await.map_err(RestError::from) {
                Err(error) if retries < MAX_RETRIES && !error.is_final() => sleep(delay).await,
                // The response of an earlier try was lost, not the request.
                Err(error) if retries > 0 && error.code() == ALREADY_ACKNOWLEDGED => break,
                result => return Ok(result.map(drop)?),
            }
            delay = delay.saturating_mul(2);
        }
        Ok(())
    }
}
