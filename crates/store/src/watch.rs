//! Waking those who care about a prefix.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::watch;

use crate::StoreError;
use crate::commit::Layer;

/// A point in the order of commits. Later commits have larger ones, across restarts too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub(crate) u64);

impl Version {
    /// As a number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// Watches one prefix from the moment of its making.
#[derive(Debug, Clone)]
pub struct Watch(watch::Receiver<Version>);

impl Watch {
    /// Waits for a commit that touched the prefix and that this watch has not reported yet. Any
    /// number of commits may be reported as one; the version is that of the latest. Fails once
    /// the store is closed.
    ///
    /// The commit is visible to snapshots taken from now on. Dropping the future loses nothing.
    pub async fn changed(&mut self) -> Result<Version, StoreError> {
        match self.0.changed().await {
            Ok(()) => Ok(*self.0.borrow_and_update()),
            Err(_) => Err(StoreError::Unavailable("the store is closed".to_owned())),
        }
    }

    /// The version of the latest commit that touched the prefix, or of the beginning of the watch.
    pub fn version(&self) -> Version {
        *self.0.borrow()
    }
}

/// All watched prefixes.
pub(crate) struct Watches {
    prefixes: Mutex<BTreeMap<Bytes, watch::Sender<Version>>>,
    /// The version of the last publication.
    latest: AtomicU64,
}

impl Watches {
    pub(crate) fn new(version: u64) -> Self {
        Self { prefixes: Mutex::default(), latest: AtomicU64::new(version) }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Bytes, watch::Sender<Version>>> {
        self.prefixes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn watch(&self, prefix: &[u8]) -> Watch {
        let mut prefixes = self.lock();
        let latest = Version(self.latest.load(Ordering::Acquire));
        let sender = prefixes
            .entry(Bytes::copy_from_slice(prefix))
            .or_insert_with(|| watch::Sender::new(latest));
        Watch(sender.subscribe())
    }

    /// Wakes whoever watches a prefix of a key in `layer`.
    pub(crate) fn publish(&self, layer: &Layer, version: Version) {
        let layer = layer.read();
        self.wake(version, |prefix| layer.touches(prefix));
    }

    /// Wakes everyone.
    pub(crate) fn publish_all(&self, version: Version) {
        self.wake(version, |_| true);
    }

    /// Ends all watches.
    pub(crate) fn close(&self) {
        self.lock().clear();
    }

    fn wake(&self, version: Version, touched: impl Fn(&[u8]) -> bool) {
        let mut prefixes = self.lock();
        self.latest.store(version.0, Ordering::Release);
        prefixes.retain(|prefix, sender| {
            if touched(prefix) {
                sender.send_replace(version);
            }
            sender.receiver_count() > 0
        });
    }
}
