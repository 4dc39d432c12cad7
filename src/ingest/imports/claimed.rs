//! Stores the rows of an import. Only the process that holds the claim on an import stores its rows. It renews the claim
//! every second; after the claim has lapsed, another process can continue the import.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::{ImportError, ImportPlan, PendingRow};
use crate::files::RowResult;
use crate::ingest::{Ingest, SubmitError};
use crate::store::{CLAIM_LIFETIME, Claim, Import, ImportState};

/// Maximum rows in the writer's queue: the batch that is being written, and the next one.
const MAX_WAITING: usize = 128;
/// How often the owner renews its claim. Much shorter than the lifetime, so that a slow commit does not cost the claim.
const RENEWAL_INTERVAL: Duration = Duration::from_secs(1);
/// How often to look whether an interrupted import can be claimed.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// With pauses, an import stores rows for this long, and then lets other processes write.
const WRITE_INTERVAL: Duration = Duration::from_millis(100);
/// A pause. SQLite looks at least every 50 ms whether it can write, in the first 200 ms of waiting.
const YIELD_DURATION: Duration = Duration::from_millis(50);

/// An import whose rows this process may store.
#[derive(Debug)]
pub struct ClaimedImport {
    /// Whether to pause now and then.
    pauses: bool,
    ingest: Ingest,
    import: Import,
    owner: Arc<str>,
    plan: ImportPlan,
}

impl Ingest {
    /// Claims an import whose rows are not all stored. If it was interrupted a moment ago, waits until the claim of the
    /// earlier process has lapsed. The undo of an interrupted import ends that import.
    ///
    /// # Errors
    /// If the import has ended, if another process stores its rows, if the same file was imported meanwhile, if its file
    /// is gone, and if the database fails.
    pub async fn claim_import(&self, id: i64) -> Result<ClaimedImport, ImportError> {
        let import = self.store.import(id).await?.ok_or(ImportError::Gone)?;
        if import.has_ended() {
            return Err(ImportError::Ended);
        }
        if let Some(undone) = import.undoes
            && self.store.import(undone).await?.is_some_and(|import| import.state == ImportState::Running)
        {
            self.until_stopped(undone).await?;
        }
        let (_, plan) = self.offered_rows(&import).await?;
        let owner = format!("{:016x}", fastrand::u64(..));
        self.until_claimed(&import, &owner).await?;
        // Another process may have stored more rows since the first look.
        let import = self.store.import(id).await?.ok_or(ImportError::Gone)?;
        Ok(ClaimedImport { pauses: false, ingest: self.clone(), import, owner: owner.into(), plan })
    }

    async fn until_claimed(&self, import: &Import, owner: &str) -> Result<(), ImportError> {
        let mut patience = Patience::default();
        loop {
            match self.store.claim_import(import, owner).await? {
                Claim::Granted => return Ok(()),
                Claim::Repeated(other) if import.undoes.is_some() => return Err(ImportError::Undone(other)),
                Claim::Repeated(other) => return Err(ImportError::Repeated(other)),
                Claim::Refused => patience.wait(self.store.import(import.id).await?).await?,
            }
        }
    }

    /// Ends an interrupted import. Waits for the claim of a process that crashed to lapse.
    async fn until_stopped(&self, id: i64) -> Result<(), ImportError> {
        let mut patience = Patience::default();
        while !self.store.stop_import(id).await? {
            match patience.wait(self.store.import(id).await?).await {
                // The other process has just finished it.
                Err(ImportError::Ended) => return Ok(()),
                waited => waited?,
            }
        }
        Ok(())
    }
}

/// Waits for the claim of another process to lapse, but not for a process that renews it.
#[derive(Default)]
struct Patience {
    begin: Option<(Instant, Option<DateTime<Utc>>)>,
}

impl Patience {
    /// Waits a moment. The error says that the import has ended, or that a process stores its rows.
    async fn wait(&mut self, import: Option<Import>) -> Result<(), ImportError> {
        let import = import.ok_or(ImportError::Gone)?;
        if import.has_ended() {
            return Err(ImportError::Ended);
        }
        let (since, claimed_at) = *self.begin.get_or_insert((Instant::now(), import.claimed_at));
        let limit = CLAIM_LIFETIME.to_std().unwrap_or_default() + RENEWAL_INTERVAL;
        if claimed_at != import.claimed_at || since.elapsed() > limit {
            return Err(ImportError::Running);
        }
        sleep(POLL_INTERVAL).await;
        Ok(())
    }
}

