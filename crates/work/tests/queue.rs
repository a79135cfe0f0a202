//! The queue: timers, retries, leases, merging, stopping, and what survives a crash.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test's own helpers")]

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cumulet_base::{Clock, ManualClock, Timestamp};
use cumulet_store::{Options, Read as _, Store, StoreError, Tx};
use cumulet_work::{Enqueued, Job, Lease, LeaseError, Outcome, Work, cancel, enqueue, find};
use tokio::sync::mpsc;

const KIND: &str = "test/kind";
const START: i64 = 1_800_000_000_000;

struct Cloud {
    store: Store,
    clock: Arc<ManualClock>,
    work: Work,
    folder: Option<tempfile::TempDir>,
}

impl Cloud {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(START)));
        let mut cloud = Self::open(folder.path(), clock).await;
        cloud.folder = Some(folder);
        cloud
    }

    async fn open(folder: &Path, clock: Arc<ManualClock>) -> Self {
        let store = Store::open(folder, Options::default()).await.unwrap();
        let work = Work::new(store.clone(), Arc::clone(&clock) as Arc<dyn Clock>);
        Self { store, clock, work, folder: None }
    }

    async fn enqueue(&self, key: &str, after: u64) -> Enqueued {
        let run_at = self.clock.now().after(Duration::from_secs(after));
        let job = Job { kind: KIND.into(), key: key.into(), payload: after.into(), run_at };
        let body = |tx: Tx| {
            let job = job.clone();
            async move { enqueue(&tx, job).await }
        };
        self.store.transact(body).await.unwrap()
    }

    /// Registers a handler and hears of each call to it.
    fn register<Fut>(
        &self,
        concurrency: usize,
        handler: impl Fn(Lease) -> Fut + Send + Sync + 'static,
    ) -> mpsc::UnboundedReceiver<Lease>
    where
        Fut: Future<Output = Outcome> + Send + 'static,
    {
        let (called, calls) = mpsc::unbounded_channel();
        self.work.register(KIND, concurrency, move |lease| {
            let _ = called.send(lease.clone());
            handler(lease)
        });
        calls
    }

    async fn is_queued(&self, key: &str) -> bool {
        find(&self.store.snapshot(), KIND, key).await.unwrap().is_some()
    }

    async fn settled(&self, key: &str) {
        while self.is_queued(key).await {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

async fn next(calls: &mut mpsc::UnboundedReceiver<Lease>) -> Lease {
    tokio::time::timeout(Duration::from_secs(10), calls.recv()).await.unwrap().unwrap()
}

/// Nothing is called for longer than a dispatcher sleeps.
async fn silence(calls: &mut mpsc::UnboundedReceiver<Lease>) {
    let call = tokio::time::timeout(Duration::from_millis(400), calls.recv()).await;
    assert!(!matches!(call, Ok(Some(_))), "{call:?}");
}

async fn done(_: Lease) -> Outcome {
    Outcome::Done
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_there_with_its_transaction_and_runs_once() {
    let cloud = Cloud::new().await;
    let mut calls = cloud.register(4, done);
    let failed: Result<(), StoreError> = cloud
        .store
        .transact(|tx: Tx| async move {
            let run_at = Timestamp::from_millis(START);
            let job = Job { kind: KIND.into(), key: "no".into(), payload: 0.into(), run_at };
            enqueue(&tx, job).await?;
            Err(StoreError::Full)
        })
        .await;
    assert_eq!(failed, Err(StoreError::Full));
    assert_eq!(cloud.enqueue("yes", 0).await, Enqueued::New);
    let call = next(&mut calls).await;
    assert_eq!((&*call.key, call.attempt, &*call.payload), ("yes", 1, &0.into()));
    cloud.settled("yes").await;
    silence(&mut calls).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_wait_for_their_time_and_come_in_its_order() {
    let cloud = Cloud::new().await;
    for (key, after) in [("c", 300), ("a", 100), ("b", 200)] {
        cloud.enqueue(key, after).await;
    }
    let mut calls = cloud.register(1, done);
    cloud.clock.advance(Duration::from_secs(99));
    silence(&mut calls).await;
    cloud.clock.advance(Duration::from_secs(1));
    assert_eq!(&*next(&mut calls).await.key, "a");
    silence(&mut calls).await;
    cloud.clock.advance(Duration::from_secs(1000));
    assert_eq!(&*next(&mut calls).await.key, "b");
    assert_eq!(&*next(&mut calls).await.key, "c");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_are_tried_again_and_postponements_do_not_count() {
    let cloud = Cloud::new().await;
    let clock = Arc::clone(&cloud.clock);
    let calls_seen = AtomicUsize::new(0);
    let mut calls = cloud.register(1, move |_| {
        let call = calls_seen.fetch_add(1, Ordering::SeqCst);
        let at = clock.now().after(Duration::from_secs(10));
        async move {
            match call {
                0 => Outcome::Retry { after: Duration::from_secs(10) },
                1 => Outcome::Later { at },
                2 => panic!("a handler broke"),
                _ => Outcome::Done,
            }
        }
    });
    cloud.enqueue("job", 0).await;
    for (attempt, wait) in [(1, 10), (2, 10), (2, 2), (3, 0)] {
        assert_eq!(next(&mut calls).await.attempt, attempt);
        if wait > 0 {
            silence(&mut calls).await;
            cloud.clock.advance(Duration::from_secs(wait));
        }
    }
    cloud.settled("job").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrency_is_bounded_and_used() {
    let cloud = Cloud::new().await;
    for job in 0..60 {
        cloud.enqueue(&job.to_string(), 0).await;
    }
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let seen = Arc::clone(&most);
    let mut calls = cloud.register(5, move |_| {
        let (running, most) = (Arc::clone(&running), Arc::clone(&most));
        async move {
            let now = running.fetch_add(1, Ordering::SeqCst) + 1;
            most.fetch_max(now, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(5)).await;
            running.fetch_sub(1, Ordering::SeqCst);
            Outcome::Done
        }
    });
    let mut keys = std::collections::HashSet::new();
    for _ in 0..60 {
        assert!(keys.insert(next(&mut calls).await.key));
    }
    assert_eq!(seen.load(Ordering::SeqCst), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_of_one_key_are_merged_and_one_enqueued_while_running_comes_after() {
    let cloud = Cloud::new().await;
    assert_eq!(cloud.enqueue("job", 50).await, Enqueued::New);
    assert_eq!(cloud.enqueue("job", 90).await, Enqueued::Merged);
    assert_eq!(cloud.enqueue("job", 0).await, Enqueued::Merged);
    let (go, gate) = tokio::sync::watch::channel(false);
    let mut calls = cloud.register(2, move |_| {
        let mut gate = gate.clone();
        async move {
            gate.wait_for(|open| *open).await.unwrap();
            Outcome::Done
        }
    });
    assert_eq!(*next(&mut calls).await.payload, 50);
    assert_eq!(cloud.enqueue("job", 7).await, Enqueued::Behind);
    assert_eq!(cloud.enqueue("job", 5).await, Enqueued::Behind);
    go.send(true).unwrap();
    silence(&mut calls).await;
    cloud.clock.advance(Duration::from_secs(5));
    let second = next(&mut calls).await;
    assert_eq!((&*second.payload, second.attempt), (&5.into(), 1));
    cloud.settled("job").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_lost_the_lease_cannot_write() {
    let cloud = Cloud::new().await;
    let mut first = cloud.register(1, |_| std::future::pending());
    cloud.enqueue("job", 0).await;
    let stale = next(&mut first).await;
    // Another node, as the first one's lease ends without having been renewed.
    let other = Work::new(cloud.store.clone(), Arc::clone(&cloud.clock) as Arc<dyn Clock>);
    let (called, mut second) = mpsc::unbounded_channel();
    let (go, gate) = tokio::sync::watch::channel(false);
    other.register(KIND, 1, move |lease| {
        let (called, mut gate) = (called.clone(), gate.clone());
        async move {
            called.send(lease).unwrap();
            gate.wait_for(|open| *open).await.unwrap();
            Outcome::Done
        }
    });
    cloud.clock.advance(Duration::from_secs(29));
    silence(&mut second).await;
    cloud.clock.advance(Duration::from_secs(1));
    let held = next(&mut second).await;
    assert!(held.token > stale.token && held.attempt == 2);
    let write = |lease: &Lease| {
        let (store, lease) = (cloud.store.clone(), lease.clone());
        async move {
            let body = |tx: Tx| {
                let lease = lease.clone();
                async move {
                    tx.put("by", lease.token.to_string());
                    lease.check(&tx).await
                }
            };
            store.transact(body).await
        }
    };
    assert_eq!(write(&held).await, Ok(()));
    assert_eq!(write(&stale).await, Err(LeaseError::Lost));
    let by = cloud.store.snapshot().get(b"by").await.unwrap().unwrap();
    assert_eq!(by, held.token.to_string());
    // Cancelled and enqueued anew: it is another job, and the old lease none for it.
    let body = |tx: Tx| async move { cancel(&tx, KIND, "job").await };
    assert_eq!(cloud.store.transact(body).await, Ok(true));
    assert_eq!(cloud.store.transact(body).await, Ok(false));
    cloud.enqueue("job", 0).await;
    assert_eq!(write(&held).await, Err(LeaseError::Lost));
    go.send(true).unwrap();
    assert!(next(&mut second).await.token > held.token);
    cloud.settled("job").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_finished_with_its_effects_is_not_run_again() {
    let cloud = Cloud::new().await;
    let store = cloud.store.clone();
    let mut calls = cloud.register(1, move |lease| {
        let store = store.clone();
        async move {
            let body = |tx: Tx| {
                let lease = lease.clone();
                async move {
                    tx.put("effect", "there");
                    lease.finish(&tx).await
                }
            };
            store.transact(body).await.unwrap();
            // The worker dies before it can say so.
            panic!("after its effects");
        }
    });
    cloud.enqueue("job", 0).await;
    next(&mut calls).await;
    cloud.settled("job").await;
    assert!(cloud.store.snapshot().get(b"effect").await.unwrap().is_some());
    cloud.clock.advance(Duration::from_secs(3600));
    silence(&mut calls).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopping_waits_then_gives_back() {
    let cloud = Cloud::new().await;
    let mut calls = cloud.register(2, |lease| async move {
        if &*lease.key == "long" {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        Outcome::Done
    });
    cloud.enqueue("long", 0).await;
    cloud.enqueue("short", 0).await;
    next(&mut calls).await;
    next(&mut calls).await;
    cloud.work.stop(Duration::from_millis(300)).await;
    assert!(!cloud.is_queued("short").await);
    cloud.enqueue("more", 0).await;
    silence(&mut calls).await;
    // What was broken off runs at once elsewhere, and was no attempt.
    let other = Work::new(cloud.store.clone(), Arc::clone(&cloud.clock) as Arc<dyn Clock>);
    let (called, mut calls) = mpsc::unbounded_channel();
    other.register(KIND, 1, move |lease| {
        called.send(lease).unwrap();
        async { Outcome::Done }
    });
    let first = next(&mut calls).await;
    assert_eq!((&*first.key, first.attempt), ("long", 1));
    assert_eq!(&*next(&mut calls).await.key, "more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_when_the_process_dies_between_lease_and_completion() {
    let cloud = Cloud::new().await;
    let mut calls = cloud.register(4, |_| std::future::pending());
    cloud.enqueue("waiting", 5).await;
    cloud.enqueue("running", 0).await;
    next(&mut calls).await;
    // What the disk holds now is what a process killed now would leave.
    let left = tempfile::tempdir().unwrap();
    copy(cloud.folder.as_ref().unwrap().path(), left.path());
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(START)));
    let cloud = Cloud::open(left.path(), Arc::clone(&clock)).await;
    let mut calls = cloud.register(4, done);
    clock.advance(Duration::from_secs(5));
    assert_eq!(&*next(&mut calls).await.key, "waiting");
    silence(&mut calls).await;
    clock.advance(Duration::from_secs(25));
    let taken_over = next(&mut calls).await;
    assert_eq!((&*taken_over.key, taken_over.attempt), ("running", 2));
    cloud.settled("running").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_only_worker_runs_at_once_what_a_dead_one_held() {
    let cloud = Cloud::new().await;
    let mut calls = cloud.register(4, |_| std::future::pending());
    cloud.enqueue("waiting", 5).await;
    cloud.enqueue("running", 0).await;
    next(&mut calls).await;
    assert_eq!(cloud.enqueue("running", 0).await, Enqueued::Behind);
    let left = tempfile::tempdir().unwrap();
    copy(cloud.folder.as_ref().unwrap().path(), left.path());
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(START)));
    let mut cloud = Cloud::open(left.path(), Arc::clone(&clock)).await;
    cloud.work = Work::sole(cloud.store.clone(), Arc::clone(&clock) as Arc<dyn Clock>);
    let mut calls = cloud.register(4, done);
    // And what came behind it after it, but not what has its time to come.
    for attempt in [2, 1] {
        let lease = next(&mut calls).await;
        assert_eq!((&*lease.key, lease.attempt), ("running", attempt));
    }
    cloud.settled("running").await;
    silence(&mut calls).await;
    clock.advance(Duration::from_secs(5));
    assert_eq!(&*next(&mut calls).await.key, "waiting");
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_survive_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(START)));
    let cloud = Cloud::open(folder.path(), Arc::clone(&clock)).await;
    for (key, after) in [("now", 0), ("soon", 60)] {
        cloud.enqueue(key, after).await;
    }
    cloud.store.close().await;
    let cloud = Cloud::open(folder.path(), Arc::clone(&clock)).await;
    let mut calls = cloud.register(1, done);
    assert_eq!(&*next(&mut calls).await.key, "now");
    silence(&mut calls).await;
    clock.advance(Duration::from_secs(60));
    assert_eq!(&*next(&mut calls).await.key, "soon");
}
