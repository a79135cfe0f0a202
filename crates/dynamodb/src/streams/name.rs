//! A stream's name, which is its ARN, and where its things lie in the store.
//!
//! | key: `dynamodb`, account, region, and | value |
//! |---|---|
//! | `stream`, table name, label | [`StreamInfo`](super::StreamInfo) |
//! | `stream-head`, table name, label | [`Head`](super::Head): what every write reads and moves |
//! | `stream-shard`, table name, label, shard | [`ShardRecord`](super::ShardRecord) |
//! | `stream-change`, table name, label, sequence number | [`Change`](super::Change) |

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest::{SHA256, digest};
use cumulet_base::{AccountId, Arn, Region, Timestamp};
use cumulet_service::{Access, Cx, Result as ServiceResult};
use cumulet_store::{Component, Key, Read as _, Snapshot};

use super::{StreamError, StreamInfo};
use crate::describe::stream_label;
use crate::store;

const SHARD: &str = "shardId-";

/// Names a stream. A table has several in the course of time, told apart by their labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StreamName {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) table: String,
    /// When it was switched on; milliseconds since the epoch.
    pub(crate) label: i64,
}

impl StreamName {
    /// What the keys of `StreamInfo` of an account's streams in a region begin with.
    pub(crate) fn all(account: &AccountId, region: &Region) -> Key {
        store::data(account, region).text("stream")
    }

    /// The stream that a key belongs to, whatever lies there.
    pub(crate) fn of_key(key: &[u8]) -> Option<Self> {
        let (parts, _) = Key::leading(key, 6)?;
        let text = |at: usize| parts.get(at).and_then(Component::as_text);
        Some(Self {
            account: text(1)?.parse().ok()?,
            region: text(2)?.parse().ok()?,
            table: text(4)?.to_owned(),
            label: parts.get(5).and_then(Component::as_u64).and_then(|n| i64::try_from(n).ok())?,
        })
    }

    pub(crate) fn arn(&self) -> Arn {
        let resource = format!("table/{}/stream/{}", self.table, stream_label(self.label));
        Arn::new("dynamodb", &self.region, &self.account, &resource)
    }

    /// Leave for `action` on the stream.
    pub(crate) fn access(&self, cx: &Cx, action: &'static str) -> Access {
        let mut access = Access::on(cx, action, self.arn());
        access.owner = self.account.clone();
        access
    }

    /// The stream, on or off. Refuses one that is not there.
    pub(crate) async fn find(&self, snapshot: &Snapshot) -> ServiceResult<StreamInfo> {
        let info = snapshot.get_record(&self.info()).await?;
        info.ok_or_else(|| StreamError::NoStream(self.to_string()).into())
    }

    /// What the keys of a kind of the stream's things begin with.
    pub(crate) fn key(&self, kind: &str) -> Key {
        let label = u64::try_from(self.label).unwrap_or(0);
        store::data(&self.account, &self.region).text(kind).text(&self.table).u64(label)
    }

    pub(crate) fn info(&self) -> Key {
        self.key("stream")
    }

    pub(crate) fn head(&self) -> Key {
        self.key("stream-head")
    }

    pub(crate) fn shards(&self) -> Key {
        self.key("stream-shard")
    }

    pub(crate) fn shard(&self, shard: u64) -> Key {
        self.shards().u64(shard)
    }

    pub(crate) fn changes(&self) -> Key {
        self.key("stream-change")
    }

    pub(crate) fn change(&self, sequence: u64) -> Key {
        self.changes().u64(sequence)
    }

    /// A shard's id: its number, and eight digits that no other stream's shard of that number has.
    pub(crate) fn shard_id(&self, shard: u64) -> String {
        format!("{SHARD}{shard:020}-{}", &self.fingerprint(shard, 4))
    }

    /// The number of the shard of that id.
    pub(crate) fn shard_number(&self, id: &str) -> Option<u64> {
        let number = id.strip_prefix(SHARD)?.split('-').next()?.parse().ok()?;
        (self.shard_id(number) == id).then_some(number)
    }

