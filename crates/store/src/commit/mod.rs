//! Transactions are put in order here, and made durable in groups.
//!
//! A transaction reads at a version: what is durable, overlaid with what is ordered but not yet
//! durable. When it is submitted, it is validated at once against everything ordered since that
//! version; if nothing that it read has changed, it gets the next version and joins the group
//! being formed. One thread takes that group, writes it as one atomic batch with one fsync, makes
//! it visible to snapshots, and only then answers its transactions. So:
//!
//! - order = order of submission; every transaction behaves as if it ran alone at its version;
//! - a key can change many times between two fsyncs: readers of a not yet durable write are
//!   answered with or after it, and fail with it;
//! - a snapshot never sees what is not durable.

mod committer;
mod layer;

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};

use tokio::sync::{Notify, oneshot};

use crate::engine::{Engine, EngineSnapshot};
use crate::tx::Recorded;
use crate::watch::Watches;
use crate::{Range, Stats, StoreError, Version};

pub(crate) use layer::{Layer, Value};

/// Bytes that may wait for the disk before new transactions are held back.
const PENDING_BYTES: usize = 8 << 20;
/// Bytes of durable writes kept for validation; a transaction older than that starts over.
const HISTORY_BYTES: usize = 32 << 20;

type Answer = oneshot::Sender<Result<(), StoreError>>;

/// Everything that transactions, snapshots and the committing thread share.
pub(crate) struct Commits {
    engine: Arc<dyn Engine>,
    order: Mutex<Order>,
    /// Wakes the committing thread.
    work: Condvar,
    /// Wakes transactions held back.
    room: Notify,
    /// Held by the one large transaction that may wait for the disk.
    pub(crate) large: tokio::sync::Mutex<()>,
    /// What `snapshot` hands out.
    visible: RwLock<Arc<dyn EngineSnapshot>>,
    pub(crate) watches: Watches,
    counters: Counters,
}

#[derive(Default)]
struct Counters {
    commits: AtomicU64,
    groups: AtomicU64,
    conflicts: AtomicU64,
    bytes: AtomicU64,
    recoveries: AtomicU64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Running,
    /// A write failed; the engine is being reopened.
    Recovering,
    Closed,
}

struct Order {
    state: State,
    /// The last version given out.
    version: u64,
    /// The last version that is durable.
    durable: u64,
    /// Counts recoveries: what was read before one must not be committed after it.
    generation: u64,
    /// Transactions that read below this version cannot be validated any more.
    floor: u64,
    forming: Group,
    flushing: Option<Group>,
    /// The engine as of `durable`.
    snapshot: Arc<dyn EngineSnapshot>,
    /// Durable groups, oldest first, that a running transaction may have to be checked against.
    history: VecDeque<Arc<Layer>>,
    history_bytes: usize,
    /// How many transactions read at each version.
    readers: BTreeMap<u64, usize>,
}

/// Writes, and who waits for them.
#[derive(Default)]
struct Group {
    layer: Arc<Layer>,
    answers: Vec<Answer>,
    /// Transactions whose writes are in the layer.
    commits: u64,
}

/// What a transaction reads from.
pub(crate) struct Base {
    commits: Arc<Commits>,
    pub(crate) version: u64,
    generation: u64,
    pub(crate) snapshot: Arc<dyn EngineSnapshot>,
    /// Groups that were not durable when the transaction began, newest first.
    pub(crate) pending: Vec<Arc<Layer>>,
}

/// What became of a submitted transaction.
pub(crate) enum Submitted {
    /// It is in order; the answer comes when it is durable.
    Waiting(oneshot::Receiver<Result<(), StoreError>>),
    /// It only read, and all it read is durable.
    Done,
    /// What it read has changed: begin again.
    Conflict,
}

impl Commits {
    /// Starts the committing thread above `engine`. Versions begin above `version`.
    pub(crate) fn start(
        engine: Arc<dyn Engine>,
        version: u64,
    ) -> Result<(Arc<Self>, std::thread::JoinHandle<()>), StoreError> {
        let snapshot = engine.snapshot()?;
        let commits = Arc::new(Self {
            engine,
            order: Mutex::new(Order {
                state: State::Running,
                version,
                durable: version,
                generation: 0,
                floor: version,
                forming: Group::default(),
                flushing: None,
                snapshot: Arc::clone(&snapshot),
                history: VecDeque::new(),
                history_bytes: 0,
                readers: BTreeMap::new(),
            }),
            work: Condvar::new(),
            room: Notify::new(),
            large: tokio::sync::Mutex::new(()),
            visible: RwLock::new(snapshot),
            watches: Watches::new(version),
            counters: Counters::default(),
        });
        let thread = std::thread::Builder::new()
            .name("store-commit".to_owned())
            .spawn({
                let commits = Arc::clone(&commits);
                move || commits.run()
            })
            .map_err(|why| StoreError::Unavailable(why.to_string()))?;
        Ok((commits, thread))
    }

