//! The data plane: requests to deployed APIs.
//!
//! [`routing`], [`event`] and [`answer`] are pure; `invoke` is the way to functions; `http` is the
//! order of things for HTTP APIs.

pub(crate) mod access_log;
pub(crate) mod answer;
pub(crate) mod cors;
pub(crate) mod event;
pub(crate) mod host;
mod http;
pub(crate) mod incoming;
pub(crate) mod invoke;
pub(crate) mod jwt;
pub(crate) mod routing;
mod site;

pub use site::Stages;
