//! Shard iterators: a place in a shard, for 15 minutes.
//!
//! An iterator is its stream's ARN, then the place, sealed: who may read a stream cannot make one
//! up, and cannot carry one over to another stream.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use cumulet_base::Timestamp;
use cumulet_service::{Cx, Error as ServiceError, Result};

use super::{StreamError, StreamName};

const PURPOSE: &str = "dynamodb/shard-iterator";
/// How long an iterator is valid.
const VALID: Duration = Duration::from_secs(15 * 60);

/// A place in a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ShardIterator {
    pub(crate) stream: StreamName,
    pub(crate) shard: u64,
    /// The sequence number of the next record.
    pub(crate) position: u64,
}

impl ShardIterator {
    /// As clients get it.
    pub(crate) fn issue(&self, cx: &Cx) -> Result<String> {
        let arn = self.stream.to_string();
        let issued = cx.now().millis().to_be_bytes();
        let place = [issued, self.shard.to_be_bytes(), self.position.to_be_bytes()].concat();
        let sealed = cx.sealer().seal(PURPOSE, arn.as_bytes(), &place);
        let sealed = sealed.map_err(|why| ServiceError::internal(why.to_string()))?;
        Ok(format!("{arn}|1|{}", BASE64_STANDARD.encode(sealed)))
    }

    /// The stream that an iterator says to be of.
    pub(crate) fn stream(text: &str) -> std::result::Result<StreamName, StreamError> {
        let (arn, _) = split(text)?;
        arn.parse().map_err(|_| StreamError::InvalidIterator)
    }

    /// The place. Refuses what was not issued here, and what is older than 15 minutes.
    pub(crate) fn open(cx: &Cx, text: &str) -> std::result::Result<Self, StreamError> {
        let stream = Self::stream(text)?;
        let (arn, sealed) = split(text)?;
        let sealed = BASE64_STANDARD.decode(sealed).map_err(|_| StreamError::InvalidIterator)?;
        let place = cx.sealer().open_sealed(PURPOSE, arn.as_bytes(), &sealed);
        let place = place.map_err(|_| StreamError::InvalidIterator)?;
        let (numbers, rest) = place.as_chunks::<8>();
        let ([issued, shard, position], []) = (numbers, rest) else {
            return Err(StreamError::InvalidIterator);
        };
        let issued = Timestamp::from_millis(i64::from_be_bytes(*issued));
        if cx.now().since(issued) > VALID {
            return Err(StreamError::Expired);
        }
        let (shard, position) = (u64::from_be_bytes(*shard), u64::from_be_bytes(*position));
        Ok(Self { stream, shard, position })
    }
}

fn split(text: &str) -> std::result::Result<(&str, &str), StreamError> {
    text.split_once("|1|").ok_or(StreamError::InvalidIterator)
}
