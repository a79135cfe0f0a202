//! Configurations: read from their documents, checked, and compiled for serving.

pub(crate) mod check;
pub(crate) mod compile;
pub(crate) mod managed;
pub(crate) mod rules;
