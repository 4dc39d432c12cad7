//! Connects to PostgreSQL, and accepts only the primary: a standby cannot store orders, and an old primary that was
//! replaced must not.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::stream::{FuturesUnordered, StreamExt};
use sea_orm::sqlx::postgres::{PgConnectOptions, PgRow};
use sea_orm::sqlx::{self, AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection, Postgres, Row};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::config::DatabaseUrl;
use crate::store::StoreError;
use crate::store::error::{is_temporary, reason};

/// How long one host may take to answer a new connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How much later each further host is asked. A host without power does not answer at all.
const HEAD_START: Duration = Duration::from_millis(200);
/// A session is closed at this age, so that every process soon notices where the address of the database leads.
const MAX_AGE: Duration = Duration::from_mins(1);
/// How long a statement may remain without an answer after the path to the server was interrupted.
const SILENCE: Duration = Duration::from_secs(1);

/// The server behind the addresses of `database.url`. Clones share what is known about it.
#[derive(Clone)]
pub(crate) struct Server(Arc<Inner>);

struct Inner {
    hosts: Vec<PgConnectOptions>,
    url: DatabaseUrl,
    /// The host that led to the primary most recently; tried first.
    current: AtomicUsize,
    /// Whether a pooler may run each transaction in another session. Once found, it stays so.
    is_pooled: AtomicBool,
    /// The newest primary that was seen.
    newest: Mutex<Option<Identity>>,
    /// Sessions of an earlier generation are not used again.
    generation: AtomicU64,
    /// The generation of the newest primary's first sessions. Notified when there is a newer primary, and when the
    /// primary can be reached again.
    replaced: watch::Sender<u64>,
}

/// The identity of a server. A standby has the system identifier of its primary; its promotion begins a new
/// timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Identity {
    system: String,
    timeline: u32,
}

/// A session of the primary.
pub(crate) struct Session {
    pub(crate) connection: PgConnection,
    /// The name of a prepared statement that only this session has. Empty if the server is known to be pooled.
    mark: String,
    opened: Instant,
    generation: u64,
    replaced: watch::Receiver<u64>,
}

/// Why a server is not used although it answers.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotPrimary {
    #[error("it is a standby, which is read-only; database.url must lead to the primary")]
    Standby,
    #[error(
        "it is an old primary: it is on timeline {found}, but ROMS has used its successor on timeline {newest}; stop it, \
         and make database.url lead to the new primary only"
    )]
    OldPrimary { found: u32, newest: u32 },
    #[error(
        "it is another database system than the one that ROMS has used since it started; if that is intended, restart \
         ROMS"
    )]
    OtherSystem,
    #[error("the connection was closed, because a newer one leads to the primary")]
    Replaced,
}

impl From<NotPrimary> for sqlx::Error {
    fn from(reason: NotPrimary) -> Self {
        Self::Configuration(reason.into())
    }
}

impl fmt::Debug for Server {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0.url, f)
    }
}

impl Server {
    pub(crate) fn new(url: &DatabaseUrl) -> Result<Self, StoreError> {
        let hosts = url.hosts().into_iter().map(|host| {
            let mut options: PgConnectOptions = host.parse().map_err(|_| StoreError::Url)?;
            if options.get_application_name().is_none() {
                options = options.application_name("roms");
            }
            // ROMS stores no floats, and pgbouncer refuses this parameter.
            Ok(options.extra_float_digits(None).disable_statement_logging())
        });
        Ok(Self(Arc::new(Inner {
            hosts: hosts.collect::<Result<_, StoreError>>()?,
            url: url.clone(),
            current: AtomicUsize::new(0),
            is_pooled: AtomicBool::new(false),
            newest: Mutex::new(None),
            generation: AtomicU64::new(0),
            replaced: watch::Sender::new(0),
        })))
    }

    /// How to connect to the host that led to the primary most recently.
    pub(crate) fn options(&self) -> PgConnectOptions {
        let current = self.0.current.load(Ordering::Relaxed);
        self.0.hosts.get(current).or(self.0.hosts.first()).cloned().unwrap_or_default()
    }

    /// Opens a session of the primary. Starts over if another connection reaches the primary first: the packets of
    /// this one may have been lost.
    pub(crate) async fn open_session(&self) -> Result<Session, sqlx::Error> {
        let mut replaced = self.replaced();
        loop {
            tokio::select! {
                biased;
                opened = self.open_on_first_host() => return opened,
                // The sender lives as long as the server.
                _ = replaced.changed() => {}
            }
        }
    }

