//! What a stack can make of this service.

mod log_group;

pub(crate) use log_group::LogGroup;
