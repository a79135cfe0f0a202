//! Event source mappings: functions that are run with what a stream holds.
//!
//! `settings` reads what requests ask for. A mapping that is enabled has a keeper (`poll`), which
//! runs its lanes: `lane` reads the stream (`read`, `source`) and runs the function, `batch`
//! decides what is one batch and what becomes of it. How far a lane is, is stored with every batch,
//! so that nothing is lost when the process dies, and nothing begins anew.
//!
//! A stream's records come in order. With a `ParallelizationFactor` there are as many lanes: each
//! reads the whole stream for itself and keeps to the items whose key falls to it, so that the
//! order of each item is kept, and one that fails holds up no other lane.

pub(crate) mod access;
mod batch;
mod describe;
mod discard;
mod lane;
pub(crate) mod model;
mod poll;
mod read;
pub(crate) mod settings;
mod source;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub(crate) use describe::{Progress, describe};
pub(crate) use model::{MappingRecord, Start};
pub(crate) use poll::start;
pub(crate) use source::check as check_source;
pub(crate) use store::MappingName;