    fn lock(&self) -> MutexGuard<'_, Order> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is durable now.
    pub(crate) fn visible(&self) -> Arc<dyn EngineSnapshot> {
        Arc::clone(&self.visible.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until the group being formed has room.
    pub(crate) async fn room(&self) {
        loop {
            let freed = self.room.notified();
            tokio::pin!(freed);
            freed.as_mut().enable();
            if self.lock().forming.layer.read().bytes() < PENDING_BYTES {
                return;
            }
            freed.await;
        }
    }

    /// The newest state in order, to read from.
    pub(crate) fn begin(self: &Arc<Self>) -> Result<Base, StoreError> {
        let mut order = self.lock();
        order.check_running()?;
        let version = order.version;
        *order.readers.entry(version).or_insert(0) += 1;
        let mut pending = Vec::new();
        if version > order.durable {
            if !order.forming.layer.read().is_empty() {
                pending.push(Arc::clone(&order.forming.layer));
            }
            pending.extend(order.flushing.as_ref().map(|group| Arc::clone(&group.layer)));
        }
        Ok(Base {
            commits: Arc::clone(self),
            version,
            generation: order.generation,
            snapshot: Arc::clone(&order.snapshot),
            pending,
        })
    }

    /// Validates a transaction and puts it in order.
    pub(crate) fn submit(&self, base: &Base, tx: Recorded) -> Result<Submitted, StoreError> {
        let mut order = self.lock();
        order.check_running()?;
        if base.generation != order.generation {
            return Ok(Submitted::Conflict);
        }
        if tx.writes.is_empty() {
            return Ok(order.wait_for(tx.depends_on));
        }
        if order.changed_since(base.version, &tx) {
            self.counters.conflicts.fetch_add(1, Ordering::Relaxed);
            return Ok(Submitted::Conflict);
        }
        order.version += 1;
        let version = order.version;
        order.forming.layer.add(version, tx.writes);
        let (answer, answered) = oneshot::channel();
        order.forming.answers.push(answer);
        order.forming.commits += 1;
        let idle = order.flushing.is_none();
        drop(order);
        if idle {
            self.work.notify_one();
        }
        Ok(Submitted::Waiting(answered))
    }

    /// Lets the committing thread finish what is in order, then stop.
    pub(crate) fn close(&self) {
        self.lock().state = State::Closed;
        self.work.notify_one();
        self.room.notify_waiters();
    }

    pub(crate) fn stats(&self) -> Stats {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let groups = get(&self.counters.groups);
        Stats {
            commits: get(&self.counters.commits),
            groups,
            fsyncs: groups,
            conflicts: get(&self.counters.conflicts),
            bytes: get(&self.counters.bytes),
            recoveries: get(&self.counters.recoveries),
        }
    }
}

impl Order {
    fn check_running(&self) -> Result<(), StoreError> {
        match self.state {
            State::Running => Ok(()),
            State::Recovering => {
                Err(StoreError::Unavailable("recovering from a failed write".to_owned()))
            }
            State::Closed => Err(StoreError::Unavailable("the store is closed".to_owned())),
        }
    }

    /// Whether anything that `tx` read was written after `version`.
    fn changed_since(&self, version: u64, tx: &Recorded) -> bool {
        if version < self.floor {
            return true;
        }
        if version == self.version {
            return false;
        }
        let newest_first = std::iter::once(&self.forming.layer)
            .chain(self.flushing.as_ref().map(|group| &group.layer))
            .chain(self.history.iter().rev());
        for layer in newest_first {
            let layer = layer.read();
            if layer.is_empty() {
                continue;
            }
            if layer.last() <= version {
                return false;
            }
            if tx.reads.iter().any(|key| layer.changed(key, version))
                || tx.ranges.iter().any(|range: &Range| layer.changed_within(range, version))
            {
                return true;
            }
        }
        false
    }

    /// An answer for a transaction without writes, once `version` is durable.
    fn wait_for(&mut self, version: u64) -> Submitted {
        if version <= self.durable {
            return Submitted::Done;
        }
        let group = match &mut self.flushing {
            Some(group) if group.layer.read().last() >= version => group,
            _ => &mut self.forming,
        };
        let (answer, answered) = oneshot::channel();
        group.answers.push(answer);
        Submitted::Waiting(answered)
    }

    /// Forgets groups that no running transaction needs.
    fn trim_history(&mut self) {
        let oldest = self.readers.first_key_value().map_or(self.version, |(version, _)| *version);
        while let Some(layer) = self.history.front() {
            let (last, bytes) = {
                let layer = layer.read();
                (layer.last(), layer.bytes())
            };
            if last > oldest && self.history_bytes <= HISTORY_BYTES {
                return;
            }
            self.floor = self.floor.max(last);
            self.history_bytes -= bytes.min(self.history_bytes);
            self.history.pop_front();
        }
    }
}

impl Drop for Base {
    fn drop(&mut self) {
        let mut order = self.commits.lock();
        if let Some(readers) = order.readers.get_mut(&self.version) {
            *readers -= 1;
            if *readers == 0 {
                order.readers.remove(&self.version);
            }
        }
    }
}

/// The version as watchers see it.
pub(crate) fn version(number: u64) -> Version {
    Version(number)
}
