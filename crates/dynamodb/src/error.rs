//! What DynamoDB refuses, in its words.

use std::fmt;

use cumulet_api_dynamodb::errors::{
    ConditionalCheckFailedException, DuplicateItemException, IdempotentParameterMismatchException,
    ItemCollectionSizeLimitExceededException, LimitExceededException, PolicyNotFoundException,
    ResourceInUseException, ResourceNotFoundException, TableNotFoundException,
    TransactionCanceledException, TransactionConflictException,
};
use cumulet_api_dynamodb::types::CancellationReason;
use cumulet_attribute::{Item, ValueError};
use cumulet_service as service;

use crate::expression::{ExpressionError, KeyConditionError, UpdateError};
use crate::key::KeyError;

/// The service's errors. Messages are AWS's; sources in ../facts and beside the checks.
#[derive(Debug, Clone, PartialEq)]
pub enum Error {
    /// A rule that is checked in one place, which has the text.
    Validation(String),
    /// "One or more parameter values were invalid: " and this.
    Parameter(String),
    /// A value of an item or key.
    Value(ValueError),
    /// A key that does not fit.
    Key(KeyError),
    /// An expression.
    Expression(ExpressionError),
    /// A key condition.
    KeyCondition(KeyConditionError),
    /// An update that cannot be done to the item.
    Update(UpdateError),
    /// An update that makes an index key of another type.
    IndexKeyUpdate,
    /// The data plane's: no such table, or not ready.
    TableNotFound,
    /// The control plane's: no such table of this name.
    NoTable(String),
    /// The same, as operations on backups have it.
    NoTableForBackups(String),
    /// UpdateTable for an index that is not there: its name.
    NoIndex(String),
    /// A tagged resource that is not there: its ARN.
    NoResource(String),
    /// A change of a table that is being changed: its name.
    TableUpdating(String),
    /// A table without a policy, or with another than is expected.
    NoPolicy,
    /// CreateTable for a table that is there.
    TableExists(String),
    /// A table's name of a wrong length.
    TableNameLength,
    /// A table's name with other characters.
    TableNamePattern(String),
    /// A `TableName` that begins as an ARN and is none of a table.
    InvalidTableArn,
    /// The table is protected against deletion.
    DeletionProtected,
    /// Too many of something; the whole text.
    Limit(String),
    /// The condition does not hold; the item, where the caller wants it.
    ConditionFailed(Option<Item>),
    /// PartiQL's INSERT of an item whose key another has.
    DuplicateItem,
    /// Actions of a transaction failed: what is wrong with each of them, in order.
    TransactionCanceled(Vec<Option<Self>>),
    /// A transaction's token was used for another one.
    TokenMismatch,
    /// Others kept changing the items of a transaction.
    TransactionConflict,
    /// The item's collection would be over its limit.
    CollectionTooLarge,
    /// CreateTable for the name of a table that is being restored.
    TableRestoring(String),
    /// DeleteTable for a table that is being restored.
    TableCreating(String),
}

impl Error {
    /// Of UpdateTable.
    pub(crate) fn one_online_index() -> Self {
        Self::Limit(
            "Subscriber limit exceeded: Only 1 online index can be created or deleted \
             simultaneously per table"
                .to_owned(),
        )
    }

    /// Of a batch.
    pub(crate) fn duplicate_keys() -> Self {
        Self::Validation("Provided list of item keys contains duplicates".to_owned())
    }

    /// Of a transaction.
    pub(crate) fn one_item_twice() -> Self {
        let text = "Transaction request cannot include multiple operations on one item";
        Self::Validation(text.to_owned())
    }

    /// Of a transaction; AWS's own text is not documented.
    pub(crate) fn transaction_too_large() -> Self {
        Self::Validation(
            "The aggregate size of the items in the transaction exceeds 4 MB".to_owned(),
        )
    }

