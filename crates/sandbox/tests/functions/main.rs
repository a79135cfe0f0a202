//! Real functions in real interpreters. Needs Node.js and Python on the machine, and says so.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // tests

mod errors;
mod hostile;
mod limits;
mod logs;
mod node;
mod pool;
mod python;
mod rig;

/// Ordinary processes; `tests/isolated.rs` runs the same in sandboxes.
const ISOLATED: bool = false;
/// Started for their function, not ahead.
const POOLED: bool = false;
