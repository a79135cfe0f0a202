//! The same functions again, each in a sandbox that had waited for one; and what waits itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // tests

#[path = "pooled/alike.rs"]
mod alike;
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
#[path = "functions/python.rs"]
mod python;
#[path = "functions/rig.rs"]
#[allow(dead_code)]
mod rig;
#[path = "pooled/stock.rs"]
mod stock;
#[path = "attacks/users.rs"]
mod users;

const ISOLATED: bool = true;
/// Started ahead.
const POOLED: bool = true;
