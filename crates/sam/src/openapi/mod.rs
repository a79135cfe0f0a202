//! Editing API definitions: Swagger 2 and OpenAPI 3 for REST APIs, OpenAPI 3 for HTTP APIs.

mod authorizer;
mod cors;
mod http;
mod paths;
mod policy;
mod request;
mod rest;
mod security;

pub(crate) use authorizer::Authorizers;
pub(crate) use cors::Cors;
pub(crate) use http::{DEFAULT_PATH, HttpEditor};
pub(crate) use paths::{ANY_METHOD, is_version_3, matches_version, normalized, wildcard};
pub(crate) use request::RequestParameter;
pub(crate) use rest::{LambdaIntegration, RestEditor, StateMachineIntegration};
