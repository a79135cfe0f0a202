//! API Gateway: HTTP APIs, their control plane and the data plane that serves them.
//!
//! `http/` is the control plane of HTTP APIs; `execute/` serves requests to deployed APIs, with
//! routing, events and answers as pure functions. REST APIs answer 501 by name until they are here.

mod access;
mod asked;
mod carry;
mod error;
mod execute;
mod handles;
mod http;
mod store;

#[cfg(test)]
mod tests;

pub use crate::execute::Stages;
pub use crate::http::HttpApis;