    /// The `eventID` of the record with that sequence number: the same whenever it is read.
    pub(crate) fn event_id(&self, sequence: u64) -> String {
        self.fingerprint(sequence, 16)
    }

    fn fingerprint(&self, number: u64, bytes: usize) -> String {
        let hash = digest(&SHA256, format!("{} {number}", self.arn()).as_bytes());
        hash.as_ref().iter().take(bytes).map(|byte| format!("{byte:02x}")).collect()
    }
}

impl FromStr for StreamName {
    type Err = StreamError;

    fn from_str(text: &str) -> Result<Self, StreamError> {
        let arn: Arn = text.parse().map_err(|_| StreamError::InvalidArn)?;
        let resource = arn.resource().strip_prefix("table/").ok_or(StreamError::InvalidArn)?;
        let (table, label) = resource.split_once("/stream/").ok_or(StreamError::InvalidArn)?;
        let name = Self {
            account: arn.account().parse().map_err(|_| StreamError::InvalidArn)?,
            region: arn.region().parse().map_err(|_| StreamError::InvalidArn)?,
            table: table.to_owned(),
            label: moment(label).ok_or(StreamError::InvalidArn)?.millis(),
        };
        // One name a stream: no other spelling of the same moment.
        if name.arn().as_str() == text { Ok(name) } else { Err(StreamError::InvalidArn) }
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.arn().fmt(f)
    }
}

/// Reads `2015-05-20T20:51:10.252`.
fn moment(label: &str) -> Option<Timestamp> {
    let (date, time) = label.split_once('T')?;
    let mut date = date.splitn(3, '-');
    let (year, month, day) = (date.next()?, date.next()?, date.next()?);
    let (time, millis) = time.split_once('.')?;
    let mut time = time.splitn(3, ':');
    let (hour, minute, second) = (time.next()?, time.next()?, time.next()?);
    Timestamp::from_civil(
        year.parse().ok()?,
        month.parse().ok()?,
        day.parse().ok()?,
        (hour.parse().ok()?, minute.parse().ok()?, second.parse().ok()?),
        millis.parse().ok()?,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name() -> StreamName {
        StreamName {
            account: "123456789012".parse().unwrap(),
            region: "eu-central-1".parse().unwrap(),
            table: "things".to_owned(),
            label: 1_432_155_070_252,
        }
    }

    #[test]
    fn arns_are_names_and_back() {
        let arn = "arn:aws:dynamodb:eu-central-1:123456789012:table/things/stream/\
                   2015-05-20T20:51:10.252";
        assert_eq!(name().arn().as_str(), arn);
        assert_eq!(arn.parse(), Ok(name()));
        for wrong in [
            "things",
            "arn:aws:dynamodb:eu-central-1:123456789012:table/things",
            "arn:aws:dynamodb:eu-central-1:123456789012:table/things/stream/now",
            "arn:aws:dynamodb:eu-central-1:123456789012:table/things/stream/2015-05-20T20:51:10",
            "arn:aws:dynamodb:eu-central-1:123456789012:table/t/stream/2015-5-20T20:51:10.252",
            "arn:aws:s3:eu-central-1:123456789012:table/t/stream/2015-05-20T20:51:10.252",
            "arn:aws:dynamodb:::table/t/stream/2015-05-20T20:51:10.252",
        ] {
            assert_eq!(wrong.parse::<StreamName>(), Err(StreamError::InvalidArn), "{wrong}");
        }
        assert_eq!(StreamName::of_key(&name().info()), Some(name()));
    }

    #[test]
    fn shard_ids_belong_to_their_stream() {
        let id = name().shard_id(7);
        assert!(id.starts_with("shardId-00000000000000000007-") && id.len() == 37, "{id}");
        assert_eq!(name().shard_number(&id), Some(7));
        let other = StreamName { label: 1, ..name() };
        assert_eq!(other.shard_number(&id), None);
        assert_eq!(name().shard_number("shardId-7"), None);
        assert_ne!(name().event_id(1), name().event_id(2));
        assert_eq!(name().event_id(1).len(), 32);
    }
}
