//! DynamoDB's expressions as pure functions: parsed and checked once, without the source text and
//! the placeholders afterwards, then asked of any number of items in stored form.
//!
//! The order of checks and the messages are AWS's. Sources: the developer guide ("Using
//! expressions in DynamoDB" and its "Constraints"), and what AWS was observed to answer, as
//! recorded by the tests of dynalite and of dynamodb-conformance.
//!
//! ```
//! use cumulet_attribute::{Item, ItemBuilder};
//! use cumulet_dynamodb::expression::{Condition, Kind, Placeholders, Update};
//!
//! let mut values = ItemBuilder::with_limit(2 << 20);
//! values.name(":one");
//! values.number("1");
//! let values = values.finish().unwrap();
//! let mut placeholders = Placeholders::new(Some([("#n", "count")]), Some(&values)).unwrap();
//! let update =
//!     Update::parse("SET #n = if_not_exists(#n, :one) + :one", &mut placeholders).unwrap();
//! let condition =
//!     Condition::parse(Kind::Condition, "attribute_not_exists(#n)", &mut placeholders).unwrap();
//! placeholders.check_used().unwrap();
//!
//! assert!(condition.holds(None));
//! let item = update.apply(&Item::empty()).unwrap();
//! assert_eq!(format!("{item:?}"), r#"{"count": {N:2}}"#);
//! ```

mod apply;
mod check;
mod condition;
mod condition_syntax;
mod error;
mod eval;
mod key_condition;
mod lexer;
mod path;
mod placeholders;
mod projection;
mod reserved;
mod syntax;
mod update;
mod update_syntax;

#[cfg(test)]
pub(crate) mod tests;

pub use apply::UpdateError;
pub use condition::{Condition, Operand, Test};
pub use condition_syntax::Comparator;
pub(crate) use condition_syntax::{MAX_IN, MAX_OPERATORS};
pub use error::{ExpressionError, Fault, Kind};
pub use key_condition::{KeyCondition, KeyConditionError, KeyQuery, SortCondition};
pub use path::{Path, Step};
pub use placeholders::{Placeholders, check_parameters};
pub use projection::Projection;
pub use update::{Action, Expression, Update};
