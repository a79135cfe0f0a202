//! The committing thread: takes a group, makes it durable, answers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::{Commits, Group, Layer, State, version};
use crate::StoreError;
use crate::engine::{CommitError, EngineSnapshot};

/// How long a failed recovery waits before the next attempt.
const RECOVERY_PAUSE: Duration = Duration::from_millis(300);

impl Commits {
    /// Runs until the store is closed and all that was in order is durable.
    pub(super) fn run(&self) {
        while let Some(layer) = self.next_group() {
            // The engine states its own invariants by panicking; the waiting transactions must
            // hear of it.
            let committed = catch_unwind(AssertUnwindSafe(|| self.commit(&layer)))
                .unwrap_or_else(|_| Err(CommitError::Unknown("the engine panicked".to_owned())));
            match committed {
                Ok(snapshot) => self.publish(snapshot),
                Err(why) => self.fail(&why),
            }
        }
        self.engine.close();
    }

    /// Makes a group durable; returns the state with it.
    fn commit(&self, layer: &Layer) -> Result<Arc<dyn EngineSnapshot>, CommitError> {
        self.engine.commit(&mut layer.read().finals())?;
        self.engine.snapshot().map_err(|why| CommitError::Unknown(why.to_string()))
    }

    fn next_group(&self) -> Option<Arc<Layer>> {
        let mut order = self.lock();
        loop {
            if !order.forming.layer.read().is_empty() {
                let group = std::mem::take(&mut order.forming);
                let layer = Arc::clone(&group.layer);
                order.flushing = Some(group);
                drop(order);
                self.room.notify_waiters();
                return Some(layer);
            }
            if order.state == State::Closed {
                return None;
            }
            order = self.work.wait(order).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The flushed group is durable: show it, then answer.
    fn publish(&self, snapshot: Arc<dyn EngineSnapshot>) {
        let mut order = self.lock();
        let Some(group) = order.flushing.take() else { return };
        let (last, bytes) = {
            let layer = group.layer.read();
            (layer.last(), layer.bytes())
        };
        order.durable = last;
        order.history.push_back(Arc::clone(&group.layer));
        order.history_bytes += bytes;
        order.snapshot = Arc::clone(&snapshot);
        *self.visible.write().unwrap_or_else(PoisonError::into_inner) = snapshot;
        order.trim_history();
        drop(order);
        self.watches.publish(&group.layer, version(last));
        self.counters.commits.fetch_add(group.commits, Ordering::Relaxed);
        self.counters.groups.fetch_add(1, Ordering::Relaxed);
        self.counters.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        answer(group, &Ok(()));
    }

    /// The flushed group failed, and with it all that was ordered behind it.
    fn fail(&self, why: &CommitError) {
        let (flushed, state) = match why {
            CommitError::Full => (StoreError::Full, State::Running),
            CommitError::NotWritten(why) => {
                tracing::error!(why, "a commit was refused; reopening the engine");
                (StoreError::Unavailable(why.clone()), State::Recovering)
            }
            CommitError::Unknown(why) => {
                tracing::error!(why, "a commit failed midway; reopening the engine");
                (StoreError::CommitUnknown, State::Recovering)
            }
        };
        let behind = match state {
            State::Running => StoreError::Full,
            _ => StoreError::Unavailable("an earlier write failed".to_owned()),
        };
        let mut order = self.lock();
        let failed = order.flushing.take();
        let forming = std::mem::take(&mut order.forming);
        order.forget();
        let closing = order.state == State::Closed;
        if !closing {
            order.state = state;
        }
        drop(order);
        self.room.notify_waiters();
        if let Some(group) = failed {
            answer(group, &Err(flushed));
        }
        answer(forming, &Err(behind));
        if state == State::Recovering && !closing {
            self.recover();
        }
    }

    /// Reopens the engine, as often as it takes. Reads go on meanwhile.
    fn recover(&self) {
        loop {
            let reopened = catch_unwind(AssertUnwindSafe(|| {
                self.engine.reopen().and_then(|()| self.engine.snapshot())
            }))
            .unwrap_or_else(|_| Err(StoreError::Unavailable("the engine panicked".to_owned())));
            let mut order = self.lock();
            match reopened {
                Ok(snapshot) => {
                    order.forget();
                    order.snapshot = Arc::clone(&snapshot);
                    *self.visible.write().unwrap_or_else(PoisonError::into_inner) = snapshot;
                    if order.state == State::Recovering {
                        order.state = State::Running;
                    }
                    let now = order.version;
                    drop(order);
                    self.counters.recoveries.fetch_add(1, Ordering::Relaxed);
                    // The group in doubt may be there: whoever watches must look.
                    self.watches.publish_all(version(now));
                    tracing::warn!("the engine is back");
                    return;
                }
                Err(why) => {
                    tracing::error!(%why, "the engine cannot be reopened yet");
                    if order.state == State::Closed {
                        return;
                    }
                    let waited = self.work.wait_timeout(order, RECOVERY_PAUSE);
                    drop(waited.unwrap_or_else(PoisonError::into_inner));
                }
            }
        }
    }
}

impl super::Order {
    /// Makes every running transaction begin again: what it read is not, or may not be, there.
    fn forget(&mut self) {
        self.generation += 1;
        // A version of its own, so that watchers and views look again.
        self.version += 1;
        self.durable = self.version;
        self.floor = self.version;
        self.history.clear();
        self.history_bytes = 0;
    }
}

fn answer(group: Group, outcome: &Result<(), StoreError>) {
    for waiting in group.answers {
        // Whoever gave up waiting does not want to know.
        let _ = waiting.send(outcome.clone());
    }
}
