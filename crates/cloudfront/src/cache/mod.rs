//! The cache engine: pure decisions about keys, lifetimes and answers, and a bounded store.

pub(crate) mod answer;
pub(crate) mod freshness;
pub(crate) mod key;
pub(crate) mod pattern;
pub(crate) mod store;
