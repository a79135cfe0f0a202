//! How a stack makes this service's resources: one type a file.

mod properties;
pub(crate) mod table;
