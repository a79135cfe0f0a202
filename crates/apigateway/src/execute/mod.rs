//! The data plane: requests to deployed APIs.
//!
//! [`routing`], the events, the answers and [`mock`] are pure; `invoke` is the way to functions;
//! `http` is the order of things for HTTP APIs, `rest` that for REST APIs.

pub(crate) mod access;
pub(crate) mod access_log;
pub(crate) mod answer;
pub(crate) mod cognito;
pub(crate) mod cors;
mod deployed;
pub(crate) mod event;
pub(crate) mod gateway_response;
pub(crate) mod host;
mod http;
pub(crate) mod incoming;
pub(crate) mod invoke;
pub(crate) mod jwt;
pub(crate) mod lambda_authorizer;
pub(crate) mod log_role;
mod mapping;
pub(crate) mod mock;
mod rest;
mod rest_answer;
mod rest_event;
pub(crate) mod routing;
mod schema;
mod site;
mod validation;

pub use site::Stages;
