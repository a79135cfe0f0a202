//! The embedded engine: `fjall`, a log-structured merge tree with a journal.
//!
//! What it leaves to us: refusing writes before the disk is full, telling a torn journal from a
//! damaged one ([`super::journal`]), and going on after a failed write or fsync, upon which it
//! refuses all further writes.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

use ::fjall::config::{BloomConstructionPolicy, FilterPolicy, FilterPolicyEntry};
use ::fjall::{
    CompressionType, Database, Keyspace, KeyspaceCreateOptions, PersistMode, Readable as _,
};
use bytes::Bytes;

use super::{CommitError, Engine, EngineSnapshot, Visitor, Write, journal};
use crate::faults::Fault;
use crate::{Direction, OpenError, Options, Range, StoreError};

/// Memory tables: the engine stalls writers at four sealed ones, so with the active one at most
/// five exist: 60 MB, within the design's cap of 64.
const MEMTABLE_BYTES: u64 = 12 << 20;
/// Journals behind the active one, which is sealed at about 64 MB: 128 MB together.
const JOURNAL_BYTES: u64 = 64 << 20;
/// How long a measurement of free disk space is believed.
const FREE_SPACE_AGE: Duration = Duration::from_millis(50);

/// A folder opened with fjall.
pub(crate) struct Fjall {
    folder: PathBuf,
    options: Options,
    /// `None` while closed or between the two halves of a reopening.
    open: Arc<RwLock<Option<Open>>>,
    /// Counts openings, so that a snapshot knows whether its engine is still there.
    opening: AtomicU64,
    free_space: Mutex<Option<(Instant, u64)>>,
}

struct Open {
    // Keyspaces first: they must be gone before the database waits for its threads.
    data: Keyspace,
    database: Database,
    opening: u64,
}

struct View {
    open: Arc<RwLock<Option<Open>>>,
    opening: u64,
    snapshot: ::fjall::Snapshot,
}

impl Fjall {
    /// Opens or creates the database in `folder`; returns it with the number of times that it
    /// has been opened, this one included.
    pub(crate) fn open(folder: &Path, options: &Options) -> Result<(Self, u64), OpenError> {
        let first = open_database(folder, options, 0)?;
        let epoch = count_opening(folder, &first)?;
        let engine = Self {
            folder: folder.to_owned(),
            options: options.clone(),
            open: Arc::new(RwLock::new(Some(first))),
            opening: AtomicU64::new(0),
            free_space: Mutex::new(None),
        };
        Ok((engine, epoch))
    }

    fn read(&self) -> RwLockReadGuard<'_, Option<Open>> {
        self.open.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Option<Open> {
        self.open.write().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn is_full(&self) -> bool {
        let Ok(mut cached) = self.free_space.lock() else { return false };
        let fresh = cached.filter(|(at, _)| at.elapsed() < FREE_SPACE_AGE);
        let free = match fresh {
            Some((_, free)) => free,
            // A file system that cannot tell must not stop the writes.
            None => rustix::fs::statvfs(&self.folder)
                .map_or(u64::MAX, |stat| stat.f_bavail.saturating_mul(stat.f_frsize)),
        };
        if fresh.is_none() {
            *cached = Some((Instant::now(), free));
        }
        free < self.options.min_free_bytes
    }
}

impl Engine for Fjall {
    fn snapshot(&self) -> Result<Arc<dyn EngineSnapshot>, StoreError> {
        let open = self.read();
        let Some(open) = &*open else { return Err(gone()) };
        Ok(Arc::new(View {
            open: Arc::clone(&self.open),
            opening: open.opening,
            snapshot: open.database.snapshot(),
        }))
    }

    fn commit(&self, writes: &mut dyn Iterator<Item = Write<'_>>) -> Result<(), CommitError> {
        if self.is_full() {
            return Err(CommitError::Full);
        }
        let open = self.read();
        let Some(open) = &*open else {
            return Err(CommitError::NotWritten("the engine is closed".to_owned()));
        };
        let fault = self.options.faults.next();
        if fault == Some(Fault::BeforeWrite) {
            return Err(CommitError::NotWritten("injected".to_owned()));
        }
        let mut batch = open.database.batch().durability(Some(PersistMode::SyncData));
        for (key, value) in writes {
            match value {
                Some(value) => batch.insert(&open.data, key, value),
                None => batch.remove(&open.data, key),
            }
        }
        batch.commit().map_err(|why| match why {
            // Refused at the door: something else (a flush, a compaction) failed earlier.
            ::fjall::Error::Poisoned => CommitError::NotWritten(why.to_string()),
            _ => CommitError::Unknown(why.to_string()),
        })?;
        match fault {
            Some(Fault::AfterWrite) => Err(CommitError::Unknown("injected".to_owned())),
            _ => Ok(()),
        }
    }

    fn reopen(&self) -> Result<(), StoreError> {
        let unavailable = |why: &dyn std::fmt::Display| StoreError::Unavailable(why.to_string());
        // While the disk does not take writes, the old engine at least serves reads.
        if self.options.faults.disk_is_dead() {
            return Err(unavailable(&"injected"));
        }
        probe(&self.folder).map_err(|why| unavailable(&why))?;
        drop(self.take());
        journal::rewrite(&self.folder).map_err(|why| unavailable(&why))?;
        let opening = self.opening.fetch_add(1, Ordering::Relaxed) + 1;
        let open =
            open_database(&self.folder, &self.options, opening).map_err(|why| unavailable(&why))?;
        *self.open.write().unwrap_or_else(PoisonError::into_inner) = Some(open);
        Ok(())
    }

