//! A frozen view of what is durable.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;

use crate::engine::EngineSnapshot;
use crate::read::PageBuilder;
use crate::{Direction, Page, Range, Read, StoreError};

/// A frozen view of all durable commits. Cheap to take and to clone.
///
/// Holding one keeps the space of what is overwritten meanwhile: take it for a request, not for
/// longer. If the engine has to be reopened after a failed write, it ends with
/// [`StoreError::Unavailable`].
#[derive(Clone)]
pub struct Snapshot(pub(crate) Arc<dyn EngineSnapshot>);

impl Read for Snapshot {
    async fn get(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        self.0.get(key)
    }

    async fn range(
        &self,
        range: &Range,
        direction: Direction,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let mut page = PageBuilder::new(limit);
        self.0.visit(range, direction, &mut |key, value| {
            let full = page.push(Bytes::copy_from_slice(key), Bytes::copy_from_slice(value));
            if full { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        Ok(page.finish(range, direction))
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Snapshot")
    }
}
