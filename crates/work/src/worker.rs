//! Running jobs: one dispatcher a kind, which takes leases and starts handlers.

use std::collections::HashSet;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cumulet_base::{Clock, Timestamp};
use cumulet_store::{Direction, Read as _, Store, StoreError, Tx, Watch};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use crate::job::{millis, order_key, parse_order};
use crate::{Lease, LeaseError};

/// How long a lease lasts without renewal: after a crash, jobs stand still as long.
const LEASE: Duration = Duration::from_secs(30);
/// How often a running job's lease is renewed.
const RENEWAL: Duration = Duration::from_secs(10);
/// The longest wait for the next job's time; a clock that is moved is noticed that late.
const LONGEST_SLEEP: Duration = Duration::from_millis(250);
/// Jobs taken in one transaction.
const BATCH: usize = 64;
/// The pause after the store has failed.
const STORE_PAUSE: Duration = Duration::from_millis(250);
/// How often settling is tried before it is left to the lease's end.
const SETTLE_ATTEMPTS: u32 = 20;

/// What came of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is done and leaves the queue.
    Done,
    /// It failed: again after a while. The attempt counts. What is tried how often is the
    /// handler's decision ([`Lease::attempt`]).
    Retry {
        /// From now.
        after: Duration,
    },
    /// It is not yet time: again at a moment. The attempt does not count.
    Later {
        /// The moment.
        at: Timestamp,
    },
}

type Handling = Pin<Box<dyn Future<Output = Outcome> + Send>>;
type Handler = Arc<dyn Fn(Lease) -> Handling + Send + Sync>;

/// The running side of the queue. Clones share it.
#[derive(Clone)]
pub struct Work(Arc<Shared>);

struct Shared {
    store: Store,
    clock: Arc<dyn Clock>,
    /// Whether nobody else takes jobs from the store.
    sole: bool,
    stop: watch::Sender<Stop>,
    dispatchers: Mutex<Vec<JoinHandle<()>>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stop {
    /// Take jobs and run them.
    Run,
    /// Take no more.
    Drain,
    /// Break off what still runs.
    Abort,
}

impl Work {
    /// The queue in `store`. Nothing runs before a kind is registered.
    pub fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self::of(store, clock, false)
    }

    /// The queue in a store that no other worker uses as long as this one does. What is leased when
    /// its kind is registered, a process held that is dead: it is run at once.
    pub fn sole(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self::of(store, clock, true)
    }

    fn of(store: Store, clock: Arc<dyn Clock>, sole: bool) -> Self {
        let stop = watch::Sender::new(Stop::Run);
        Self(Arc::new(Shared { store, clock, sole, stop, dispatchers: Mutex::default() }))
    }

    /// Runs the jobs of `kind`, at most `concurrency` at a time, each by calling `handler` on a
    /// task of its own. A handler that panics counts as failed and is tried again, ever later. Each
    /// kind is registered once.
    pub fn register<F, Fut>(&self, kind: &str, concurrency: usize, handler: F)
    where
        F: Fn(Lease) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Outcome> + Send + 'static,
    {
        let dispatcher = Dispatcher {
            store: self.0.store.clone(),
            clock: Arc::clone(&self.0.clock),
            kind: kind.into(),
            handler: Arc::new(move |lease| Box::pin(handler(lease))),
            concurrency: concurrency.max(1),
            sole: self.0.sole,
            running: Arc::default(),
            stop: self.0.stop.subscribe(),
        };
        self.dispatchers().push(tokio::spawn(dispatcher.run()));
    }

    /// Takes no more jobs, waits up to `grace` for those that run, breaks off the rest and gives
    /// them back to be run again.
    pub async fn stop(&self, grace: Duration) {
        self.0.stop.send_replace(Stop::Drain);
        let dispatchers = std::mem::take(&mut *self.dispatchers());
        let drained = async {
            for dispatcher in dispatchers {
                let _ = dispatcher.await;
            }
        };
        tokio::pin!(drained);
        if tokio::time::timeout(grace, &mut drained).await.is_err() {
            self.0.stop.send_replace(Stop::Abort);
            drained.await;
        }
    }

