//! What a stack can make of this service.

mod parameter;

pub(crate) use parameter::Parameter;
