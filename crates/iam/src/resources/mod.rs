//! How stacks make IAM's resources: by IAM's operations only.

mod access_key;
mod group;
mod holder;
mod managed_policy;
mod policy;
mod properties;
mod role;
mod user;

use cumulet_service::Resource;

/// Every type.
pub(crate) fn all() -> Vec<&'static dyn Resource> {
    vec![
        &access_key::AccessKey,
        &group::Group,
        &managed_policy::ManagedPolicy,
        &policy::Policy,
        &role::Role,
        &user::User,
    ]
}
