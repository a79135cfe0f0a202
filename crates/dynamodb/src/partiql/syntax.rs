//! What statements say, without the text they were written in.

use cumulet_api_dynamodb::types::ReturnValue;
use cumulet_attribute::Item;

use crate::expression::{Path, Test, Update};

/// A table or one of its indexes, as a statement names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// A name or an ARN.
    pub(crate) table: String,
    pub(crate) index: Option<String>,
}

/// One statement.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Statement {
    /// Items are read.
    Select(Select),
    /// An item is stored, unless one has its key; whether that is then an error.
    Insert { target: Target, item: Item, lenient: bool },
    /// The item with a key is changed, if it is there and meets the condition.
    Update { target: Target, update: Update, condition: Test, returning: Option<ReturnValue> },
    /// The item with a key is removed if it meets the condition.
    Delete { target: Target, condition: Test, returning: Option<ReturnValue> },
    /// A transaction goes on only if a read finds its item.
    Exists(Select),
}

/// SELECT.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Select {
    pub(crate) target: Target,
    /// What of the items is returned; `None`: `*`.
    pub(crate) selected: Option<Vec<Selected>>,
    pub(crate) condition: Option<Test>,
    pub(crate) order: Vec<Ordering>,
}

/// A part of an item, and under which name it is returned.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Selected {
    pub(crate) path: Path,
    pub(crate) name: String,
}

/// An attribute of ORDER BY.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ordering {
    pub(crate) name: String,
    pub(crate) descending: bool,
}

impl Statement {
    /// What it is done to.
    pub(crate) fn target(&self) -> &Target {
        match self {
            Self::Select(select) | Self::Exists(select) => &select.target,
            Self::Insert { target, .. }
            | Self::Update { target, .. }
            | Self::Delete { target, .. } => target,
        }
    }

    /// The IAM action that it needs ("IAM security policies with PartiQL for DynamoDB").
    pub(crate) fn action(&self) -> &'static str {
        match self {
            Self::Select(_) | Self::Exists(_) => "dynamodb:PartiQLSelect",
            Self::Insert { .. } => "dynamodb:PartiQLInsert",
            Self::Update { .. } => "dynamodb:PartiQLUpdate",
            Self::Delete { .. } => "dynamodb:PartiQLDelete",
        }
    }

    /// What RETURNING asks for.
    pub(crate) fn returning(&self) -> Option<ReturnValue> {
        match self {
            Self::Update { returning, .. } | Self::Delete { returning, .. } => *returning,
            Self::Select(_) | Self::Insert { .. } | Self::Exists(_) => None,
        }
    }

    /// Whether it is a read whose items are the answer.
    pub(crate) fn is_read(&self) -> bool {
        matches!(self, Self::Select(_))
    }
}
