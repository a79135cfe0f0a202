//! The way out of a sandbox, with real programs in real namespaces. Needs user namespaces, Python
//! and Node.js on the machine. Nothing here leaves the machine: what stands for the internet are
//! addresses for documentation that the policy has lead to servers of the test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // tests
#![allow(clippy::format_push_string)] // scripts in pieces

mod clients;
mod denied;
mod hostile;
mod limits;
mod names;
mod relay;
mod rig;
mod udp;