    fn close(&self) {
        drop(self.take());
    }
}

impl View {
    fn with<T>(
        &self,
        read: impl FnOnce(&Open) -> Result<T, ::fjall::Error>,
    ) -> Result<T, StoreError> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        match &*open {
            Some(open) if open.opening == self.opening => read(open).map_err(read_error),
            _ => Err(gone()),
        }
    }
}

impl EngineSnapshot for View {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        self.with(|open| {
            let value = self.snapshot.get(&open.data, key)?;
            Ok(value.map(|value| Bytes::copy_from_slice(&value)))
        })
    }

    fn visit(
        &self,
        range: &Range,
        direction: Direction,
        each: &mut Visitor<'_>,
    ) -> Result<(), StoreError> {
        if range.is_empty() {
            return Ok(());
        }
        self.with(|open| {
            let mut entries = self.snapshot.range::<&[u8], _>(&open.data, range.bounds());
            loop {
                let entry = match direction {
                    Direction::Forward => entries.next(),
                    Direction::Backward => entries.next_back(),
                };
                let Some(entry) = entry else { return Ok(()) };
                let (key, value) = entry.into_inner()?;
                if each(&key, &value).is_break() {
                    return Ok(());
                }
            }
        })
    }
}

fn gone() -> StoreError {
    StoreError::Unavailable("the engine was closed or reopened; take a new snapshot".to_owned())
}

fn read_error(why: ::fjall::Error) -> StoreError {
    match why {
        ::fjall::Error::Io(why) => StoreError::Unavailable(why.to_string()),
        ::fjall::Error::Storage(::fjall::LsmError::Io(why)) => {
            StoreError::Unavailable(why.to_string())
        }
        other => StoreError::Corrupt(other.to_string()),
    }
}

fn open_database(folder: &Path, options: &Options, opening: u64) -> Result<Open, OpenError> {
    discard_unfinished(folder)?;
    journal::check(folder)?;
    let database = Database::builder(folder)
        .cache_size(options.cache_bytes)
        .max_journaling_size(JOURNAL_BYTES)
        // The journal's checksum is over bytes compressed anew at recovery: without compression
        // it cannot depend on the compressor's version.
        .journal_compression(CompressionType::None)
        .manual_journal_persist(true)
        .worker_threads(2)
        .open()
        .map_err(|why| open_error(folder, why))?;
    let data = database
        .keyspace("data", || {
            KeyspaceCreateOptions::default()
                .max_memtable_size(MEMTABLE_BYTES)
                .manual_journal_persist(true)
                // The default's 0.0001 in the first levels costs 20 bits a key.
                .filter_policy(FilterPolicy::all(FilterPolicyEntry::Bloom(
                    BloomConstructionPolicy::BitsPerKey(10.0),
                )))
        })
        .map_err(|why| open_error(folder, why))?;
    Ok(Open { data, database, opening })
}

/// A creation that was cut off before the engine's version file was written has stored nothing,
/// yet the engine would stumble over its remains.
fn discard_unfinished(folder: &Path) -> Result<(), OpenError> {
    if !folder.try_exists()? || folder.join("version").try_exists()? {
        return Ok(());
    }
    let keyspaces = folder.join("keyspaces");
    if keyspaces.try_exists()? && fs::read_dir(&keyspaces)?.next().is_some() {
        return Err(OpenError::Corrupt(format!("{} has lost its version file", folder.display())));
    }
    fs::remove_dir_all(folder)?;
    Ok(())
}

fn open_error(folder: &Path, why: ::fjall::Error) -> OpenError {
    match why {
        ::fjall::Error::Io(why) | ::fjall::Error::Storage(::fjall::LsmError::Io(why)) => {
            OpenError::Io(why)
        }
        ::fjall::Error::Locked => OpenError::Locked(folder.to_owned()),
        other => OpenError::Corrupt(other.to_string()),
    }
}

/// Counts this opening, durably. Versions of later openings are thereby above all earlier ones.
fn count_opening(folder: &Path, open: &Open) -> Result<u64, OpenError> {
    let meta = open
        .database
        .keyspace("meta", KeyspaceCreateOptions::default)
        .map_err(|why| open_error(folder, why))?;
    let before = match meta.get("openings").map_err(|why| open_error(folder, why))? {
        Some(bytes) => u64::from_be_bytes(
            <[u8; 8]>::try_from(&*bytes)
                .map_err(|_| OpenError::Corrupt("the count of openings".to_owned()))?,
        ),
        None => 0,
    };
    let mut batch = open.database.batch().durability(Some(PersistMode::SyncAll));
    batch.insert(&meta, "openings", (before + 1).to_be_bytes());
    batch.commit().map_err(|why| open_error(folder, why))?;
    Ok(before + 1)
}

/// Whether the disk takes a durable write again.
fn probe(folder: &Path) -> io::Result<()> {
    let path = folder.join("probe");
    let mut file = fs::File::create(&path)?;
    file.write_all(&[0; 4096])?;
    file.sync_all()?;
    fs::remove_file(path)
}
