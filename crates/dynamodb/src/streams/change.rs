//! One change of an item, and its stored form: `version`, event, whether it expired, eight bytes of
//! time, then key, old and new image, each behind its length; numbers are big endian, a missing
//! image has the length 0.

use bytes::Bytes;
use cumulet_attribute::Item;
use cumulet_store::StoreError;

const VERSION: u8 = 1;
const HEADER: usize = 11;

/// What happened to the item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    Insert,
    Modify,
    Remove,
}

/// A change as a stream's record tells of it: with the images that the stream's view has.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Change {
    pub(crate) event: Event,
    /// Whether time to live removed the item.
    pub(crate) expired: bool,
    /// Milliseconds since the epoch.
    pub(crate) at: i64,
    pub(crate) key: Item,
    pub(crate) old: Option<Item>,
    pub(crate) new: Option<Item>,
}

impl Change {
    /// Bytes by AWS's count: the keys and the images.
    pub(crate) fn size(&self) -> usize {
        let images = self.old.iter().chain(&self.new);
        images.chain([&self.key]).map(Item::size).sum()
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let images = [Some(&self.key), self.old.as_ref(), self.new.as_ref()];
        let stored = images.map(|image| image.map_or(&[][..], Item::as_bytes));
        let size: usize = stored.iter().map(|bytes| bytes.len() + 4).sum();
        let mut bytes = Vec::with_capacity(HEADER + size);
        bytes.push(VERSION);
        bytes.push(match self.event {
            Event::Insert => 0,
            Event::Modify => 1,
            Event::Remove => 2,
        });
        bytes.push(u8::from(self.expired));
        bytes.extend_from_slice(&self.at.to_be_bytes());
        for image in stored {
            // An item has at most 400 KB.
            bytes.extend_from_slice(&(image.len() as u32).to_be_bytes());
            bytes.extend_from_slice(image);
        }
        bytes
    }

    pub(crate) fn decode(bytes: Bytes) -> Result<Self, StoreError> {
        read(bytes).ok_or_else(|| StoreError::Corrupt("a stream's record is damaged".to_owned()))
    }
}

fn read(mut bytes: Bytes) -> Option<Change> {
    let header = (bytes.len() >= HEADER).then(|| bytes.split_to(HEADER))?;
    let (&[version, event, expired], at) = header.split_first_chunk::<3>()?;
    let event = match (version, event) {
        (VERSION, 0) => Event::Insert,
        (VERSION, 1) => Event::Modify,
        (VERSION, 2) => Event::Remove,
        _ => return None,
    };
    let at = i64::from_be_bytes(at.try_into().ok()?);
    let (key, old, new) = (image(&mut bytes)?, image(&mut bytes)?, image(&mut bytes)?);
    let change = Change { event, expired: expired == 1, at, key: key?, old, new };
    (expired <= 1 && bytes.is_empty()).then_some(change)
}

/// The next image: `None` where the bytes are damaged, `Some(None)` where there is no image.
#[allow(clippy::option_option, reason = "both kinds of absence are met")]
fn image(bytes: &mut Bytes) -> Option<Option<Item>> {
    let (length, _) = bytes.split_first_chunk::<4>()?;
    let length = u32::from_be_bytes(*length) as usize;
    let _ = bytes.split_to(4);
    if length == 0 {
        return Some(None);
    }
    let stored = (length <= bytes.len()).then(|| bytes.split_to(length))?;
    Item::from_bytes(stored).ok().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::item;

    #[test]
    fn changes_read_back() {
        let images = [None, Some(item(&[("pk", "a"), ("n", "1.5")]))];
        for event in [Event::Insert, Event::Modify, Event::Remove] {
            for old in &images {
                for new in &images {
                    let change = Change {
                        event,
                        expired: old.is_some(),
                        at: 1_800_000_000_123,
                        key: item(&[("pk", "a")]),
                        old: old.clone(),
                        new: new.clone(),
                    };
                    let bytes = change.encode();
                    assert_eq!(Change::decode(bytes.clone().into()), Ok(change));
                    for end in 0..bytes.len() {
                        let cut = Bytes::copy_from_slice(&bytes[..end]);
                        assert!(Change::decode(cut).is_err(), "{end}");
                    }
                }
            }
        }
    }

    #[test]
    fn foreign_bytes_are_no_change() {
        bolero::check!().with_type::<Vec<u8>>().with_iterations(3_000).for_each(|bytes| {
            let _ = Change::decode(bytes.clone().into());
            let long = [&[VERSION, 1, 0], &[0; 8][..], bytes].concat();
            let _ = Change::decode(long.into());
        });
    }
}
