//! The users that sandboxes have outside, where the platform is root: each sandbox two of its own.

use std::io;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

/// Users outside that sandboxes may get where the platform is root: above those that systemd gives
/// to containers, below the sign bit (systemd.io, "Users, Groups, UIDs and GIDs on systemd").
pub(super) const UIDS: Range<u32> = 0x7000_0000..0x8000_0000;
/// Sandboxes of one platform at a time, each with two users.
const SLOT_LIMIT: u32 = 2048;

/// Which users of `UIDS` are taken, for all launchers of this process.
static SLOTS: Mutex<Slots> = Mutex::new(Slots { free: Vec::new(), used: 0 });

#[derive(Debug)]
struct Slots {
    free: Vec<u32>,
    used: u32,
}

/// One sandbox's number among those of the platform, until it is dropped.
#[derive(Debug)]
pub(super) struct Slot(pub(super) u32);

impl Slot {
    pub(super) fn take() -> io::Result<Self> {
        let mut slots = SLOTS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = slots.free.pop() {
            return Ok(Self(number));
        }
        if slots.used == SLOT_LIMIT {
            return Err(io::Error::new(
                io::ErrorKind::QuotaExceeded,
                format!("{SLOT_LIMIT} sandboxes are running already"),
            ));
        }
        slots.used += 1;
        Ok(Self(slots.used - 1))
    }

    /// The first of its two users. Two platforms of one machine have different ones, unless their
    /// pids are equal modulo 65,536.
    pub(super) fn first_user(&self) -> u32 {
        let platform = std::process::id() % ((UIDS.end - UIDS.start) / (2 * SLOT_LIMIT));
        UIDS.start + platform * 2 * SLOT_LIMIT + self.0 * 2
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        SLOTS.lock().unwrap_or_else(PoisonError::into_inner).free.push(self.0);
    }
}
