//! Events of many streams as one sequence, in the order of their times.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use bytes::Bytes;
use cumulet_store::{Direction, Range, Read, Snapshot, StoreError};

use crate::store::{EventKeys, Position};

/// Entries read ahead, over all streams together.
const AHEAD: usize = 2_048;
/// A larger event that is not yet its turn is read again when it is, so that what is held of all
/// streams together stays within 2,048 times this.
const HELD: usize = 4_096;

/// A stream to read from.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) id: u64,
    pub(crate) events: EventKeys,
    pub(crate) range: Range,
}

/// A place in the merged sequence: events of one time lie in the order of their streams' ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) time: u64,
    pub(crate) stream: u64,
    pub(crate) sequence: u64,
}

/// A walk along the merged sequence.
pub(crate) struct Merge {
    snapshot: Snapshot,
    direction: Direction,
    cursors: Vec<Cursor>,
    /// The next event of each cursor that has one; the heap's greatest comes first.
    heads: BinaryHeap<(Turn, usize)>,
    /// Entries read ahead of one cursor.
    page: usize,
}

/// Who is first: the earliest going forward, the latest going backward.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    Forward(Reverse<Place>),
    Backward(Place),
}

struct Cursor {
    source: Source,
    rest: Option<Range>,
    ahead: VecDeque<(Bytes, Option<Bytes>)>,
}

impl Merge {
    pub(crate) async fn new(
        snapshot: Snapshot,
        direction: Direction,
        sources: Vec<Source>,
    ) -> Result<Self, StoreError> {
        let page = (AHEAD / sources.len().max(1)).clamp(1, 256);
        let cursors = sources
            .into_iter()
            .map(|source| Cursor {
                rest: Some(source.range.clone()).filter(|range| !range.is_empty()),
                ahead: VecDeque::new(),
                source,
            })
            .collect::<Vec<_>>();
        let count = cursors.len();
        let heads = BinaryHeap::with_capacity(count);
        let mut merge = Self { snapshot, direction, cursors, heads, page };
        for at in 0..count {
            merge.queue(at).await?;
        }
        Ok(merge)
    }

    /// The next event: its place, its stream's name, its stored form; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<(Place, String, Bytes)>, StoreError> {
        loop {
            let Some((turn, at)) = self.heads.pop() else { return Ok(None) };
            let (Turn::Forward(Reverse(place)) | Turn::Backward(place)) = turn;
            let Some(cursor) = self.cursors.get_mut(at) else { continue };
            let Some((key, held)) = cursor.ahead.pop_front() else { continue };
            let name = cursor.source.name.clone();
            let stored = match held {
                Some(stored) => Some(stored),
                None => self.snapshot.get(&key).await?,
            };
            self.queue(at).await?;
            if let Some(stored) = stored {
                return Ok(Some((place, name, stored)));
            }
        }
    }

    /// Puts a cursor's next event in line.
    async fn queue(&mut self, at: usize) -> Result<(), StoreError> {
        let Some(cursor) = self.cursors.get_mut(at) else { return Ok(()) };
        if cursor.ahead.is_empty()
            && let Some(range) = cursor.rest.take()
        {
            let page = self.snapshot.range(&range, self.direction, self.page).await?;
            cursor.rest = page.rest;
            let held = page.items.into_iter().map(|(key, stored)| {
                let held = Some(stored).filter(|stored| stored.len() <= HELD);
                (key, held)
            });
            cursor.ahead = held.collect();
        }
        let Some((key, _)) = cursor.ahead.front() else { return Ok(()) };
        let Position { time, sequence } = cursor.source.events.position(key)?;
        let place = Place { time, stream: cursor.source.id, sequence };
        let turn = match self.direction {
            Direction::Forward => Turn::Forward(Reverse(place)),
            Direction::Backward => Turn::Backward(place),
        };
        self.heads.push((turn, at));
        Ok(())
    }
}

/// What a stream still has to give when the walk has come as far as `last`, in milliseconds from
/// `start` to `end` inclusive.
pub(crate) fn remaining(
    events: &EventKeys,
    stream: u64,
    (start, end): (u64, u64),
    direction: Direction,
    last: Option<Place>,
) -> Range {
    let (mut from, mut to) = (Position::at(start), end.checked_add(1).map(Position::at));
    if let Some(last) = last {
        let here = Position { time: last.time, sequence: last.sequence };
        match direction {
            Direction::Forward => {
                let beyond = match stream.cmp(&last.stream) {
                    std::cmp::Ordering::Equal => here.next(),
                    std::cmp::Ordering::Greater => Position::at(last.time),
                    std::cmp::Ordering::Less => Position::at(last.time.saturating_add(1)),
                };
                from = from.max(beyond);
            }
            Direction::Backward => {
                let beyond = match stream.cmp(&last.stream) {
                    std::cmp::Ordering::Equal => here,
                    std::cmp::Ordering::Less => Position::at(last.time.saturating_add(1)),
                    std::cmp::Ordering::Greater => Position::at(last.time),
                };
                to = Some(to.map_or(beyond, |to| to.min(beyond)));
            }
        }
    }
    events.between(from, to)
}
