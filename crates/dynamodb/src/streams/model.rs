//! Stored records of streams.

use cumulet_store::Record;
use serde::{Deserialize, Serialize};

use crate::model::KeyRecord;

/// What is in a stream's records beside the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    KeysOnly,
    NewImage,
    OldImage,
    NewAndOldImages,
}

impl View {
    pub(crate) const ALL: [Self; 4] =
        [Self::KeysOnly, Self::NewImage, Self::OldImage, Self::NewAndOldImages];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::KeysOnly => "KEYS_ONLY",
            Self::NewImage => "NEW_IMAGE",
            Self::OldImage => "OLD_IMAGE",
            Self::NewAndOldImages => "NEW_AND_OLD_IMAGES",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|view| view.as_str() == text)
    }

    pub(crate) fn has_new(self) -> bool {
        matches!(self, Self::NewImage | Self::NewAndOldImages)
    }

    pub(crate) fn has_old(self) -> bool {
        matches!(self, Self::OldImage | Self::NewAndOldImages)
    }
}

/// A stream. Its name is in its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StreamInfo {
    pub(crate) view: String,
    pub(crate) key: KeyRecord,
    /// When it was switched off; milliseconds since the epoch.
    pub(crate) closed: Option<i64>,
    /// The sequence number of the oldest change that is kept, or of the next one.
    pub(crate) first: u64,
}

impl Record for StreamInfo {
    const VERSION: u16 = 1;
}

/// Where a stream's next record goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    /// The newest shard's number: when it was opened, in milliseconds since the epoch, or one more
    /// than its parent's.
    pub(crate) shard: u64,
    /// The next sequence number.
    pub(crate) next: u64,
    /// Bytes of the records in the shard.
    pub(crate) bytes: u64,
    /// The time of the latest record; milliseconds since the epoch. No later one has an earlier
    /// time, whatever the clock does.
    pub(crate) at: i64,
}

impl Record for Head {
    const VERSION: u16 = 1;
}

/// A shard. Its number is in its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ShardRecord {
    pub(crate) parent: Option<u64>,
    /// The sequence number of its first record.
    pub(crate) first: u64,
    pub(crate) closed: Option<Closed>,
}

/// The end of a shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Closed {
    /// The sequence number of its last record; its first where it has none.
    pub(crate) last: u64,
    /// Milliseconds since the epoch.
    pub(crate) at: i64,
}

impl Record for ShardRecord {
    const VERSION: u16 = 1;
}

/// A sequence number as clients see it: of 21 digits, which sort as they count.
pub(crate) fn sequence(number: u64) -> String {
    format!("1{number:020}")
}

/// The number behind a sequence number; `None` for one that no stream here has.
pub(crate) fn number(sequence: &str) -> Option<u64> {
    let digits = sequence.strip_prefix('1').filter(|digits| digits.len() == 20)?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequence_numbers_sort_and_read_back() {
        assert_eq!(sequence(1), "100000000000000000001");
        assert_eq!(sequence(u64::MAX).len(), 21);
        bolero::check!().with_type::<(u64, u64)>().with_iterations(2_000).for_each(|(a, b)| {
            assert_eq!(a.cmp(b), sequence(*a).cmp(&sequence(*b)));
            assert_eq!(number(&sequence(*a)), Some(*a));
        });
        for wrong in ["", "1", "200000000000000000001", "1+0000000000000000001", "1０"] {
            assert_eq!(number(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn views_are_named() {
        assert!(View::ALL.into_iter().all(|view| View::parse(view.as_str()) == Some(view)));
        assert_eq!(View::parse("ALL"), None);
    }
}
