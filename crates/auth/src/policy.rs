//! IAM policies: read strictly, compiled once, evaluated fast.
//!
//! [`Document::parse`] takes a policy's text, [`evaluate`] decides a [`Request`] under
//! [`Policies`]. How each element is read stands in a module of its own: `principal`, `pattern`
//! (wildcards and variables), `condition`, `context` (condition keys). The cases in
//! `tests/policy/*.md` are the reference for what is decided how.

mod condition;
mod context;
mod document;
mod error;
mod evaluate;
mod pattern;
mod principal;
mod statement;
mod value;

pub use context::{Context, Keys, Values};
pub use document::{Document, Grammar, MAX_SIZE, MAX_TEXT, size};
pub use error::PolicyError;
pub use evaluate::{Decision, Denial, Layer, Matched, Policies, Request, ResourcePolicy, evaluate};
pub use principal::{Kind, Principal};
