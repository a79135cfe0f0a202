//! AWS's wire formats: the one crate that knows them. Pure, no I/O.

pub mod json;
mod time;
