//! DynamoDB Streams: what changed in a table, in order, for 24 hours.
//!
//! A record is written in the transaction of the change that it tells of, under the next sequence
//! number of its stream, so a stream has every change exactly once, in the order of the commits and
//! without a gap. A stream has one open shard at a time, which gives way to a child after four
//! hours or much data. Once it is off, or its table gone, a stream is read on for 24 hours.
//!
//! [`append`] writes, [`trim`] forgets; `ops/` has the four operations of the service that reads.

mod append;
mod change;
mod error;
mod iterator;
mod limit;
mod model;
mod name;
mod switch;
mod trim;

#[cfg(test)]
mod tests;

use cumulet_api_dynamodbstreams::ops::{DescribeStream, GetRecords, GetShardIterator, ListStreams};
use cumulet_base::Arn;
use cumulet_service::{Service, operations};
use cumulet_shape::ServiceMeta;
use cumulet_store::Key;

pub(crate) use append::append;
pub(crate) use change::{Change, Event};
pub(crate) use error::StreamError;
pub(crate) use iterator::ShardIterator;
pub(crate) use limit::limit;
pub(crate) use model::{Head, ShardRecord, StreamInfo, View, number, sequence};
pub(crate) use name::StreamName;
pub(crate) use switch::{close, switch};
pub(crate) use trim::{register, sequence_of};

/// The service `dynamodbstreams`.
#[derive(Debug)]
pub struct Streams;

impl Service for Streams {
    fn meta(&self) -> &'static ServiceMeta {
        &cumulet_api_dynamodbstreams::SERVICE
    }

    /// Every record moves its stream's head; so does a shard that gives way to its child.
    fn feed(&self, arn: &Arn) -> Option<Key> {
        arn.as_str().parse::<StreamName>().ok().map(|name| name.head())
    }

    operations![DescribeStream, GetRecords, GetShardIterator, ListStreams];
}
