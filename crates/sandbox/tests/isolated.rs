//! The same functions as in `functions`, each in a sandbox.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // tests

#[path = "functions/egress.rs"]
mod egress;
#[path = "functions/errors.rs"]
mod errors;
#[path = "functions/hostile.rs"]
mod hostile;
#[path = "functions/limits.rs"]
mod limits;
#[path = "functions/logs.rs"]
mod logs;
#[path = "functions/node.rs"]
mod node;
#[path = "functions/pool.rs"]
mod pool;
#[path = "functions/python.rs"]
mod python;
#[path = "functions/rig.rs"]
mod rig;
#[path = "functions/sandboxes.rs"]
mod sandboxes;
#[path = "attacks/users.rs"]
mod users;

const ISOLATED: bool = true;
/// Started for their function, not ahead.
const POOLED: bool = false;