impl ClaimedImport {
    /// How many rows the import has.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.plan.len()
    }

    /// Pauses now and then. A process that waits for SQLite looks only from time to time whether it can write, so it
    /// could wait for seconds behind another process that writes without a pause.
    #[must_use]
    pub fn with_pauses(self, pauses: bool) -> Self {
        Self { pauses, ..self }
    }

    /// Stores the rows that are not stored yet, and marks the import as finished. Calls `progress` with the number of
    /// rows done. Returns the results of the rows that this call has handled. When `stop` is cancelled, stops after the
    /// rows that are being written.
    ///
    /// # Errors
    /// If it was stopped, if the database fails, and if another process has taken the claim or an undo has ended the
    /// import. Rows that are already stored stay stored; the import can be continued unless it has ended.
    pub async fn run(
        self,
        stop: &CancellationToken,
        progress: impl FnMut(u64),
    ) -> Result<Vec<RowResult>, ImportError> {
        let mut done = tokio::select! {
            done = self.store_rows(stop, progress) => done,
            never = self.renew_claim() => match never {},
        };
        if matches!(done, Err(ImportError::Running))
            && self.ingest.store.import(self.import.id).await?.is_some_and(|import| import.has_ended())
        {
            done = Err(ImportError::Ended);
        }
        if done.is_err() {
            // If this fails, the claim lapses.
            drop(self.ingest.store.release_import(self.import.id, &self.owner).await);
        }
        done
    }

    async fn renew_claim(&self) -> Infallible {
        loop {
            sleep(RENEWAL_INTERVAL).await;
            // The writer logs failures of the database.
            drop(self.ingest.store.renew_import(self.import.id, &self.owner).await);
        }
    }

    async fn store_rows(
        &self,
        stop: &CancellationToken,
        mut progress: impl FnMut(u64),
    ) -> Result<Vec<RowResult>, ImportError> {
        let mut results = Vec::new();
        let mut waiting = VecDeque::<PendingRow>::new();
        let before = u64::from(self.import.done);
        let mut finish = |result: RowResult| {
            results.push(result);
            progress(before + results.len() as u64);
        };
        let mut first = self.import.done;
        let rest = self.plan.rows.get(usize::try_from(first).unwrap_or(usize::MAX)..).unwrap_or_default();
        let mut turn = Instant::now();
        for page in rest.chunks(MAX_WAITING / 2) {
            if self.pauses && turn.elapsed() >= WRITE_INTERVAL {
                while !waiting.is_empty() {
                    finish(result_of(waiting.pop_front()).await?);
                }
                sleep(YIELD_DURATION).await;
                turn = Instant::now();
            }
            for (job, result) in self.plan.jobs(page, Some((&self.import, &self.owner, first))) {
                while waiting.len() >= MAX_WAITING || stop.is_cancelled() && !waiting.is_empty() {
                    finish(result_of(waiting.pop_front()).await?);
                }
                if stop.is_cancelled() {
                    return Err(SubmitError::Closed.into());
                }
                self.ingest.queue.send(job).await.map_err(|_| SubmitError::Closed)?;
                waiting.push_back(result);
            }
            first = first.saturating_add(u32::try_from(page.len()).unwrap_or(u32::MAX));
        }
        while !waiting.is_empty() {
            finish(result_of(waiting.pop_front()).await?);
        }
        let is_finished = self.ingest.store.finish_import(self.import.id, &self.owner).await?;
        if is_finished { Ok(results) } else { Err(ImportError::Running) }
    }
}

async fn result_of(waiting: Option<PendingRow>) -> Result<RowResult, ImportError> {
    match waiting {
        Some(waiting) => waiting.await.unwrap_or_else(|_| Err(SubmitError::Closed.into())),
        None => Err(SubmitError::Closed.into()),
    }
}
