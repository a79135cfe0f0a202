//! What a stack can make of this service.

use cumulet_service::Resource;

/// The resource types.
pub(crate) fn all() -> Vec<&'static dyn Resource> {
    Vec::new()
}
