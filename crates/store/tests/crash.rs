//! kill -9 under load, torn and damaged journals, failing disks: what was answered stays.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test's helpers")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use cumulet_store::{Direction, Faults, Key, OpenError, Options, Read, Store, StoreError, Tx};

const FOLDER: &str = "CUMULET_TEST_STORE_FOLDER";
/// Bytes of a value; by hand, 20,000 makes the engine flush and compact between two kills.
const BYTES: &str = "CUMULET_TEST_STORE_BYTES";
const TASKS: u64 = 8;

/// Runs one of the `#[ignore]`d tests below as a process of its own.
fn child(test: &str, folder: &Path) -> Child {
    // SIGXFSZ, ignored here, stays so across exec: writes over the limit fail instead.
    Command::new("sh")
        .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args([test, "--exact", "--ignored", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn open_blocking(folder: &Path) -> Result<Store, OpenError> {
    runtime().block_on(Store::open(folder, Options::default()))
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn entry(task: u64, number: u64) -> Key {
    Key::global("crash").u64(task).u64(number)
}

async fn number(read: &impl Read, key: &[u8]) -> Result<u64, StoreError> {
    let bytes = read.get(key).await?;
    Ok(bytes.map_or(0, |bytes| u64::from_be_bytes(bytes[..].try_into().unwrap())))
}

fn value(at: u64) -> Vec<u8> {
    let len = std::env::var(BYTES).ok().and_then(|text| text.parse().ok()).unwrap_or(300);
    vec![at as u8; len]
}

/// One transaction of three keys: two halves of an entry, and a counter that all tasks share.
async fn add(store: &Store, task: u64, at: u64) -> Result<(), StoreError> {
    let body = |tx: Tx| async move {
        let count = number(&tx, b"count").await?;
        tx.put("count", (count + 1).to_be_bytes().to_vec());
        tx.put(entry(task, at).text("left"), value(at));
        tx.put(entry(task, at).text("right"), value(at));
        Ok::<_, StoreError>(())
    };
    store.transact(body).await
}

/// Checks that no entry is half there and that the counter agrees; returns each task's entries.
async fn entries(store: &Store) -> BTreeMap<u64, Vec<u64>> {
    let snapshot = store.snapshot();
    let mut scan = snapshot.scan(Key::global("crash").prefix(), Direction::Forward);
    let mut found = BTreeMap::<u64, Vec<u64>>::new();
    while let Some((left, stored)) = scan.next().await.unwrap() {
        let (right, other) = scan.next().await.unwrap().unwrap();
        let (left, right) = (Key::components(&left).unwrap(), Key::components(&right).unwrap());
        assert_eq!((&left[3..5], left[5].as_text()), (&right[3..5], Some("left")));
        assert_eq!(stored, other);
        let (task, at) = (left[3].as_u64().unwrap(), left[4].as_u64().unwrap());
        assert_eq!(stored, value(at));
        found.entry(task).or_default().push(at);
    }
    let count: usize = found.values().map(Vec::len).sum();
    assert_eq!(number(&snapshot, b"count").await.unwrap(), count as u64);
    found
}

#[test]
#[ignore = "the child of kill_9_loses_nothing_answered"]
fn child_writes_until_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    runtime().block_on(async {
        let store = Store::open(Path::new(&folder), Options::default()).await.unwrap();
        let before = entries(&store).await;
        let mut tasks = tokio::task::JoinSet::new();
        for task in 0..TASKS {
            let store = store.clone();
            let first = before.get(&task).and_then(|all| all.last()).map_or(0, |last| last + 1);
            tasks.spawn(async move {
                for at in first.. {
                    add(&store, task, at).await.unwrap();
                    // One write(2) a line, so that the parent reads whole lines or none.
                    let line = format!("answered {task} {at}\n");
                    io::stdout().lock().write_all(line.as_bytes()).unwrap();
                }
            });
        }
        tasks.join_all().await;
    });
}

#[test]
fn kill_9_loses_nothing_answered() {
    let folder = tempfile::tempdir().unwrap();
    let mut answered = BTreeMap::<u64, u64>::new();
    for round in 0..6_u64 {
        let mut child = child("child_writes_until_killed", folder.path());
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // From amid its opening to amid its work.
        let end =
            Instant::now() + Duration::from_millis([15, 60, 150, 250, 400, 330][round as usize]);
        let killer = std::thread::spawn(move || {
            std::thread::sleep(end.saturating_duration_since(Instant::now()));
            child.kill().unwrap();
            child.wait().unwrap();
        });
        while let Some(Ok(line)) = lines.next() {
            if let Some(("answered", rest)) = line.split_once(' ')
                && let Some((task, at)) = rest.split_once(' ')
            {
                answered.insert(task.parse().unwrap(), at.parse().unwrap());
            }
        }
        killer.join().unwrap();
        let store = open_blocking(folder.path()).unwrap();
        let found = runtime().block_on(entries(&store));
        for (task, last) in &answered {
            let expected = 0..=*last;
            assert!(found[task].iter().copied().take(*last as usize + 1).eq(expected), "{task}");
        }
    }
    assert_eq!(answered.len() as u64, TASKS, "every task got to write: {answered:?}");
}

/// The one journal, and where its data ends.
fn journal(folder: &Path) -> (PathBuf, usize) {
    let journals = fs::read_dir(folder.join("db")).unwrap().map(|entry| entry.unwrap().path());
    let path = journals.filter(|path| path.extension().is_some_and(|e| e == "jnl")).max().unwrap();
    let end = data(&path).len();
    (path, end)
}

/// What a journal of less than 1 MB holds, without the 64 MB of hole behind it.
fn data(journal: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    fs::File::open(journal).unwrap().take(1 << 20).read_to_end(&mut bytes).unwrap();
    let end = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    bytes.truncate(end);
    bytes
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else if entry.path().extension().is_some_and(|e| e == "jnl") {
            let mut bytes = data(&entry.path());
            bytes.resize(bytes.len() + 4096, 0);
            fs::write(target, bytes).unwrap();
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A store with ten small answered transactions and a large one behind them, still open; and
/// where each of them ended in the journal.
fn filled(folder: &Path) -> (Store, Vec<usize>) {
    let store = open_blocking(folder).unwrap();
    let mut ends = Vec::new();
    for at in 0..10 {
        runtime().block_on(add(&store, 0, at)).unwrap();
        ends.push(journal(folder).1);
    }
    let large = |tx: Tx| async move {
        for at in 0..40_u64 {
            tx.put(Key::global("large").u64(at), vec![7; 2000]);
        }
        Ok::<_, StoreError>(())
    };
    runtime().block_on(store.transact(large)).unwrap();
    ends.push(journal(folder).1);
    (store, ends)
}

fn draw(random: &mut u64, below: usize) -> usize {
    *random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(99);
    (*random >> 33) as usize % below
}

#[test]
fn writes_that_never_reached_the_disk_are_absent_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (_store, ends) = filled(folder.path());
    let (path, end) = journal(folder.path());
    let sound = data(&path);
    let mut random = 1;
    for round in 0..24 {
        // Everything behind the first `kept` transactions was in flight when the power went.
        let kept = if round % 2 == 0 { 10 } else { 1 + draw(&mut random, 10) };
        let synced = ends[kept - 1];
        let mut torn = sound.clone();
        match round % 4 {
            // Cut anywhere, the file being shorter or preallocated.
            1 => torn.truncate(synced + draw(&mut random, end - synced)),
            3 => {
                let from = synced + draw(&mut random, end - synced);
                torn[from..].fill(0);
            }
            // Sectors of the large group that never arrived, in any order.
            _ => {
                for sector in synced / 512 + 1..=end / 512 {
                    if draw(&mut random, 2) == 0 {
                        let from = sector * 512;
                        torn[from..end.min(from + 512)].fill(0);
                    }
                }
            }
        }
        let crashed = tempfile::tempdir().unwrap();
        copy(folder.path(), crashed.path());
        let name = path.strip_prefix(folder.path()).unwrap();
        fs::write(crashed.path().join(name), &torn).unwrap();
        runtime().block_on(async {
            let store = Store::open(crashed.path(), Options::default()).await.unwrap();
            let found = entries(&store).await;
            let count = found[&0].len();
            assert!(found[&0].iter().copied().eq(0..count as u64) && count >= kept);
            let range = Key::global("large").prefix();
            let large = store.snapshot().range(&range, Direction::Forward, 99).await;
            let large = large.unwrap().items.len();
            assert!(large == 0 || (large == 40 && count == 10), "{large}");
            // And it goes on: what is written now is there after yet another opening.
            add(&store, 0, count as u64).await.unwrap();
            store.close().await;
            let store = Store::open(crashed.path(), Options::default()).await.unwrap();
            assert_eq!(entries(&store).await[&0].len(), count + 1);
        });
    }
}

#[test]
fn damage_amid_answered_writes_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (_store, ends) = filled(folder.path());
    let (path, _) = journal(folder.path());
    let mut random = 2;
    for _ in 0..16 {
        let damaged = tempfile::tempdir().unwrap();
        copy(folder.path(), damaged.path());
        let copy = damaged.path().join(path.strip_prefix(folder.path()).unwrap());
        let mut bytes = fs::read(&copy).unwrap();
        let at = draw(&mut random, ends[9]);
        bytes[at] ^= 1 << draw(&mut random, 8);
        fs::write(&copy, &bytes).unwrap();
        match open_blocking(damaged.path()) {
            Err(OpenError::Corrupt(_)) => {}
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("a flipped bit at {at} went unnoticed"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn failed_syncs_leave_no_doubt_but_the_one_reported() {
    let folder = tempfile::tempdir().unwrap();
    let faults = Faults::default();
    let options = Options { faults: faults.clone(), ..Options::default() };
    let store = Store::open(folder.path(), options).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..TASKS {
        let store = store.clone();
        tasks.spawn(async move {
            let (mut answered, mut unknown) = (Vec::new(), Vec::new());
            for at in 0..150 {
                match add(&store, task, at).await {
                    Ok(()) => answered.push(at),
                    Err(StoreError::CommitUnknown) => unknown.push(at),
                    Err(StoreError::Unavailable(_)) => {
                        tokio::time::sleep(Duration::from_millis(1)).await;
                    }
                    Err(other) => panic!("{other}"),
                }
                // Reads go on, whatever happens to the writes; at worst with a new snapshot.
                while store.snapshot().get(b"count").await.is_err() {}
            }
            (task, answered, unknown)
        });
    }
    for _ in 0..3 {
        faults.fail_syncs(1);
        tokio::time::sleep(Duration::from_millis(40)).await;
        faults.fail_writes(1);
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    let outcomes = tasks.join_all().await;
    assert!(store.stats().recoveries > 0, "{:?}", store.stats());
    let check = async |store: &Store| {
        let found = entries(store).await;
        let all: Vec<_> = found.values().flatten().collect();
        let known: usize = outcomes.iter().map(|(_, answered, _)| answered.len()).sum();
        let doubtful: usize = outcomes.iter().map(|(_, _, unknown)| unknown.len()).sum();
        assert!((known..=known + doubtful).contains(&all.len()));
        for (task, answered, _) in &outcomes {
            let found = found.get(task).cloned().unwrap_or_default();
            assert!(answered.iter().all(|at| found.contains(at)));
        }
    };
    check(&store).await;
    store.close().await;
    check(&Store::open(folder.path(), Options::default()).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_go_on_while_the_disk_is_dead() {
    let folder = tempfile::tempdir().unwrap();
    let faults = Faults::default();
    let options = Options { faults: faults.clone(), ..Options::default() };
    let store = Store::open(folder.path(), options).await.unwrap();
    add(&store, 0, 0).await.unwrap();
    let watch = store.watch(b"nobody writes here");
    let before = watch.version();
    faults.kill_disk(true);
    faults.fail_writes(1);
    let refused = add(&store, 0, 1).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(entries(&store).await[&0], [0]);
        assert!(matches!(add(&store, 0, 1).await, Err(StoreError::Unavailable(_))));
    }
    faults.kill_disk(false);
    while add(&store, 0, 1).await.is_err() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(entries(&store).await[&0], [0, 1]);
    // Whoever keeps something in memory looks again after a recovery.
    assert!(watch.version() > before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_almost_full_disk_refuses_writes_and_serves_reads() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), Options::default()).await.unwrap();
    add(&store, 0, 0).await.unwrap();
    store.close().await;
    let options = Options { min_free_bytes: u64::MAX, ..Options::default() };
    let store = Store::open(folder.path(), options).await.unwrap();
    assert_eq!(add(&store, 0, 1).await, Err(StoreError::Full));
    assert_eq!(add(&store, 0, 1).await, Err(StoreError::Full));
    assert_eq!(entries(&store).await[&0], [0]);
    assert_eq!(store.stats().recoveries, 0);
}

/// The soft limit on file sizes, which makes real writes fail.
fn limit_files(bytes: Option<u64>) {
    let mut limit = rustix::process::getrlimit(rustix::process::Resource::Fsize);
    limit.current = bytes;
    rustix::process::setrlimit(rustix::process::Resource::Fsize, limit).unwrap();
}

#[test]
#[ignore = "the child of real_write_errors_are_survived"]
fn child_meets_real_write_errors() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let folder = Path::new(&folder);
    runtime().block_on(async {
        let store = Store::open(folder, Options::default()).await.unwrap();
        let mut at = 0;
        for _ in 0..4 {
            for _ in 0..5 {
                add(&store, 0, at).await.unwrap();
                at += 1;
            }
            limit_files(Some(0));
            let refused = add(&store, 0, at).await;
            assert_eq!(refused, Err(StoreError::CommitUnknown));
            assert!(entries(&store).await[&0].iter().copied().eq(0..at));
            limit_files(None);
            while matches!(store.stats().recoveries, recoveries if recoveries < at / 5) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            // Now there is no doubt any more whether it is there.
            at = entries(&store).await[&0].len() as u64;
        }
        store.close().await;
        let store = Store::open(folder, Options::default()).await.unwrap();
        assert!(entries(&store).await[&0].iter().copied().eq(0..at));
    });
}

#[test]
fn real_write_errors_are_survived() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = child("child_meets_real_write_errors", folder.path());
    assert!(child.wait().unwrap().success());
    let store = open_blocking(folder.path()).unwrap();
    assert!(runtime().block_on(entries(&store))[&0].len() >= 20);
}
