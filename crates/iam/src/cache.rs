//! Values compiled from IAM's records, kept until a commit touches any of those records.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use cumulet_service::Result;
use cumulet_store::{Snapshot, Store, Version, Watch};

use crate::store;

/// Values that are kept; when there are more, all are given up and asked for anew.
const CAPACITY: usize = 8192;

/// Values by name. A read that begins after a commit was answered sees it: every value carries the
/// version of IAM's records that it was made from, and counts only while that is the latest.
///
/// A commit makes each value be loaded again when it is next asked for, which takes a few reads.
/// Unlike a [`cumulet_store::View`], it never compiles what nobody asks for.
pub(crate) struct Cache<V> {
    store: Store,
    watch: Watch,
    values: RwLock<HashMap<Box<str>, (Version, Arc<V>)>>,
}

impl<V> Cache<V> {
    pub(crate) fn new(store: &Store) -> Self {
        let watch = store.watch(&store::everything());
        Self { store: store.clone(), watch, values: RwLock::default() }
    }

    /// The value called `name`, where it is there and current.
    pub(crate) fn get(&self, name: &str) -> Option<Arc<V>> {
        let values = self.values.read().unwrap_or_else(PoisonError::into_inner);
        let (version, value) = values.get(name)?;
        (*version == self.watch.version()).then(|| Arc::clone(value))
    }

    /// Makes the value called `name` with `load`, which must read the snapshot only; where it finds
    /// nothing, nothing is kept, so that asking for what is not there costs no memory.
    pub(crate) async fn load<F, Fut>(&self, name: &str, load: F) -> Result<Option<Arc<V>>>
    where
        F: FnOnce(Snapshot) -> Fut + Send,
        Fut: Future<Output = Result<Option<V>>> + Send,
    {
        // The version first: what is committed between the two lines is loaded again, not missed.
        let version = self.watch.version();
        let Some(value) = load(self.store.snapshot()).await? else { return Ok(None) };
        let value = Arc::new(value);
        let mut values = self.values.write().unwrap_or_else(PoisonError::into_inner);
        if values.len() >= CAPACITY && !values.contains_key(name) {
            values.clear();
        }
        values.insert(name.into(), (version, Arc::clone(&value)));
        Ok(Some(value))
    }
}

impl<V> fmt::Debug for Cache<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cache")
    }
}
