//! The right to run a job, for a while.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cumulet_base::Clock;
use cumulet_store::{Store, StoreError, Tx};
use serde_json::Value;

use crate::Outcome;
use crate::job::{Stored, load, millis, move_to, remove};

/// The right to run a job. Lost when the job is cancelled, or when the lease was not renewed in
/// time and another worker took over.
#[derive(Debug, Clone)]
pub struct Lease {
    pub(crate) kind: Arc<str>,
    /// The job's key.
    pub key: Arc<str>,
    /// The job's payload.
    pub payload: Arc<Value>,
    /// The number of this attempt, from 1.
    pub attempt: u32,
    /// The fencing token: later leases of the job have larger ones.
    pub token: u64,
}

/// Why a lease was of no use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeaseError {
    /// The job was cancelled or is run by somebody else: stop.
    Lost,
    /// The store failed.
    Store(StoreError),
}

impl fmt::Display for LeaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost => f.write_str("the job was cancelled or taken over"),
            Self::Store(why) => why.fmt(f),
        }
    }
}

impl std::error::Error for LeaseError {}

impl From<StoreError> for LeaseError {
    fn from(why: StoreError) -> Self {
        Self::Store(why)
    }
}

impl Lease {
    /// Makes `tx` fail unless this worker still has the job: what `tx` writes is then written by
    /// one worker only.
    pub async fn check(&self, tx: &Tx) -> Result<(), LeaseError> {
        self.held(tx).await.map(drop)
    }

    /// Ends the job within `tx`, so that it is done exactly when the effects in `tx` are there.
    /// The handler then returns [`Outcome::Done`].
    pub async fn finish(&self, tx: &Tx) -> Result<(), LeaseError> {
        let job = self.held(tx).await?;
        self.done(tx, job);
        Ok(())
    }

    async fn held(&self, tx: &Tx) -> Result<Stored, LeaseError> {
        let job = load(tx, &self.kind, &self.key).await?;
        job.filter(|job| job.running && job.token == self.token).ok_or(LeaseError::Lost)
    }

    fn done(&self, tx: &Tx, mut job: Stored) {
        match job.behind.take() {
            None => remove(tx, &self.kind, &self.key, &job),
            Some((payload, at)) => {
                (job.payload, job.attempts, job.running) = (payload, 0, false);
                move_to(tx, &self.kind, &self.key, &mut job, at);
            }
        }
    }

    /// Takes the job that the order has at `due`, if it is still there.
    pub(crate) async fn take(
        tx: &Tx,
        kind: &Arc<str>,
        (due, key): &(u64, String),
        until: u64,
    ) -> Result<Option<Self>, StoreError> {
        let Some(mut job) = load(tx, kind, key).await?.filter(|job| job.due == *due) else {
            return Ok(None);
        };
        // Larger than that of every lease before, even of a job of this key that was cancelled.
        job.token = tx.version().get();
        job.attempts = job.attempts.saturating_add(1);
        job.running = true;
        move_to(tx, kind, key, &mut job, until);
        Ok(Some(Self {
            kind: Arc::clone(kind),
            key: key.as_str().into(),
            payload: Arc::new(job.payload),
            attempt: job.attempts,
            token: job.token,
        }))
    }

    /// Takes the job that the order has at `due` from whoever holds it: it is due at `now`.
    pub(crate) async fn revoke(
        tx: &Tx,
        kind: &Arc<str>,
        (due, key): &(u64, String),
        now: u64,
    ) -> Result<(), StoreError> {
        let held = load(tx, kind, key).await?.filter(|job| job.running && job.due == *due);
        if let Some(mut job) = held {
            // Still `running`: what was enqueued meanwhile stays behind it.
            move_to(tx, kind, key, &mut job, now);
        }
        Ok(())
    }

    /// Holds the job until `until`.
    pub(crate) async fn renew(&self, store: &Store, until: u64) -> Result<(), LeaseError> {
        let body = |tx: Tx| async move {
            let mut job = self.held(&tx).await?;
            move_to(&tx, &self.kind, &self.key, &mut job, until);
            Ok(())
        };
        store.transact(body).await
    }

    /// Gives the job back, with what came of it.
    pub(crate) async fn settle(
        &self,
        store: &Store,
        clock: &dyn Clock,
        outcome: Outcome,
    ) -> Result<(), LeaseError> {
        let after = |wait: Duration| millis(clock.now().after(wait));
        let (due, counts) = match outcome {
            Outcome::Done => (None, true),
            Outcome::Retry { after: wait } => (Some(after(wait)), true),
            Outcome::Later { at } => (Some(millis(at)), false),
        };
        let body = |tx: Tx| async move {
            let mut job = self.held(&tx).await?;
            let Some(due) = due else {
                self.done(&tx, job);
                return Ok(());
            };
            job.running = false;
            if !counts {
                job.attempts = job.attempts.saturating_sub(1);
            }
            // What came meanwhile was about the same thing: its time counts, its payload is newer.
            let due = match job.behind.take() {
                Some((payload, at)) => {
                    job.payload = payload;
                    due.min(at)
                }
                None => due,
            };
            move_to(&tx, &self.kind, &self.key, &mut job, due);
            Ok(())
        };
        store.transact(body).await
    }
}
