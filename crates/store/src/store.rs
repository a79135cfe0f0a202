//! The store: opening, transactions, snapshots, watches.

use std::fmt;
use std::fs::{self, File, TryLockError};
use std::future::Future;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::commit::{Commits, Submitted};
use crate::engine::fjall::Fjall;
use crate::faults::Faults;
use crate::{OpenError, Snapshot, StoreError, Tx, Watch};

/// The version of the folder's layout that this binary writes.
const FORMAT: u32 = 1;
/// How often a transaction is tried before it fails with [`StoreError::Conflict`].
const ATTEMPTS: u32 = 64;
/// Attempts that only yield; later ones sleep.
const EAGER_ATTEMPTS: u32 = 8;
/// The longest sleep between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_millis(20);

/// How a store is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// Bytes of blocks kept in memory for reading.
    pub cache_bytes: u64,
    /// Bytes of disk below which writes are refused with [`StoreError::Full`].
    pub min_free_bytes: u64,
    /// Failures to inject; none unless a test asks for them.
    pub faults: Faults,
}

impl Default for Options {
    fn default() -> Self {
        Self { cache_bytes: 64 << 20, min_free_bytes: 256 << 20, faults: Faults::default() }
    }
}

/// Counters since the store was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Transactions that wrote and are durable.
    pub commits: u64,
    /// Groups in which they were written.
    pub groups: u64,
    /// Waits for the disk, one per group.
    pub fsyncs: u64,
    /// Attempts that had to start over because what they read had changed.
    pub conflicts: u64,
    /// Bytes of keys and values written, with about 128 a key for its keeping.
    pub bytes: u64,
    /// Times that the engine was reopened after a failed write.
    pub recoveries: u64,
}

/// A store. Clones share it; when the last is dropped, it is closed.
#[derive(Clone)]
pub struct Store(Arc<Opened>);

struct Opened {
    commits: Arc<Commits>,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// Held until the thread has ended.
    lock: File,
}

impl Store {
    /// Opens or creates the store in the folder `path` and locks the folder. What was answered
    /// before a crash is there, what was not yet answered is there whole or not at all.
    pub async fn open(path: &Path, options: Options) -> Result<Self, OpenError> {
        let path = path.to_owned();
        tokio::task::spawn_blocking(move || Self::open_blocking(&path, &options))
            .await
            .map_err(|why| OpenError::Corrupt(format!("opening panicked: {why}")))?
    }

    fn open_blocking(path: &Path, options: &Options) -> Result<Self, OpenError> {
        fs::create_dir_all(path)?;
        let lock = lock(path)?;
        check_format(path)?;
        let (engine, epoch) = Fjall::open(&path.join("db"), options)?;
        // 2^40 commits an opening, 2^24 openings.
        let (commits, thread) = Commits::start(Arc::new(engine), epoch << 40)
            .map_err(|why| OpenError::Corrupt(why.to_string()))?;
        Ok(Self(Arc::new(Opened { commits, thread: Mutex::new(Some(thread)), lock })))
    }