    /// Opens a session on the first host that leads to the primary.
    async fn open_on_first_host(&self) -> Result<Session, sqlx::Error> {
        let first = self.0.current.load(Ordering::Relaxed);
        let hosts = self.0.hosts.iter().enumerate().cycle().skip(first).take(self.0.hosts.len());
        let delays = (0_u32..).map(|position| HEAD_START.saturating_mul(position));
        let mut opening: FuturesUnordered<_> = hosts
            .zip(delays)
            .map(|((at, options), delay)| async move {
                sleep(delay).await;
                (at, timeout(CONNECT_TIMEOUT, self.open_on(options)).await)
            })
            .collect();
        let mut failure = sqlx::Error::PoolTimedOut;
        while let Some((at, opened)) = opening.next().await {
            let error = match opened {
                Ok(Ok(session)) => {
                    self.0.current.store(at, Ordering::Relaxed);
                    return Ok(session);
                }
                Ok(Err(error)) => error,
                Err(_) => io::Error::new(io::ErrorKind::TimedOut, "no answer in time").into(),
            };
            // A host that is not the primary says more than one that does not answer.
            if !matches!(failure, sqlx::Error::Configuration(_)) {
                failure = error;
            }
        }
        Err(failure)
    }

    async fn open_on(&self, options: &PgConnectOptions) -> Result<Session, sqlx::Error> {
        let generation = self.generation();
        let mut connection = PgConnection::connect_with(options).await?;
        let mark = if self.is_pooled() { String::new() } else { format!("roms_{:016x}", fastrand::u64(..)) };
        if !mark.is_empty() {
            connection.execute(sqlx::raw_sql(AssertSqlSafe(format!("PREPARE {mark} AS SELECT 1")))).await?;
        }
        let row = connection.fetch_one(sqlx::raw_sql("SELECT pg_is_in_recovery()")).await?;
        if row.try_get::<bool, _>(0)? {
            return Err(NotPrimary::Standby.into());
        }
        let generation = self.verify(&mut connection, generation).await?;
        Ok(Session { connection, mark, opened: Instant::now(), generation, replaced: self.replaced() })
    }

    /// Refuses a server that is not the newest primary. Returns the generation of its sessions.
    pub(crate) async fn verify(
        &self,
        connection: impl Executor<'_, Database = Postgres>,
        generation: u64,
    ) -> Result<u64, sqlx::Error> {
        match connection.fetch_one(sqlx::raw_sql(IDENTITY)).await {
            Ok(row) => Ok(self.recognise(&Identity::of(&row)?, generation)?),
            // A product that only speaks PostgreSQL's protocol may not have these functions. Then any server will do.
            Err(sqlx::Error::Database(_)) => Ok(generation),
            Err(error) => Err(error),
        }
    }

    /// Notified when there is a newer primary, and when the primary can be reached again.
    pub(crate) fn replaced(&self) -> watch::Receiver<u64> {
        self.0.replaced.subscribe()
    }

    /// Gives up statements that remain without an answer, after the primary could not be reached for a while: the
    /// network may have lost them.
    pub(crate) fn abandon_silent(&self) {
        self.0.replaced.send_modify(|_| {});
    }

    /// The generation of sessions that are opened now.
    pub(crate) fn generation(&self) -> u64 {
        self.0.generation.load(Ordering::SeqCst)
    }

    /// Compares a server with the newest primary that was seen, and returns the generation of its sessions.
    fn recognise(&self, found: &Identity, generation: u64) -> Result<u64, NotPrimary> {
        let mut newest = self.0.newest.lock().unwrap_or_else(PoisonError::into_inner);
        match &*newest {
            Some(newest) if newest.system != found.system => return Err(NotPrimary::OtherSystem),
            Some(newest) if newest.timeline > found.timeline => {
                return Err(NotPrimary::OldPrimary { found: found.timeline, newest: newest.timeline });
            }
            Some(newest) if newest.timeline == found.timeline => return Ok(generation),
            Some(_) => tracing::warn!(
                "the database has a new primary, on timeline {}; connections to the old one are closed",
                found.timeline
            ),
            None => {}
        }
        let is_first = newest.replace(found.clone()).is_none();
        if is_first {
            return Ok(generation);
        }
        let generation = self.0.generation.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.replaced.send_replace(generation);
        Ok(generation)
    }

    /// Whether a pooler may run each transaction in another session.
    pub(crate) fn is_pooled(&self) -> bool {
        self.0.is_pooled.load(Ordering::Relaxed)
    }

