//! What commits and reads cost. Prints a table; asserts nothing.
//!
//! `cargo bench -p cumulet-store -- 3` takes 3 seconds a scenario; `-- load 5` loads 5 million
//! small items, says what memory that took, and opens them again. The folder is made in TMPDIR.
#![allow(clippy::unwrap_used, reason = "a measurement has no caller to report to")]

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cumulet_store::{Direction, Key, Options, Read, Store, StoreError, Tx};

const VALUE: usize = 1024;

fn cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn report(name: &str, ops: u64, wall: Duration, cpu: Duration, fsyncs: u64) {
    println!(
        "{name:<46} {:>10.0} ops/s {:>8.2} cpu µs/op {:>7.3} fsyncs/op",
        ops as f64 / wall.as_secs_f64(),
        cpu.as_secs_f64() * 1e6 / ops as f64,
        fsyncs as f64 / ops as f64,
    );
}

fn key(number: u64) -> Key {
    // Spread like hashed partition keys.
    Key::global("bench").u64(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)).text("item")
}

/// A value that compresses about as badly as real ones do.
fn value(number: u64) -> Vec<u8> {
    let mut state = number | 1;
    let word = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(99);
        (state >> 56) as u8
    };
    (0..VALUE).map(word).collect()
}

/// Runs `op` on `tasks` tasks for `time`; `op` gets a number that no other call gets.
async fn run<F, Fut>(name: &str, store: &Store, tasks: u64, time: Duration, op: F)
where
    F: Fn(Store, u64) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send,
{
    let op = Arc::new(op);
    let (next, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let (before, began, busy) = (store.stats(), Instant::now(), cpu());
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..tasks {
        let (op, store) = (Arc::clone(&op), store.clone());
        let (next, stop) = (Arc::clone(&next), Arc::clone(&stop));
        running.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                op(store.clone(), next.fetch_add(1, Ordering::Relaxed)).await;
            }
        });
    }
    tokio::time::sleep(time).await;
    stop.store(true, Ordering::Relaxed);
    running.join_all().await;
    let fsyncs = store.stats().fsyncs - before.fsyncs;
    report(name, next.load(Ordering::Relaxed), began.elapsed(), cpu().saturating_sub(busy), fsyncs);
}

async fn put(store: Store, number: u64) {
    let body = |tx: Tx| {
        tx.put(key(number), value(number));
        async { Ok::<_, StoreError>(()) }
    };
    store.transact(body).await.unwrap();
}

async fn conditional_put(store: Store, number: u64) {
    let body = |tx: Tx| async move {
        let key = key(number);
        if tx.get(&key).await?.is_none() {
            tx.put(key, value(number));
        }
        Ok::<_, StoreError>(())
    };
    store.transact(body).await.unwrap();
}

async fn increment(store: Store, _: u64) {
    let body = |tx: Tx| async move {
        let count = tx.get(b"hot").await?.map_or(0, |bytes| bytes.len() as u64);
        tx.put("hot", vec![0; (count as usize + 1) % 64]);
        Ok::<_, StoreError>(())
    };
    store.transact(body).await.unwrap();
}

fn bare_engine(tasks: u64, time: Duration) {
    let folder = tempfile::tempdir().unwrap();
    let database = fjall::Database::builder(folder.path()).open().unwrap();
    let data = database.keyspace("data", fjall::KeyspaceCreateOptions::default).unwrap();
    let next = AtomicU64::new(0);
    let (began, busy) = (Instant::now(), cpu());
    std::thread::scope(|scope| {
        for _ in 0..tasks {
            scope.spawn(|| {
                while began.elapsed() < time {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let mode = Some(fjall::PersistMode::SyncData);
                    let mut batch = database.batch().durability(mode);
                    batch.insert(&data, &*key(number), value(number));
                    batch.commit().unwrap();
                }
            });
        }
    });
    let ops = next.load(Ordering::Relaxed);
    report(
        &format!("bare engine: put 1 KB, {tasks} threads"),
        ops,
        began.elapsed(),
        cpu().saturating_sub(busy),
        ops,
    );
}

/// Resident memory in MB, and its peak.
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let lines =
        status.lines().filter(|line| line.starts_with("VmHWM") || line.starts_with("VmRSS"));
    lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ") + "  ").collect()
}

async fn load(millions: u64) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), Options::default()).await.unwrap();
    let began = Instant::now();
    for batch in 0..millions * 1000 {
        let body = |tx: Tx| {
            for number in batch * 1000..(batch + 1) * 1000 {
                tx.put(
                    key(number),
                    &b"a small item of about a hundred bytes, as they are often kept \
                    in a table; it compresses well."[..],
                );
            }
            async { Ok::<_, StoreError>(()) }
        };
        store.transact(body).await.unwrap();
    }
    println!("loaded {millions} million items in {:?}: {}", began.elapsed(), memory());
    store.close().await;
    let began = Instant::now();
    let store = Store::open(folder.path(), Options::default()).await.unwrap();
    println!("reopened in {:?}: {}", began.elapsed(), memory());
    let began = Instant::now();
    let mut scan = store.snapshot().scan(Key::global("bench").prefix(), Direction::Forward);
    let mut count = 0;
    while scan.next().await.unwrap().is_some() {
        count += 1;
    }
    println!("read {count} of them in {:?}: {}", began.elapsed(), memory());
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    if let Some(at) = arguments.iter().position(|argument| argument == "load") {
        let millions = arguments.get(at + 1).and_then(|text| text.parse().ok()).unwrap_or(5);
        return runtime.block_on(load(millions));
    }
    let seconds = arguments.get(1).and_then(|text| text.parse().ok()).unwrap_or(3);
    let time = Duration::from_secs(seconds);
    bare_engine(1, time);
    bare_engine(64, time);
    let folder = tempfile::tempdir().unwrap();
    runtime.block_on(async {
        let store = Store::open(folder.path(), Options::default()).await.unwrap();
        run("put 1 KB, 1 task", &store, 1, time, put).await;
        run("put 1 KB, 64 tasks", &store, 64, time, put).await;
        run("put 1 KB, 512 tasks", &store, 512, time, put).await;
        run("get + put 1 KB, 64 tasks", &store, 64, time, |store, number| {
            conditional_put(store, number + (1 << 40))
        })
        .await;
        run("increment of one key, 64 tasks", &store, 64, time, increment).await;
        reads(&store, time).await;
        store.close().await;
        let began = Instant::now();
        let store = Store::open(folder.path(), Options::default()).await.unwrap();
        println!("reopened in {:?}", began.elapsed());
        drop(store);
    });
}

async fn reads(store: &Store, time: Duration) {
    let present = 20_000;
    run("snapshot + get 1 KB, 1 task", store, 1, time, move |store, number| async move {
        // Yields now and then, as a server's task does.
        if number % 64 == 0 {
            tokio::task::yield_now().await;
        }
        let found = store.snapshot().get(&key(number % present)).await.unwrap();
        assert!(found.is_some());
    })
    .await;
    run("snapshot + page of 100, 1 task", store, 1, time, move |store, number| async move {
        let range = Key::global("bench").prefix().starting_at(&key(number % present));
        let page = store.snapshot().range(&range, Direction::Forward, 100).await.unwrap();
        assert!(!page.items.is_empty());
        tokio::task::yield_now().await;
    })
    .await;
}
