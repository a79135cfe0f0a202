//! Failing on purpose, for tests: what a broken disk does to a commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// A handle with which a test makes the engine fail. Cloned handles act as one; by default
/// nothing fails.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Plan>);

#[derive(Debug, Default)]
struct Plan {
    before_write: AtomicU32,
    after_write: AtomicU32,
    dead: AtomicBool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    BeforeWrite,
    AfterWrite,
}

impl Faults {
    /// The next `groups` groups fail before a byte of them is written.
    pub fn fail_writes(&self, groups: u32) {
        self.0.before_write.store(groups, Ordering::SeqCst);
    }

    /// The next `groups` groups are written, then their fsync is reported as failed.
    pub fn fail_syncs(&self, groups: u32) {
        self.0.after_write.store(groups, Ordering::SeqCst);
    }

    /// While set, recovery from a failed write or fsync fails too.
    pub fn kill_disk(&self, dead: bool) {
        self.0.dead.store(dead, Ordering::SeqCst);
    }

    pub(crate) fn next(&self) -> Option<Fault> {
        let take = |left: &AtomicU32| {
            left.try_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok()
        };
        if take(&self.0.before_write) {
            Some(Fault::BeforeWrite)
        } else if take(&self.0.after_write) {
            Some(Fault::AfterWrite)
        } else {
            None
        }
    }

    pub(crate) fn disk_is_dead(&self) -> bool {
        self.0.dead.load(Ordering::SeqCst)
    }
}
