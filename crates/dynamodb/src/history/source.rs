//! Reading a table as of a version, part by part.

use bytes::Bytes;
use cumulet_store::{Direction, Read as _, Scan, Snapshot, StoreError};

use super::clock::version;
use crate::store::ItemKeys;

/// Positions that a part looks at, and bytes of items after which it ends.
const POSITIONS: usize = 1_000;
const BYTES: usize = 1 << 20;
/// Bytes of the version behind a position.
const VERSION: usize = 8;

/// Items to be copied.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) items: ItemKeys,
    /// Where what they were is kept, and the version as of which they are copied; `None` where
    /// nothing changes any more.
    pub(crate) images: Option<(ItemKeys, u64)>,
}

/// Some items in the order of their positions, in their stored form.
#[derive(Debug, Default)]
pub(crate) struct Part {
    pub(crate) items: Vec<(Bytes, Bytes)>,
    /// The last position that was looked at; `None` at the end.
    pub(crate) rest: Option<Bytes>,
}

impl Source {
    /// What follows behind a position.
    pub(crate) async fn part(
        &self,
        snapshot: &Snapshot,
        after: Option<&[u8]>,
    ) -> Result<Part, StoreError> {
        let mut range = self.items.within(&[]);
        if let Some(after) = after {
            range = range.after(&self.items.at(after));
        }
        let scan = snapshot.scan(range, Direction::Forward);
        let mut present = Present { scan, keys: &self.items };
        let mut images = self.images.as_ref().map(|(keys, version)| {
            let range = keys.within(&[]);
            let range = match after {
                // Behind all versions of the position.
                Some(after) => range.after(&[&keys.at(after)[..], &[0xff; VERSION]].concat()),
                None => range,
            };
            let scan = snapshot.scan(range, Direction::Forward);
            Images { scan, keys, version: *version, last: Bytes::new() }
        });
        let (mut here, mut before) = (present.next().await?, next(&mut images).await?);
        let (mut part, mut bytes) = (Part::default(), 0);
        for _ in 0..POSITIONS {
            let goes_back = match (&here, &before) {
                (None, None) => {
                    part.rest = None;
                    return Ok(part);
                }
                (Some((here, _)), Some((before, _))) => before <= here,
                (here, _) => here.is_none(),
            };
            let taken = if goes_back {
                let taken = before.take();
                before = next(&mut images).await?;
                let same = |one: &(Bytes, Bytes)| taken.as_ref().is_some_and(|t| t.0 == one.0);
                if here.as_ref().is_some_and(same) {
                    here = present.next().await?;
                }
                taken
            } else {
                let taken = here.take();
                here = present.next().await?;
                taken
            };
            let Some((position, stored)) = taken else { break };
            part.rest = Some(position.clone());
            // There was no item.
            if stored.is_empty() {
                continue;
            }
            bytes += position.len() + stored.len();
            part.items.push((position, stored));
            if bytes >= BYTES {
                break;
            }
        }
        Ok(part)
    }
}

/// What lies there now.
struct Present<'s> {
    scan: Scan<Snapshot>,
    keys: &'s ItemKeys,
}

impl Present<'_> {
    async fn next(&mut self) -> Result<Option<(Bytes, Bytes)>, StoreError> {
        let found = self.scan.next().await?;
        Ok(found.map(|(key, stored)| (self.keys.position(&key), stored)))
    }
}

/// The image of each position that the version has, if there is one.
struct Images<'s> {
    scan: Scan<Snapshot>,
    keys: &'s ItemKeys,
    version: u64,
    /// The last position that was given.
    last: Bytes,
}

async fn next(images: &mut Option<Images<'_>>) -> Result<Option<(Bytes, Bytes)>, StoreError> {
    match images {
        Some(images) => images.next().await,
        None => Ok(None),
    }
}

impl Images<'_> {
    async fn next(&mut self) -> Result<Option<(Bytes, Bytes)>, StoreError> {
        while let Some((key, stored)) = self.scan.next().await? {
            let (position, written) = split(&self.keys.position(&key))?;
            if written < self.version || position == self.last {
                continue;
            }
            self.last = position.clone();
            return Ok(Some((position, stored)));
        }
        Ok(None)
    }
}

/// The position and the version of an image.
pub(crate) fn split(place: &Bytes) -> Result<(Bytes, u64), StoreError> {
    let Some(end) = place.len().checked_sub(VERSION) else {
        return Err(StoreError::Corrupt("an image's key without a version".to_owned()));
    };
    let (position, written) = (place.slice(..end), place.slice(end..));
    Ok((position, version(&written)?))
}
