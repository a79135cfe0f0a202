//! CloudFormation templates: reading, checking and evaluating them. Pure; no I/O.
//!
//! The value type is `serde_json::Value`, because a template is the user's own document.
//! [`parse`] reads YAML or JSON. Where the document names macros
//! ([`Template::declared_transforms`]), they come next. [`Template::new`] checks the sections,
//! [`parameter_values`] what the caller gave; [`Stack::new`] decides the conditions, and
//! [`Stack::properties`] evaluates one resource against what a [`Context`] knows of the others.

mod cidr;
mod diff;
mod dynamic;
mod error;
mod evaluate;
mod functions;
mod graph;
mod model;
mod parameters;
mod parse;
mod rules;
mod scalar;
mod stack;
mod sub;
mod yaml;

pub use diff::{Action, Change, diff};
pub use dynamic::DynamicReference;
pub use error::Error;
pub use evaluate::{Context, Lookup, Pseudo};
pub use graph::Graph;
pub use model::{Output, Parameter, ParameterType, Resource, Template};
pub use parameters::{Given, parameter_values};
pub use parse::{Limits, parse};
pub use stack::Stack;