    /// (Message: dynalite's record.)
    pub(crate) fn too_many_tables() -> Self {
        Self::Limit(
            "Subscriber limit exceeded: There is a limit of 2500 tables per subscriber".into(),
        )
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Validation(text) | Self::Limit(text) => f.write_str(text),
            Self::Parameter(text) => {
                write!(f, "One or more parameter values were invalid: {text}")
            }
            Self::Value(error) => error.fmt(f),
            Self::Key(error) => error.fmt(f),
            Self::Expression(error) => error.fmt(f),
            Self::KeyCondition(error) => error.fmt(f),
            Self::Update(error) => error.fmt(f),
            Self::IndexKeyUpdate => f.write_str(
                "The update expression attempted to update the secondary index key to unsupported \
                 type",
            ),
            Self::TableNotFound => f.write_str("Requested resource not found"),
            Self::NoTable(name) => {
                write!(f, "Requested resource not found: Table: {name} not found")
            }
            Self::NoTableForBackups(name) => write!(f, "Table not found: {name}"),
            Self::NoIndex(name) => {
                write!(f, "Requested resource not found: Index: {name} not found")
            }
            // "ResourcArn": so AWS writes it.
            Self::NoResource(arn) => {
                write!(f, "Requested resource not found: ResourcArn: {arn} not found")
            }
            // AWS's text is not known.
            Self::NoPolicy => {
                f.write_str("Resource-based policy not found for the provided ResourceArn")
            }
            Self::TableUpdating(name) => in_use(f, "updated", name),
            Self::TableExists(name) => write!(f, "Table already exists: {name}"),
            Self::TableNameLength => f.write_str(
                "TableName must be at least 3 characters long and at most 255 characters long",
            ),
            Self::TableNamePattern(name) => write!(
                f,
                "1 validation error detected: Value '{name}' at 'tableName' failed to satisfy \
                 constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
            ),
            Self::InvalidTableArn => f.write_str("Invalid table ARN"),
            Self::DeletionProtected => f.write_str(
                "Resource cannot be deleted as it is currently protected against deletion. \
                 Disable deletion protection first.",
            ),
            Self::ConditionFailed(_) => f.write_str("The conditional request failed"),
            Self::DuplicateItem => f.write_str("Duplicate primary key exists in table"),
            Self::TransactionCanceled(faults) => {
                let codes: Vec<_> =
                    faults.iter().map(|fault| reason_code(fault.as_ref())).collect();
                write!(
                    f,
                    "Transaction cancelled, please refer cancellation reasons for specific reasons \
                     [{}]",
                    codes.join(", ")
                )
            }
            Self::TokenMismatch => f.write_str(
                "Transaction with the same client request token was already processed with \
                 different parameters",
            ),
            Self::TransactionConflict => f.write_str("Transaction is ongoing for the item"),
            // The developer guide's words ("Error handling with DynamoDB").
            Self::CollectionTooLarge => f.write_str("Collection size exceeded."),
            Self::TableRestoring(name) => write!(f, "Table is being used: {name}"),
            Self::TableCreating(name) => in_use(f, "created", name),
        }
    }
}

fn in_use(f: &mut fmt::Formatter<'_>, how: &str, name: &str) -> fmt::Result {
    write!(f, "Attempt to change a resource which is still in use: Table is being {how}: {name}")
}

impl std::error::Error for Error {}

fn reason_code(fault: Option<&Error>) -> &'static str {
    match fault {
        None => "None",
        Some(Error::ConditionFailed(_)) => "ConditionalCheckFailed",
        Some(Error::DuplicateItem) => "DuplicateItem",
        Some(Error::TransactionConflict) => "TransactionConflict",
        Some(Error::CollectionTooLarge) => "ItemCollectionSizeLimitExceeded",
        Some(_) => "ValidationError",
    }
}

fn reason(fault: Option<Error>) -> CancellationReason {
    let code = Some(reason_code(fault.as_ref()).to_owned());
    let message = fault.as_ref().map(ToString::to_string);
    let item = match fault {
        Some(Error::ConditionFailed(item)) => item.map(Into::into),
        _ => None,
    };
    CancellationReason { item, code, message }
}

impl From<Error> for service::Error {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::TableNotFound | Error::NoTable(_) | Error::NoIndex(_) | Error::NoResource(_) => {
                Self::modeled::<ResourceNotFoundException>(message)
            }
            Error::NoTableForBackups(_) => Self::modeled::<TableNotFoundException>(message),
            Error::NoPolicy => Self::modeled::<PolicyNotFoundException>(message),
            Error::TableExists(_)
            | Error::TableUpdating(_)
            | Error::TableRestoring(_)
            | Error::TableCreating(_) => Self::modeled::<ResourceInUseException>(message),
            Error::TransactionConflict => Self::modeled::<TransactionConflictException>(message),
            Error::CollectionTooLarge => {
                Self::modeled::<ItemCollectionSizeLimitExceededException>(message)
            }
            Error::Limit(_) => Self::modeled::<LimitExceededException>(message),
            Error::ConditionFailed(item) => {
                let item = item.map(Into::into);
                let exception = ConditionalCheckFailedException { item, ..Default::default() };
                Self::detailed(message, exception)
            }
            Error::TransactionCanceled(faults) => {
                let reasons = faults.into_iter().map(reason).collect();
                let exception = TransactionCanceledException {
                    cancellation_reasons: Some(reasons),
                    ..Default::default()
                };
                Self::detailed(message, exception)
            }
            Error::DuplicateItem => Self::modeled::<DuplicateItemException>(message),
            Error::TokenMismatch => Self::modeled::<IdempotentParameterMismatchException>(message),
            _ => Self::validation(message),
        }
    }
}

macro_rules! from {
    ($($variant:ident($source:ty)),*) => {
        $(impl From<$source> for Error {
            fn from(error: $source) -> Self {
                Self::$variant(error)
            }
        })*
    };
}

from!(
    Value(ValueError),
    Key(KeyError),
    Expression(ExpressionError),
    KeyCondition(KeyConditionError),
    Update(UpdateError)
);
