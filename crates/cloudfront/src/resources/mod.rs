//! What a stack can make of this service.

mod distribution;
mod policy;
mod properties;

use cumulet_service::Resource;

/// The resource types.
pub(crate) fn all() -> Vec<&'static dyn Resource> {
    let mut all: Vec<&'static dyn Resource> = vec![&distribution::Distribution];
    all.extend(policy::all());
    all
}
