//! Stored records of event source mappings.

use std::collections::BTreeMap;

use cumulet_store::Record;
use serde::{Deserialize, Serialize};

/// A mapping.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MappingRecord {
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) uuid: String,
    /// The ARN of the stream.
    pub(crate) source: String,
    /// The function's name.
    pub(crate) function: String,
    /// A version or an alias of it.
    pub(crate) qualifier: Option<String>,
    pub(crate) enabled: bool,
    pub(crate) start: Start,
    pub(crate) settings: MappingSettings,
    #[serde(default)]
    pub(crate) tags: BTreeMap<String, String>,
    /// Milliseconds since the epoch.
    pub(crate) created: i64,
    /// Milliseconds since the epoch.
    pub(crate) modified: i64,
}

impl Record for MappingRecord {
    const VERSION: u16 = 1;
}

/// Where in the stream a mapping begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Start {
    /// With the oldest record there is.
    TrimHorizon,
    /// With what comes once the mapping is made.
    Latest,
}

/// How a mapping hands records to its function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MappingSettings {
    /// Records of one batch at most.
    pub(crate) batch: u32,
    /// Seconds that are waited for a batch to fill.
    pub(crate) window: u32,
    /// `ParallelizationFactor`.
    pub(crate) lanes: u32,
    pub(crate) bisect: bool,
    /// Times that a batch is tried again; `None`: for as long as it is there.
    pub(crate) retries: Option<u32>,
    /// Seconds; `None`: for as long as the stream keeps them.
    pub(crate) max_age: Option<u32>,
    /// Patterns, one of which a record must match, where there are any.
    pub(crate) filters: Vec<String>,
    /// Whether the function reports which records failed.
    pub(crate) partial: bool,
    /// The ARN of where discarded batches are told of.
    pub(crate) on_failure: Option<String>,
}

impl Default for MappingSettings {
    /// AWS's defaults for DynamoDB streams.
    fn default() -> Self {
        Self {
            batch: 100,
            window: 0,
            lanes: 1,
            bisect: false,
            retries: None,
            max_age: None,
            filters: Vec::new(),
            partial: false,
            on_failure: None,
        }
    }
}

/// How far a lane of a mapping is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LaneRecord {
    /// Of how many lanes it is one: which items fall to it depends on that.
    pub(crate) of: u32,
    /// The shard that is read; `None`: none yet.
    pub(crate) shard: Option<String>,
    /// The sequence number of the last record of it that is dealt with.
    pub(crate) after: Option<String>,
    /// How often the batch after that has failed.
    pub(crate) failed: u32,
    /// The last sequence numbers of batches that have to be tried again as they were, or in two
    /// halves: the next one's at the end.
    pub(crate) ends: Vec<String>,
    /// `LastProcessingResult`, once there is one.
    pub(crate) result: Option<String>,
}

impl Record for LaneRecord {
    const VERSION: u16 = 1;
}

impl LaneRecord {
    /// A place in the stream, in its order: shards and sequence numbers sort as they come.
    pub(crate) fn place(&self) -> (Option<&str>, Option<&str>) {
        (self.shard.as_deref(), self.after.as_deref())
    }
}