    /// What is durable at this moment, frozen.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot(self.0.commits.visible())
    }

    /// Runs a transaction. It is serializable: it behaves as if it ran alone. `Ok` means that its
    /// writes are durable and visible to snapshots taken from then on; it then wakes the watches.
    ///
    /// `body` may run several times, so it must have no effect but through its [`Tx`]; it reads
    /// its own writes. When it returns an error nothing is written, and the error is handed on
    /// once everything it was concluded from is durable. Fails with [`StoreError::Conflict`] when
    /// other transactions were faster each time.
    pub async fn transact<T, E, F, Fut>(&self, body: F) -> Result<T, E>
    where
        F: Fn(Tx) -> Fut + Send,
        Fut: Future<Output = Result<T, E>> + Send,
        E: From<StoreError>,
    {
        let commits = &self.0.commits;
        for attempt in 0..ATTEMPTS {
            pause(attempt).await;
            commits.room().await;
            let tx = Tx::new(commits.begin()?);
            let result = body(tx.clone()).await;
            let mut recorded = tx.finish()?;
            if result.is_err() {
                recorded.writes.clear();
            }
            let writes = !recorded.writes.is_empty();
            // What waits for the disk stays bounded.
            let large = writes && recorded.is_large();
            let _alone = if large { Some(commits.large.lock().await) } else { None };
            match commits.submit(tx.base(), recorded)? {
                Submitted::Conflict => {}
                Submitted::Done => return result,
                Submitted::Waiting(answer) => {
                    drop(tx);
                    match answer.await {
                        Ok(Ok(())) => return result,
                        Ok(Err(why)) if writes => return Err(why.into()),
                        // It only read, from a write that then failed: read again.
                        Ok(Err(_)) => {}
                        Err(_) => return Err(StoreError::CommitUnknown.into()),
                    }
                }
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// Watches all keys that begin with `prefix`, from now on.
    pub fn watch(&self, prefix: &[u8]) -> Watch {
        self.0.commits.watches.watch(prefix)
    }

    /// Counters since opening.
    pub fn stats(&self) -> Stats {
        self.0.commits.stats()
    }

    /// Makes durable what is in order, refuses everything new, and releases the folder. Other
    /// clones and snapshots answer [`StoreError::Unavailable`] from then on.
    pub async fn close(self) {
        let opened = Arc::clone(&self.0);
        // Without a task to run it on, dropping the last clone closes as well.
        let _ = tokio::task::spawn_blocking(move || opened.close()).await;
    }
}

impl Opened {
    fn close(&self) {
        self.commits.close();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the committing thread panicked");
        }
        self.commits.watches.close();
        let _ = self.lock.unlock();
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Store").field(&self.stats()).finish()
    }
}

/// Leaves the field to others after a conflict: first by yielding, then by sleeping up to twice
/// as long each time.
async fn pause(attempt: u32) {
    if attempt == 0 {
        return;
    }
    if attempt < EAGER_ATTEMPTS {
        return tokio::task::yield_now().await;
    }
    let longest = Duration::from_millis(1 << (attempt - EAGER_ATTEMPTS).min(10)).min(LONGEST_PAUSE);
    let mut random = [0; 4];
    // Without randomness the contenders still sleep, if in step.
    let _ = getrandom::fill(&mut random);
    let share = f64::from(u32::from_be_bytes(random)) / f64::from(u32::MAX);
    tokio::time::sleep(longest.mul_f64(share)).await;
}

fn lock(path: &Path) -> Result<File, OpenError> {
    let file = File::options().create(true).truncate(false).write(true).open(path.join("LOCK"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked(path.to_owned())),
        Err(TryLockError::Error(why)) => Err(why.into()),
    }
}

/// Reads the folder's format version, or writes it into a new folder.
fn check_format(path: &Path) -> Result<(), OpenError> {
    let file = path.join("FORMAT");
    if file.try_exists()? {
        let text = fs::read_to_string(&file)?;
        let found = text.trim().strip_prefix("cumulet store ").and_then(|n| n.parse().ok());
        return match found {
            Some(FORMAT) => Ok(()),
            Some(found) if found > FORMAT => Err(OpenError::Newer { found, known: FORMAT }),
            _ => Err(OpenError::Corrupt(format!("{} is not a format version", file.display()))),
        };
    }
    if path.join("db").try_exists()? {
        return Err(OpenError::Corrupt(format!("{} has lost its FORMAT file", path.display())));
    }
    let temporary = path.join("FORMAT.tmp");
    let mut new = File::create(&temporary)?;
    writeln!(new, "cumulet store {FORMAT}")?;
    new.sync_all()?;
    fs::rename(&temporary, &file)?;
    File::open(path)?.sync_all()?;
    if let Some(parent) = path.canonicalize()?.parent() {
        File::open(parent)?.sync_all()?;
    }
    Ok(())
}
