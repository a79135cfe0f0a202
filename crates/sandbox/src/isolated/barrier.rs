//! The barriers that can be left out one by one, so that a test can show that each of them holds
//! something back.

/// One barrier between a function and the machine.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Barrier {
    /// A user of its own, and no capabilities.
    Privileges = 1,
    /// Files by path.
    Landlock = 2,
    /// System calls.
    Seccomp = 4,
    /// A list of mounts that shows none.
    MountList = 8,
    /// Processes that are stopped between invocations.
    Freezer = 16,
}

/// Which barriers are left out. None, but in tests.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Barriers(u64);

impl Barriers {
    pub(super) fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    pub(super) fn bits(self) -> u64 {
        self.0
    }

    pub(super) fn leave_out(&mut self, barrier: Barrier) {
        self.0 |= barrier as u64;
    }

    pub(super) fn keeps(self, barrier: Barrier) -> bool {
        self.0 & barrier as u64 == 0
    }
}
