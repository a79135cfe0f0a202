//! Compiled configuration kept in memory.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::Mutex;

use crate::{Snapshot, Store, StoreError, Version, Watch};

type Loading<T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send>>;

/// What a prefix holds, compiled to a `T` and kept until a commit touches the prefix.
///
/// A read that begins after a commit on this node was answered sees it.
pub struct View<T> {
    store: Store,
    watch: Watch,
    load: Box<dyn Fn(Snapshot) -> Loading<T> + Send + Sync>,
    current: RwLock<(Version, Arc<T>)>,
    /// One load at a time.
    loading: Mutex<()>,
}

impl<T: Send + Sync + 'static> View<T> {
    /// Compiles what `prefix` holds now. `load` reads the snapshot it is given and nothing else.
    pub async fn new<F, Fut>(store: &Store, prefix: &[u8], load: F) -> Result<Self, StoreError>
    where
        F: Fn(Snapshot) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let watch = store.watch(prefix);
        // The version first: what is committed between the two lines is loaded again, not missed.
        let version = watch.version();
        let first = load(store.snapshot()).await?;
        Ok(Self {
            store: store.clone(),
            watch,
            load: Box::new(move |snapshot| Box::pin(load(snapshot))),
            current: RwLock::new((version, Arc::new(first))),
            loading: Mutex::new(()),
        })
    }

    /// The current value; loads it anew where a commit has touched the prefix.
    pub async fn get(&self) -> Result<Arc<T>, StoreError> {
        if let Some(value) = self.fresh() {
            return Ok(value);
        }
        let _one = self.loading.lock().await;
        if let Some(value) = self.fresh() {
            return Ok(value);
        }
        let version = self.watch.version();
        let value = Arc::new((self.load)(self.store.snapshot()).await?);
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        *current = (version, Arc::clone(&value));
        Ok(value)
    }

    /// The value as of the last load, for callers that cannot wait. A commit shows in it only
    /// after the next [`View::get`].
    pub fn last(&self) -> Arc<T> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner).1)
    }

    fn fresh(&self) -> Option<Arc<T>> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        (current.0 == self.watch.version()).then(|| Arc::clone(&current.1))
    }
}

impl<T> fmt::Debug for View<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("View")
    }
}