    fn dispatchers(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.0.dispatchers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.stop.send_replace(Stop::Drain);
    }
}

impl fmt::Debug for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Work")
    }
}

/// The jobs of one kind.
#[derive(Clone)]
struct Dispatcher {
    store: Store,
    clock: Arc<dyn Clock>,
    kind: Arc<str>,
    handler: Handler,
    concurrency: usize,
    sole: bool,
    /// Keys of jobs that run here. Should a lease end although the job still runs (the store or
    /// the clock stood still), it is not begun a second time beside the first.
    running: Arc<Mutex<HashSet<Arc<str>>>>,
    stop: watch::Receiver<Stop>,
}

/// What the order of jobs holds at a moment.
struct Due {
    jobs: Vec<(u64, String)>,
    /// When there is more to do; `None` until something is enqueued.
    next: Option<u64>,
}

impl Dispatcher {
    async fn run(mut self) {
        let mut watch = self.store.watch(&order_key(&self.kind));
        let permits = Arc::new(Semaphore::new(self.concurrency));
        if self.sole
            && let Err(why) = self.take_back().await
        {
            tracing::warn!(kind = &*self.kind, %why, "interrupted jobs wait for their leases' end");
        }
        while *self.stop.borrow_and_update() == Stop::Run {
            let free = tokio::select! {
                _ = self.stop.changed() => continue,
                free = Arc::clone(&permits).acquire_owned() => free,
            };
            let Ok(free) = free else { break };
            drop(free);
            let free = permits.available_permits().min(BATCH);
            match self.take(free).await {
                Ok((leases, next)) if leases.is_empty() => self.rest(&mut watch, next).await,
                Ok((leases, _)) => {
                    for lease in leases {
                        // There are as many permits as jobs were asked for: this does not wait.
                        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { break };
                        self.running().insert(Arc::clone(&lease.key));
                        let worker = self.clone();
                        tokio::spawn(async move {
                            worker.work(lease).await;
                            drop(permit);
                        });
                    }
                }
                Err(why) => {
                    tracing::warn!(kind = &*self.kind, %why, "no jobs can be taken");
                    tokio::select! {
                        _ = self.stop.changed() => {}
                        () = tokio::time::sleep(STORE_PAUSE) => {}
                    }
                }
            }
        }
        // All permits are back when all jobs have ended.
        let _ = permits.acquire_many(self.concurrency as u32).await;
    }

    /// Makes the jobs due that are leased to somebody.
    async fn take_back(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let order = order_key(&self.kind);
        // A lease's end is its place in the order. Those that have ended are due as they are.
        let latest = order.clone().u64(millis(now.after(LEASE)).saturating_add(1));
        let range = order.prefix().starting_at(&order.u64(millis(now))).before(&latest);
        let mut scan = self.store.snapshot().scan(range, Direction::Forward);
        while let Some((place, _)) = scan.next().await? {
            let Some(place) = parse_order(&place) else { continue };
            let (place, now) = (&place, millis(now));
            let body = |tx: Tx| async move { Lease::revoke(&tx, &self.kind, place, now).await };
            self.store.transact(body).await?;
        }
        Ok(())
    }

    /// Leases up to `limit` jobs that are due.
    async fn take(&self, limit: usize) -> Result<(Vec<Lease>, Option<u64>), StoreError> {
        // Looked up outside of the transaction: within it, every job enqueued meanwhile would be
        // a conflict.
        let due = self.due(limit).await?;
        if due.jobs.is_empty() {
            return Ok((Vec::new(), due.next));
        }
        let until = millis(self.clock.now().after(LEASE));
        let leases = self
            .store
            .transact(|tx: Tx| {
                let jobs = &due.jobs;
                async move {
                    let mut leases = Vec::new();
                    for job in jobs {
                        leases.extend(Lease::take(&tx, &self.kind, job, until).await?);
                    }
                    Ok::<_, StoreError>(leases)
                }
            })
            .await?;
        // Others were faster with all of them: look again at once.
        let next = if leases.is_empty() { Some(0) } else { due.next };
        Ok((leases, next))
    }

