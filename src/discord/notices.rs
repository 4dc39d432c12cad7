//! Tells people in the notice channel what they would not see otherwise: cards that could not be
//! read, and history that was not. A burst becomes one message, and no text of a card is in it.

mod digest;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use self::digest::Digest;
use super::Timing;
use super::rest::{Reported, Rest};
use crate::card::outcome::Rejection;

/// How many may wait.
const QUEUE: usize = 256;

/// Takes notices, and lets one task gather and post them. A clone is the same queue.
#[derive(Clone, Debug)]
pub struct Notices {
    queue: mpsc::Sender<Notice>,
    missed: Arc<AtomicUsize>,
}

/// Something to tell.
#[derive(Debug)]
enum Notice {
    /// A card that could not be read.
    Unread(Place, Rejection),
    /// A sentence.
    Plain(String),
}

/// Where a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The guild.
    pub guild: i64,
    /// The channel.
    pub channel: i64,
    /// The message.
    pub message: i64,
}

impl Notices {
    /// Starts the task. Without a channel nobody is told anything. Told to stop, it posts what it
    /// has, for which it takes at most [`Timing::close`].
    #[must_use]
    pub fn start(
        rest: Rest,
        channel: Option<i64>,
        timing: &Timing,
        stop: CancellationToken,
    ) -> (Self, JoinHandle<()>) {
        let (queue, notices) = mpsc::channel(QUEUE);
        let missed = Arc::<AtomicUsize>::default();
        let this = Self { queue, missed: Arc::clone(&missed) };
        let Some(channel) = channel else { return (this, tokio::spawn(async {})) };
        let desk = Desk { rest, channel, notices, missed, reported: Reported::default() };
        (this, tokio::spawn(desk.work(timing.notice, timing.close, stop)))
    }

    /// A card could not be read. The place makes a link.
    pub fn unread(&self, place: Place, why: &Rejection) {
        self.send(Notice::Unread(place, why.clone()));
    }

    /// Something else that people should know: a sentence without any text of a card.
    pub fn say(&self, text: impl Into<String>) {
        self.send(Notice::Plain(text.into()));
    }

    fn send(&self, notice: Notice) {
        if self.queue.try_send(notice).is_err() {
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The task.
struct Desk {
    rest: Rest,
    channel: i64,
    notices: mpsc::Receiver<Notice>,
    /// What found no place in the queue.
    missed: Arc<AtomicUsize>,
    reported: Reported<i64>,
}

impl Desk {
    async fn work(mut self, gather: Duration, close: Duration, stop: CancellationToken) {
        loop {
            let next = stop.run_until_cancelled(self.notices.recv()).await;
            let Some(first) = next.unwrap_or_else(|| self.notices.try_recv().ok()) else { return };
            let mut digest = Digest::default();
            digest.add(first);
            stop.run_until_cancelled(self.gather(&mut digest, Instant::now() + gather)).await;
            // Told to stop or not, what waits by now is told.
            while let Ok(notice) = self.notices.try_recv() {
                digest.add(notice);
            }
            digest.miss(self.missed.swap(0, Ordering::Relaxed));
            let text = digest.to_string();
            let too_late = async {
                stop.cancelled().await;
                sleep(close).await;
            };
            tokio::select! {
                () = self.post(&text) => {}
                () = too_late => {}
            }
            if stop.is_cancelled() {
                return;
            }
        }
    }

    /// Adds what comes until then.
    async fn gather(&mut self, digest: &mut Digest, until: Instant) {
        while let Ok(Some(notice)) = timeout_at(until, self.notices.recv()).await {
            digest.add(notice);
        }
    }

    async fn post(&self, text: &str) {
        match self.rest.post(self.channel, text).await {
            Ok(()) => {
                if self.reported.works(&self.channel) {
                    info!(channel.id = self.channel, "notices get through again");
                }
            }
            Err(error) => {
                if self.reported.fails(self.channel) {
                    warn!(channel.id = self.channel, %error, "cannot post in the notice channel");
                }
            }
        }
    }
}
