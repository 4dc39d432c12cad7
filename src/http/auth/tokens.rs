//! The tokens in memory. A check costs a hash and a look into a map; revoking takes effect within a second.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::store::{Store, Token};
use crate::token::{Secret, SecretHash, TokenKind};

/// How often the tokens are read again. Every process does this, so that a token that was revoked anywhere stops
/// working within a second.
const REFRESH_INTERVAL: Duration = Duration::from_millis(500);
/// Requests with unknown tokens make ROMS read the tokens again at most this often.
const MIN_REFRESH_PAUSE: Duration = Duration::from_millis(50);
/// How long a request with an unknown token waits for that.
const UNKNOWN_TOKEN_WAIT: Duration = Duration::from_millis(500);

/// The tokens by the key of their hash.
type Table = HashMap<u64, Arc<Token>>;

#[derive(Debug, Default)]
pub(crate) struct Tokens {
    table: watch::Sender<Table>,
    /// A request came with an unknown token, which may have just been created.
    unknown: Notify,
    /// The tokens were read again.
    refreshed: Notify,
}

impl Tokens {
    pub(crate) fn new(tokens: Vec<Token>) -> Self {
        Self { table: watch::Sender::new(table(tokens)), ..Self::default() }
    }

    /// Whether no token works.
    pub(crate) fn is_empty(&self) -> bool {
        let now = clock::now();
        self.table.borrow().values().all(|token| token.is_expired(now))
    }

    /// The valid token with this secret. Waits a moment for a token that is not known yet.
    pub(crate) async fn find(&self, secret: &Secret) -> Option<Arc<Token>> {
        let hash = secret.hash();
        if let Some(token) = self.valid(&hash) {
            return Some(token);
        }
        let refreshed = self.refreshed.notified();
        self.unknown.notify_one();
        // After a timeout, look anyway.
        drop(timeout(UNKNOWN_TOKEN_WAIT, refreshed).await);
        self.valid(&hash)
    }

    /// The valid API token with this row id.
    pub(crate) fn by_id(&self, id: i64) -> Option<Arc<Token>> {
        let (table, now) = (self.table.borrow(), clock::now());
        let mut tokens =
            table.values().filter(|token| token.kind == TokenKind::Api && !token.is_expired(now));
        tokens.find(|token| token.id == id).map(Arc::clone)
    }

    /// Whether there is a token with this row id.
    pub(crate) fn contains(&self, id: i64) -> bool {
        self.table.borrow().values().any(|token| token.id == id)
    }

    fn valid(&self, hash: &SecretHash) -> Option<Arc<Token>> {
        let table = self.table.borrow();
        let token = table.get(&hash.key()).filter(|token| token.hash.matches(hash))?;
        (!token.is_expired(clock::now())).then(|| Arc::clone(token))
    }

    /// Returns when a token is revoked or expires.
    pub(crate) async fn until_invalid(&self, token: &Token) {
        let mut table = self.table.subscribe();
        while self.valid(&token.hash).is_some() {
            let left = token.expires_at.and_then(|end| (end - clock::now()).to_std().ok());
            tokio::select! {
                () = sleep(left.unwrap_or(Duration::MAX)) => {}
                _ = table.changed() => {}
            }
        }
    }

    /// Follows the database until `closing` is cancelled. While the database fails, the tokens stay as they are.
    pub(crate) async fn follow(&self, store: &Store, closing: &CancellationToken) {
        let read = async {
            loop {
                if let Ok(tokens) = store.tokens().await {
                    self.replace(table(tokens));
                }
                self.refreshed.notify_waiters();
                sleep(MIN_REFRESH_PAUSE).await;
                tokio::select! {
                    () = sleep(REFRESH_INTERVAL) => {}
                    () = self.unknown.notified() => {}
                }
            }
        };
        closing.run_until_cancelled(read).await;
    }

    fn replace(&self, new: Table) {
        self.table.send_if_modified(|old| {
            let changed = *old != new;
            *old = new;
            changed
        });
    }
}

fn table(tokens: Vec<Token>) -> Table {
    tokens.into_iter().map(|token| (token.hash.key(), Arc::new(token))).collect()
}
