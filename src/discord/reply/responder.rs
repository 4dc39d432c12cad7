//! One interaction from its beginning to its answer.
//!
//! Discord waits three seconds for the first sign and fifteen minutes for the last: what reads the
//! database says at once that an answer will come.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serenity::all::{
    Builder, CreateInteractionResponse, CreateInteractionResponseMessage, CreateModal, Http,
};
use tokio::time::sleep;

use super::screen::Screen;
use crate::config::Level;
use crate::discord::commands::asker::Asker;
use crate::discord::commands::data::{Ctx, Data};
use crate::discord::commands::failure::Failure;
use crate::discord::rest::RestError;

/// How often an answer is given once more.
const AGAIN: u32 = 2;
/// Discord's code for an interaction that was answered before.
const ACKNOWLEDGED: Option<i64> = Some(40060);

/// One interaction, of somebody who may do this.
pub(crate) struct Turn<'a> {
    pub(crate) data: &'a Data,
    pub(crate) asker: Asker,
    /// What the caller may do; `None` is nothing, which leaves `/help`.
    pub(crate) level: Option<Level>,
    /// What was chosen in a select.
    pub(crate) chosen: Vec<String>,
    /// What was typed into a modal, by the names of its inputs.
    pub(crate) inputs: Vec<(String, String)>,
    /// Whether the modal was opened by a component of a message.
    pub(crate) on_message: bool,
    http: Arc<Http>,
    /// Whether Discord has had the first sign.
    acknowledged: &'a AtomicBool,
    /// Whether the answer takes the place of the message that the component is on.
    replaces: AtomicBool,
}

impl<'a> Turn<'a> {
    pub(crate) fn new(data: &'a Data, asker: Asker, acknowledged: &'a AtomicBool) -> Self {
        Self {
            level: data.admission.level(&asker),
            http: data.deps.rest.http(),
            data,
            asker,
            chosen: Vec::new(),
            inputs: Vec::new(),
            on_message: false,
            acknowledged,
            replaces: AtomicBool::new(false),
        }
    }

    /// The turn of a command.
    pub(crate) fn of(ctx: Ctx<'a>) -> Self {
        Self::new(ctx.framework.user_data, Asker::from(ctx.interaction), ctx.has_sent_initial_response)
    }

    /// Whether the caller has this level.
    pub(crate) fn may(&self, level: Level) -> bool {
        self.level >= Some(level)
    }

    /// Who acts, for the history of an order.
    pub(crate) fn actor(&self) -> String {
        format!("discord:{}", self.asker.user)
    }

    /// What was typed into an input of a modal.
    pub(crate) fn typed(&self, name: &str) -> Option<&str> {
        self.inputs.iter().find(|(input, _)| input == name).map(|(_, text)| text.as_str())
    }

    /// A private answer will come.
    pub(crate) async fn defer(&self) -> Result<(), Failure> {
        let private = CreateInteractionResponseMessage::new().ephemeral(true);
        self.first(CreateInteractionResponse::Defer(private)).await
    }

    /// The message that the component is on will change.
    pub(crate) async fn defer_update(&self) -> Result<(), Failure> {
        self.replaces.store(true, Ordering::Relaxed);
        self.first(CreateInteractionResponse::Acknowledge).await
    }

    /// Opens a modal, which cannot be put off.
    pub(crate) async fn open(&self, modal: CreateModal) -> Result<(), Failure> {
        self.first(CreateInteractionResponse::Modal(modal)).await
    }

    /// Answers what was put off: with the private answer, or what the component's message becomes.
    pub(crate) async fn show(&self, screen: Screen) -> Result<(), Failure> {
        if self.acknowledged.load(Ordering::Relaxed) {
            let edit = screen.into_edit();
            return self.patiently(|| edit.clone().execute(&self.http, &self.asker.token)).await;
        }
        self.first(CreateInteractionResponse::Message(screen.into_answer().ephemeral(true))).await
    }

    /// Tells the caller something, and leaves what they see as it is.
    pub(crate) async fn say(&self, text: impl Into<String>) -> Result<(), Failure> {
        let screen = Screen::text(text);
        if self.acknowledged.load(Ordering::Relaxed) && self.replaces.load(Ordering::Relaxed) {
            return self.add(screen, true).await;
        }
        self.show(screen).await
    }

    /// Posts one more message, which everybody in the channel sees.
    pub(crate) async fn publish(&self, screen: Screen) -> Result<(), Failure> {
        self.add(screen, false).await
    }

    async fn add(&self, screen: Screen, private: bool) -> Result<(), Failure> {
        let message = screen.into_follow_up().ephemeral(private);
        message.execute(&self.http, (None, &self.asker.token)).await?;
        Ok(())
    }

    async fn first(&self, answer: CreateInteractionResponse) -> Result<(), Failure> {
        let to = (self.asker.id, self.asker.token.as_str());
        self.patiently(|| answer.clone().execute(&self.http, to)).await?;
        self.acknowledged.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Gives an answer that may be given twice, and once more where Discord could not take it for a
    /// moment.
    async fn patiently<T, F>(&self, give: impl Fn() -> F) -> Result<(), Failure>
    where
        F: Future<Output = serenity::Result<T>>,
    {
        let mut pause = self.data.deps.timing.retry;
        for tried in 0.. {
            match give().await.map(drop).map_err(RestError::from) {
                Err(error) if tried < AGAIN && !error.is_final() => sleep(pause).await,
                Err(error) if tried > 0 && error.code() == ACKNOWLEDGED => break,
                done => return Ok(done?),
            }
            pause = pause.saturating_mul(2);
        }
        Ok(())
    }
}
