//! S3: buckets, objects and their versions, uploads in parts, websites.
//!
//! - `ops` are the operations, `resources` what stacks make of them, [`Websites`] serves buckets as
//!   sites.
//! - `model` and `store` say what is kept and under which keys; `versions` and `multipart` write
//!   it, within transactions.
//! - `receive` and `send` move bytes: small ones lie in the store, larger ones in files. `garbage`
//!   deletes files that nothing names, after a crash too.
//! - `access`, `policy` and `cors` decide who may; `conditions`, `range`, `listing`, `checksum`,
//!   `names` and `tags` are rules of their own.

mod access;
mod asked;
mod checksum;
mod conditions;
mod cors;
mod error;
mod fetch;
mod garbage;
mod listing;
mod model;
mod multipart;
mod names;
mod object;
mod ops;
mod policy;
mod range;
mod receive;
mod resources;
mod send;
mod service;
mod site;
mod store;
mod tags;
mod versions;
mod website;

#[cfg(test)]
mod tests;

pub use service::S3;
pub use site::Websites;
