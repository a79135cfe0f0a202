//! The seam below the committer: an ordered, durable map with snapshots.
//!
//! An engine knows nothing of transactions: the committer above has already put them in order and
//! made sure that they do not contradict each other. A distributed engine, which does both
//! itself, joins one storey higher, at `Store`, `Snapshot` and `Tx`.

pub(crate) mod fjall;
pub(crate) mod journal;

use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;

use crate::{Direction, Range, StoreError};

/// One key's new value; `None` deletes.
pub(crate) type Write<'a> = (&'a [u8], Option<&'a [u8]>);

/// Takes a key and its value; breaks when it has enough.
pub(crate) type Visitor<'a> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'a;

/// Why a batch was not committed.
#[derive(Debug)]
pub(crate) enum CommitError {
    /// Nothing was written and the engine is sound: the disk is almost full.
    Full,
    /// Nothing was written, but the engine must be reopened.
    NotWritten(String),
    /// Bytes may have gone out; the engine must be reopened.
    Unknown(String),
}

/// An ordered, durable map.
pub(crate) trait Engine: Send + Sync + 'static {
    /// What is durable at this moment.
    fn snapshot(&self) -> Result<Arc<dyn EngineSnapshot>, StoreError>;

    /// Writes all of `writes` or nothing; returns once they are durable and visible to new
    /// snapshots. No key comes twice.
    fn commit(&self, writes: &mut dyn Iterator<Item = Write<'_>>) -> Result<(), CommitError>;

    /// After a failed commit: closes and opens the engine in place. Snapshots taken before it
    /// answer [`StoreError::Unavailable`] from then on. May be called again where it fails.
    fn reopen(&self) -> Result<(), StoreError>;

    /// Releases files and threads. Everything afterwards is unavailable.
    fn close(&self);
}

/// A frozen view of an [`Engine`].
pub(crate) trait EngineSnapshot: Send + Sync {
    /// The value of a key.
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError>;

    /// Hands the entries of a range to `each`, in order, until it breaks.
    fn visit(
        &self,
        range: &Range,
        direction: Direction,
        each: &mut Visitor<'_>,
    ) -> Result<(), StoreError>;
}
