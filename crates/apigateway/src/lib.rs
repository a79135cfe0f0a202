//! API Gateway: HTTP and REST APIs, their control planes and the data plane that serves them.
//!
//! `http/` is the control plane of HTTP APIs, `rest/` that of REST APIs; `execute/` serves requests
//! to deployed APIs, with routing, events and answers as pure functions.

mod access;
mod asked;
mod carry;
mod error;
mod execute;
mod handles;
mod http;
mod rest;
mod store;

#[cfg(test)]
mod tests;

pub use crate::execute::Stages;
pub use crate::http::HttpApis;
pub use crate::rest::RestApis;
