//! What the store alone does: the limit for whatever answers over HTTP from it.
//!
//! `cumulet-bench-store FOLDER TASKS SECONDS` reads and durably writes values of 1 KB in a store in
//! FOLDER, as many tasks at once, each way for so long in five interleaved rounds, and prints
//! medians and the raw rows. CPU time is the whole process's.

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cumulet_store::{Key, Options, Read as _, Store, StoreError, Tx};

const ROUNDS: usize = 5;
/// Values that are there, about as many as the load generator asks for.
const KEYS: u64 = 2_000;
const VALUE: usize = 1_024;

/// One way in one round.
struct Row {
    name: &'static str,
    /// A second.
    rate: f64,
    /// Microseconds of CPU time, each.
    cpu: f64,
    /// Waits for the disk, each.
    flushes: f64,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        [folder, tasks, seconds] => run(Path::new(folder), tasks, seconds),
        _ => Err("see the opening comment of bench/store/src/main.rs".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("cumulet-bench-store: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run(folder: &Path, tasks: &str, seconds: &str) -> Result<(), Box<dyn Error>> {
    let (tasks, time) = (tasks.parse()?, Duration::try_from_secs_f64(seconds.parse()?)?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let rows = runtime.block_on(rounds(folder, tasks, time))?;
    println!("{tasks} tasks, medians of interleaved rounds");
    println!("{:<28} {:>9} {:>10} {:>12}", "", "CPU µs", "a second", "flushes");
    for name in ["get", "put"] {
        let median = |of: fn(&Row) -> f64| {
            let mut values: Vec<f64> = rows.iter().filter(|r| r.name == name).map(of).collect();
            values.sort_by(f64::total_cmp);
            values.get(values.len() / 2).copied().unwrap_or_default()
        };
        let (cpu, rate) = (median(|r| r.cpu), median(|r| r.rate));
        println!("{name:<28} {cpu:>9.1} {rate:>10.0} {:>12.3}", median(|r| r.flushes));
    }
    println!("\nname\ta second\tcpu_us\tflushes");
    for Row { name, rate, cpu, flushes } in &rows {
        println!("{name}\t{rate:.0}\t{cpu:.1}\t{flushes:.3}");
    }
    Ok(())
}

async fn rounds(folder: &Path, tasks: u64, time: Duration) -> Result<Vec<Row>, Box<dyn Error>> {
    let store = Store::open(folder, Options::default()).await?;
    for number in 0..KEYS {
        put(&store, number).await?;
    }
    let mut rows = Vec::new();
    for round in 0..=ROUNDS {
        for name in ["get", "put"] {
            let row = measure(&store, name, tasks, time).await?;
            // The first round fills caches and is not counted.
            if round > 0 {
                rows.push(row);
            }
        }
    }
    Ok(rows)
}

async fn measure(
    store: &Store,
    name: &'static str,
    tasks: u64,
    time: Duration,
) -> Result<Row, Box<dyn Error>> {
    let (done, end) = (Arc::new(AtomicU64::new(0)), Instant::now() + time);
    let (begun, cpu, flushes) = (Instant::now(), cpu(), store.stats().fsyncs);
    let work = |nth: u64| {
        let (store, done) = (store.clone(), Arc::clone(&done));
        tokio::spawn(async move {
            let mut number = nth * KEYS / tasks;
            while Instant::now() < end {
                number = (number + 1) % KEYS;
                match name {
                    "get" => drop(store.snapshot().get(&key(number)).await?),
                    _ => put(&store, number).await?,
                }
                done.fetch_add(1, Ordering::Relaxed);
                // A read never waits by itself.
                tokio::task::yield_now().await;
            }
            Ok::<_, StoreError>(())
        })
    };
    let working: Vec<_> = (0..tasks).map(work).collect();
    for one in working {
        one.await??;
    }
    let count = done.load(Ordering::Relaxed).max(1) as f64;
    Ok(Row {
        name,
        rate: count / begun.elapsed().as_secs_f64(),
        cpu: (self::cpu() - cpu) / count,
        flushes: (store.stats().fsyncs - flushes) as f64 / count,
    })
}

fn key(number: u64) -> Key {
    Key::global("bench").text(&format!("value-{number:08}"))
}

async fn put(store: &Store, number: u64) -> Result<(), StoreError> {
    let write = |tx: Tx| async move {
        tx.put(key(number), vec![b'x'; VALUE]);
        Ok::<_, StoreError>(())
    };
    store.transact(write).await
}

/// Microseconds of CPU time that this process has taken, from `/proc/self/stat` (in ticks of 10 ms,
/// proc(5)).
fn cpu() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Fields 14 and 15 are the 12th and 13th behind the name in parentheses.
    let fields = text.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() * 10_000.0
}