    /// Records that the session changes between transactions.
    pub(crate) fn set_pooled(&self) {
        if !self.0.is_pooled.swap(true, Ordering::Relaxed) {
            tracing::info!(
                "the database is behind a pooler in transaction mode: ROMS prepares no statements, and asks for the \
                 changes of other processes every second"
            );
        }
    }

    /// Gives up all sessions of this generation and earlier ones, after one of them failed.
    pub(crate) fn discard(&self, generation: u64) {
        if self.generation() == generation {
            self.0.generation.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// The statement that fails where a transaction does not run where it should: outside the session that was set up,
    /// or behind a pooler on a server that is not the newest primary.
    pub(crate) fn check(&self, session: &Session) -> String {
        if !self.is_pooled() {
            return format!("EXECUTE {}", session.mark);
        }
        let newest = self.0.newest.lock().unwrap_or_else(PoisonError::into_inner);
        match &*newest {
            // Dividing by zero is the only error that an expression can raise.
            Some(newest) => format!(
                "SELECT 1 / (left(pg_walfile_name(pg_current_wal_lsn()), 8) >= '{:08X}')::int",
                newest.timeline
            ),
            None => "SELECT 1".to_owned(),
        }
    }

    /// The error that says why the server is not usable, and what to do.
    pub(crate) fn refused(&self, error: &sqlx::Error) -> StoreError {
        StoreError::Server {
            url: self.0.url.to_string(),
            reason: reason(error),
            is_temporary: is_temporary(error),
        }
    }

    pub(crate) fn refused_because(&self, reason: String) -> StoreError {
        StoreError::Server { url: self.0.url.to_string(), reason, is_temporary: false }
    }
}

/// The function that names the file of the write-ahead log shows the timeline at once. The timeline of the last
/// checkpoint follows only later.
const IDENTITY: &str = "SELECT system_identifier::text, left(pg_walfile_name(pg_current_wal_lsn()), 8) \
                        FROM pg_control_system()";

impl Identity {
    fn of(row: &PgRow) -> Result<Self, sqlx::Error> {
        let (system, timeline): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let timeline =
            u32::from_str_radix(&timeline, 16).map_err(|error| sqlx::Error::Decode(error.into()))?;
        Ok(Self { system, timeline })
    }
}

impl Session {
    /// Whether the session may be used for another transaction.
    pub(crate) fn is_current(&self, server: &Server) -> bool {
        self.generation == server.generation()
            && self.opened.elapsed() < MAX_AGE
            // A session that was set up before the pooler was noticed may have statements of that time.
            && self.mark.is_empty() == server.is_pooled()
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// Returns when a statement that is sent now should be abandoned: at once if the session leads to an old primary, and
    /// after [`SILENCE`] if the path was interrupted, because the statement or its answer may be lost.
    pub(crate) fn abandoned(&self) -> impl Future<Output = ()> + use<> {
        let (generation, sent) = (self.generation, Instant::now());
        let (mut primary, mut path) = (self.replaced.clone(), self.replaced.clone());
        let path_was_interrupted = async move {
            drop(path.changed().await);
            sleep(SILENCE.saturating_sub(sent.elapsed())).await;
        };
        async move {
            // The sender lives as long as the server.
            tokio::select! {
                _ = primary.wait_for(|first| generation < *first) => {}
                () = path_was_interrupted => {}
            }
        }
    }

    /// Notes that the server has answered, so that the session was not lost with the path.
    pub(crate) fn note_answer(&mut self) {
        self.replaced.mark_unchanged();
    }

    /// Tells the server that the session ends.
    pub(crate) async fn close(self) {
        // Does not wait for a server that is gone.
        drop(timeout(Duration::from_secs(1), self.connection.close()).await);
    }
}

/// Finds out at the start whether two connections share a session, as they do behind an idle pooler in transaction
/// mode. Behind a busy one, the check of a transaction finds it later.
pub(crate) async fn detect_pooler(server: &Server) -> Result<(), sqlx::Error> {
    let (mut one, mut other) = (server.open_session().await?, server.open_session().await?);
    // Each session has prepared a statement whose name, the mark, no other session uses.
    let execute = |mark: &str| sqlx::raw_sql(AssertSqlSafe(format!("EXECUTE {mark}")));
    let keeps_own = one.connection.execute(execute(&one.mark)).await.is_ok();
    let sees_other = one.connection.execute(execute(&other.mark)).await.is_ok();
    let other_keeps_own = other.connection.execute(execute(&other.mark)).await.is_ok();
    if !keeps_own || sees_other || !other_keeps_own {
        server.set_pooled();
    }
    tokio::join!(one.close(), other.close());
    Ok(())
}
