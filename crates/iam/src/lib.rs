//! IAM: who there is in an account, what they may do, and the decision of every request.
//!
//! - [`AccessKeys`] finds whom an access key belongs to, [`Permissions`] decides what he may; both
//!   answer from memory, which every commit to IAM's records empties.
//! - `ops` are IAM's operations, `resources` what stacks make of them.
//! - `model` and `store` say what is kept and under which keys, `managed` has AWS's own policies.

mod access_keys;
mod cache;
mod conditions;
mod managed;
mod model;
mod permissions;
mod root_key;
mod store;

pub use access_keys::AccessKeys;
pub use permissions::Permissions;
pub use root_key::{RootKey, RootKeyError};