    async fn due(&self, limit: usize) -> Result<Due, StoreError> {
        let now = millis(self.clock.now());
        let range = order_key(&self.kind).prefix();
        let mut scan = self.store.snapshot().scan(range, Direction::Forward);
        let mut due = Due { jobs: Vec::new(), next: None };
        while let Some((key, _)) = scan.next().await? {
            let Some((at, job)) = parse_order(&key) else {
                return Err(StoreError::Corrupt(format!("a job's place: {}", key.escape_ascii())));
            };
            if at > now || due.jobs.len() == limit {
                due.next = Some(due.next.map_or(at, |next| next.min(at)));
                break;
            }
            if self.running().contains(job.as_str()) {
                due.next = Some(now + LONGEST_SLEEP.as_millis() as u64);
            } else {
                due.jobs.push((at, job));
            }
        }
        Ok(due)
    }

    /// Waits until there may be something to do.
    async fn rest(&mut self, watch: &mut Watch, next: Option<u64>) {
        let now = millis(self.clock.now());
        let wait = next.map(|at| Duration::from_millis(at.saturating_sub(now).max(1)));
        let timer = async {
            match wait {
                Some(wait) => tokio::time::sleep(wait.min(LONGEST_SLEEP)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.stop.changed() => {}
            () = timer => {}
            changed = watch.changed() => if changed.is_err() {
                // The store is closed; whoever closed it stops the work too.
                let _ = self.stop.changed().await;
            }
        }
    }

    /// Runs one job and gives it back.
    async fn work(mut self, lease: Lease) {
        let mut handling = tokio::spawn((self.handler)(lease.clone()));
        let outcome = loop {
            tokio::select! {
                outcome = &mut handling => break Some(self.outcome(&lease, outcome)),
                () = tokio::time::sleep(RENEWAL) => {
                    let until = millis(self.clock.now().after(LEASE));
                    if lease.renew(&self.store, until).await == Err(LeaseError::Lost) {
                        tracing::warn!(kind = &*self.kind, key = &*lease.key, "lease lost");
                        handling.abort();
                        let _ = (&mut handling).await;
                        break None;
                    }
                }
                () = aborted(&mut self.stop) => {
                    handling.abort();
                    let _ = (&mut handling).await;
                    break Some(Outcome::Later { at: self.clock.now() });
                }
            }
        };
        if let Some(outcome) = outcome {
            self.settle(&lease, outcome).await;
        }
        self.running().remove(&lease.key);
    }

    fn outcome(&self, lease: &Lease, handled: Result<Outcome, tokio::task::JoinError>) -> Outcome {
        handled.unwrap_or_else(|why| {
            if why.is_cancelled() {
                // The runtime is being shut down under it: not the handler's fault.
                return Outcome::Later { at: self.clock.now() };
            }
            tracing::error!(kind = &*self.kind, key = &*lease.key, %why, "a job's handler broke");
            // 1 s, 2 s, 4 s … up to 17 minutes.
            Outcome::Retry {
                after: Duration::from_secs(1 << lease.attempt.saturating_sub(1).min(10)),
            }
        })
    }

    async fn settle(&self, lease: &Lease, outcome: Outcome) {
        for _ in 0..SETTLE_ATTEMPTS {
            match lease.settle(&self.store, &*self.clock, outcome).await {
                // Lost: the handler has finished it itself, or it is somebody else's now.
                Ok(()) | Err(LeaseError::Lost) => return,
                Err(LeaseError::Store(why)) => {
                    tracing::warn!(kind = &*self.kind, key = &*lease.key, %why, "not yet settled");
                    tokio::time::sleep(STORE_PAUSE).await;
                }
            }
        }
    }

    fn running(&self) -> MutexGuard<'_, HashSet<Arc<str>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn aborted(stop: &mut watch::Receiver<Stop>) {
    if stop.wait_for(|stop| *stop == Stop::Abort).await.is_err() {
        // The sender lives as long as anyone could stop the work.
        std::future::pending::<()>().await;
    }
}
