//! What DynamoDB Streams refuses, in its words.

use std::fmt;

use cumulet_api_dynamodbstreams::errors::{
    ExpiredIteratorException, ResourceNotFoundException, TrimmedDataAccessException,
};
use cumulet_service as service;

/// The service's errors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StreamError {
    /// No such stream: its ARN.
    NoStream(String),
    /// No such shard in the stream.
    NoShard,
    /// A text that is no ARN of a stream.
    InvalidArn,
    /// A text that GetShardIterator never gave.
    InvalidIterator,
    /// "One or more parameter values were invalid: " and this.
    Parameter(String),
    /// An iterator that is older than 15 minutes.
    Expired,
    /// A record that is older than 24 hours.
    Trimmed,
}

impl fmt::Display for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoStream(arn) => {
                write!(f, "Requested resource not found: Stream: {arn} not found")
            }
            Self::NoShard => f.write_str("Requested resource not found: Shard does not exist"),
            Self::InvalidArn => f.write_str("Invalid StreamArn"),
            Self::InvalidIterator => f.write_str("Invalid ShardIterator"),
            Self::Parameter(text) => {
                write!(f, "One or more parameter values were invalid: {text}")
            }
            Self::Expired => f.write_str("Shard iterator has expired"),
            Self::Trimmed => f.write_str("The data you are trying to access has been trimmed"),
        }
    }
}

impl std::error::Error for StreamError {}

impl From<StreamError> for service::Error {
    fn from(error: StreamError) -> Self {
        let message = error.to_string();
        match error {
            StreamError::NoStream(_) | StreamError::NoShard => {
                Self::modeled::<ResourceNotFoundException>(message)
            }
            StreamError::Expired => Self::modeled::<ExpiredIteratorException>(message),
            StreamError::Trimmed => Self::modeled::<TrimmedDataAccessException>(message),
            StreamError::InvalidArn | StreamError::InvalidIterator | StreamError::Parameter(_) => {
                Self::validation(message)
            }
        }
    }
}
