//! How stacks make what Lambda has.

use cumulet_service::Resource;

/// Every resource type of this service.
pub(crate) fn all() -> Vec<&'static dyn Resource> {
    Vec::new()
}
