//! PartiQL for DynamoDB: a statement is read once, with its parameters in their places, into the
//! same conditions, updates and projections that expressions compile to.
//!
//! `lexer`, `parser`, `conditions` and `updates` know the language and no table; `keys` finds in a
//! condition what a table or an index can look up.
//!
//! Sources: the developer guide, "PartiQL - a SQL-compatible query language for Amazon DynamoDB";
//! the texts of errors are those that DynamoDB Local has. Where it could not be learnt which of
//! them AWS gives, the nearest is given. AWS reserves all of PartiQL's keywords; here only those
//! are reserved that these statements have.

mod conditions;
mod keys;
mod lexer;
mod parser;
mod syntax;
#[cfg(test)]
mod tests;
mod updates;
mod values;

pub(crate) use keys::{Lookup, lookup, whole_key};
pub(crate) use syntax::{Select, Selected, Statement, Target};

use cumulet_attribute::Value;

use crate::error::Error;

/// What is said of EXISTS anywhere else.
pub(crate) const EXISTS_ALONE: &str =
    "EXISTS can only be used in ExecuteTransaction write requests.";

type Result<T> = std::result::Result<T, Error>;

/// Reads a statement, of at most 8 KB, with a value for each `?`.
pub(crate) fn parse(text: &str, parameters: &[Value]) -> Result<Statement> {
    let mut parser = parser::Parser::new(text, parameters)?;
    let statement = parser.statement()?;
    parser.finish()?;
    Ok(statement)
}

/// A statement that is not PartiQL.
fn malformed(what: &str) -> Error {
    Error::Validation(format!("Statement wasn't well formed, can't be processed: {what}"))
}

/// A statement that is PartiQL and more than DynamoDB takes.
fn refused(text: impl Into<String>) -> Error {
    Error::Validation(text.into())
}
