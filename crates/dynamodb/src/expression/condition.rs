//! Conditions and filters: checked, without placeholders, and ready to be asked about any item.

use cumulet_attribute::{Item, MapRef, Type, Value};

use super::check;
use super::condition_syntax::{self, Comparator};
use super::error::{ExpressionError, Kind};
use super::eval;
use super::path::Path;
use super::placeholders::Placeholders;

/// A ConditionExpression or FilterExpression.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    pub(super) test: Test,
}

/// What is asked of an item.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// OR.
    Any(Vec<Test>),
    /// AND.
    All(Vec<Test>),
    /// NOT.
    Not(Box<Test>),
    /// A comparator between two operands.
    Compare(Comparator, Operand, Operand),
    /// BETWEEN: operand, lower bound, upper bound.
    Between(Operand, Operand, Operand),
    /// IN.
    In(Operand, Vec<Operand>),
    /// attribute_exists.
    Exists(Path),
    /// attribute_not_exists.
    NotExists(Path),
    /// attribute_type.
    HasType(Operand, Type),
    /// begins_with.
    BeginsWith(Operand, Operand),
    /// contains.
    Contains(Operand, Operand),
}

/// What a test is about.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    /// What a path of the item leads to.
    Path(Path),
    /// A value of the request.
    Value(Value),
    /// The size of an operand.
    Size(Box<Operand>),
}

impl Condition {
    /// Compiles a condition (of the kind that messages name), noting the placeholders it uses.
    pub fn parse(
        kind: Kind,
        source: &str,
        placeholders: &mut Placeholders<'_>,
    ) -> Result<Self, ExpressionError> {
        condition_syntax::parse(source)
            .and_then(|syntax| check::compile(&syntax, placeholders))
            .map(|test| Self { test })
            .map_err(|fault| ExpressionError::Invalid(kind, fault))
    }

    /// From tests that were built otherwise: the conditions that came before expressions.
    pub fn from_test(test: Test) -> Self {
        Self { test }
    }

    /// Whether an item meets it; `None` is the item that is not there.
    pub fn holds(&self, item: Option<&Item>) -> bool {
        let empty = Item::empty();
        self.holds_for(item.unwrap_or(&empty).attributes())
    }

    /// Whether attributes meet it.
    pub fn holds_for(&self, attributes: MapRef<'_>) -> bool {
        eval::holds(&self.test, attributes)
    }

    /// The paths it names, in order.
    pub fn paths(&self) -> Vec<&Path> {
        self.test.paths()
    }
}

impl Test {
    /// The paths it names, in order.
    pub(crate) fn paths(&self) -> Vec<&Path> {
        let mut paths = Vec::new();
        self.visit_paths(&mut |path| paths.push(path));
        paths
    }

    fn visit_paths<'t>(&'t self, visit: &mut dyn FnMut(&'t Path)) {
        match self {
            Self::Any(tests) | Self::All(tests) => {
                for test in tests {
                    test.visit_paths(visit);
                }
            }
            Self::Not(test) => test.visit_paths(visit),
            Self::Exists(path) | Self::NotExists(path) => visit(path),
            Self::HasType(operand, _) => operand.visit_paths(visit),
            Self::Compare(_, left, right)
            | Self::BeginsWith(left, right)
            | Self::Contains(left, right) => {
                left.visit_paths(visit);
                right.visit_paths(visit);
            }
            Self::Between(operand, lower, upper) => {
                for one in [operand, lower, upper] {
                    one.visit_paths(visit);
                }
            }
            Self::In(operand, operands) => {
                operand.visit_paths(visit);
                for one in operands {
                    one.visit_paths(visit);
                }
            }
        }
    }
}

impl Operand {
    fn visit_paths<'t>(&'t self, visit: &mut dyn FnMut(&'t Path)) {
        match self {
            Self::Path(path) => visit(path),
            Self::Value(_) => {}
            Self::Size(operand) => operand.visit_paths(visit),
        }
    }
}
