//! Posts to the notice channel: rejected cards, and messages that were too old to be read. Many
//! notices at once become one message. A notice contains no text of a card.

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
use super::rest::{FailureLog, Rest};
use super::timing::Timing;
use crate::card::decode::discord::MessageRef;
use crate::card::outcome::Rejection;

/// Notices that may wait.
const QUEUE: usize = 256;

/// Queues notices for a task that collects and posts them. Clones share the queue.
#[derive(Clone, Debug)]
pub struct Notices {
    queue: mpsc::Sender<Notice>,
    dropped: Arc<AtomicUsize>,
}

/// One notice.
#[derive(Debug)]
pub(crate) enum Notice {
    /// A rejected card, and the reason.
    Rejected(MessageRef, Rejection),
    /// A sentence.
    Text(String),
}

impl Notices {
    /// Starts the task. Without a channel it drops all notices. When `stop` is cancelled, it posts
    /// what it has, for at most [`Timing::close_timeout`].
    #[must_use]
    pub fn start(
        rest: Rest,
        channel: Option<i64>,
        timing: &Timing,
        stop: CancellationToken,
    ) -> (Self, JoinHandle<()>) {
        let (queue, notices) = mpsc::channel(QUEUE);
        let dropped = Arc::<AtomicUsize>::default();
        let this = Self { queue, dropped: Arc::clone(&dropped) };
        let Some(channel) = channel else { return (this, tokio::spawn(async {})) };
        let poster = Poster { rest, channel, notices, dropped, failures: FailureLog::default() };
        (this, tokio::spawn(poster.run(timing.notice_delay, timing.close_timeout, stop)))
    }

    /// Queues a notice about a rejected card.
    pub fn card_rejected(&self, link: MessageRef, reason: &Rejection) {
        self.send(Notice::Rejected(link, reason.clone()));
    }

    /// Queues a sentence. It must not contain text of a card.
    pub fn text(&self, text: impl Into<String>) {
        self.send(Notice::Text(text.into()));
    }

    fn send(&self, notice: Notice) {
        if self.queue.try_send(notice).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Collects notices and posts them.
struct Poster {
    rest: Rest,
    channel: i64,
    notices: mpsc::Receiver<Notice>,
    /// Notices that did not fit into the queue.
    dropped: Arc<AtomicUsize>,
    failures: FailureLog<i64>,
}

impl Poster {
    async fn run(mut self, notice_delay: Duration, close_timeout: Duration, stop: CancellationToken) {
        loop {
            let next = stop.run_until_cancelled(self.notices.recv()).await;
            let Some(first) = next.unwrap_or_else(|| self.notices.try_recv().ok()) else { return };
            let mut digest = Digest::default();
            digest.add(first);
            stop.run_until_cancelled(self.collect(&mut digest, Instant::now() + notice_delay)).await;
            while let Ok(notice) = self.notices.try_recv() {
                digest.add(notice);
            }
            digest.add_dropped(self.dropped.swap(0, Ordering::Relaxed));
            let text = digest.to_string();
            let too_late = async {
                stop.cancelled().await;
                sleep(close_timeout).await;
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

    /// Adds the notices that arrive before `deadline`.
    async fn collect(&mut self, digest: &mut Digest, deadline: Instant) {
        while let Ok(Some(notice)) = timeout_at(deadline, self.notices.recv()).await {
            digest.add(notice);
        }
    }

    async fn post(&self, text: &str) {
        match self.rest.post(self.channel, text).await {
            Ok(()) => {
                if self.failures.is_recovery(&self.channel) {
                    info!(channel.id = self.channel, "notices work again");
                }
            }
            Err(error) => {
                if self.failures.is_first_failure(self.channel) {
                    warn!(channel.id = self.channel, %error, "cannot post in the notice channel");
                }
            }
        }
    }
}
