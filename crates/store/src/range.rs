//! A stretch of keys, and one page of what lies in it.

use std::ops::{Bound, RangeBounds};

use bytes::Bytes;

/// A stretch of keys in byte order.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Range {
    /// Where it begins (the smaller key).
    pub from: Bound<Bytes>,
    /// Where it ends (the larger key).
    pub to: Bound<Bytes>,
}

/// Which end of a range is read first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Smallest key first.
    Forward,
    /// Largest key first.
    Backward,
}

/// Some of a range's entries, in the order asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T = (Bytes, Bytes)> {
    /// Keys and values.
    pub items: Vec<T>,
    /// The part of the range that was not looked at; `None` at the end.
    pub rest: Option<Range>,
}

impl Range {
    /// Every key.
    pub const fn all() -> Self {
        Self { from: Bound::Unbounded, to: Bound::Unbounded }
    }

    /// Every key that begins with `prefix`.
    pub fn prefix(prefix: &[u8]) -> Self {
        let mut end = prefix.to_vec();
        // The least key above all that begin with the prefix: the last byte below 0xFF, plus one.
        while end.pop_if(|byte| *byte == u8::MAX).is_some() {}
        let to = match end.last_mut() {
            Some(byte) => {
                *byte += 1;
                Bound::Excluded(Bytes::from(end))
            }
            None => Bound::Unbounded,
        };
        Self { from: Bound::Included(Bytes::copy_from_slice(prefix)), to }
    }

    /// Narrowed to what lies above `key`.
    #[must_use]
    pub fn after(mut self, key: &[u8]) -> Self {
        self.from = Bound::Excluded(Bytes::copy_from_slice(key));
        self
    }

    /// Narrowed to `key` and above.
    #[must_use]
    pub fn starting_at(mut self, key: &[u8]) -> Self {
        self.from = Bound::Included(Bytes::copy_from_slice(key));
        self
    }

    /// Narrowed to what lies below `key`.
    #[must_use]
    pub fn before(mut self, key: &[u8]) -> Self {
        self.to = Bound::Excluded(Bytes::copy_from_slice(key));
        self
    }

    /// Narrowed to `key` and below.
    #[must_use]
    pub fn ending_at(mut self, key: &[u8]) -> Self {
        self.to = Bound::Included(Bytes::copy_from_slice(key));
        self
    }

    /// Whether `key` lies in it.
    pub fn contains(&self, key: &[u8]) -> bool {
        RangeBounds::<[u8]>::contains(&self.bounds(), key)
    }

    /// Whether no key can lie in it. Ordered maps panic on such bounds.
    pub fn is_empty(&self) -> bool {
        match (&self.from, &self.to) {
            (Bound::Included(from), Bound::Included(to)) => from > to,
            (Bound::Included(from) | Bound::Excluded(from), Bound::Excluded(to))
            | (Bound::Excluded(from), Bound::Included(to)) => from >= to,
            _ => false,
        }
    }

    pub(crate) fn bounds(&self) -> (Bound<&[u8]>, Bound<&[u8]>) {
        (self.from.as_ref().map(AsRef::as_ref), self.to.as_ref().map(AsRef::as_ref))
    }

    /// What is left of this range once all up to and including `key` has been read.
    pub(crate) fn past(&self, key: Bytes, direction: Direction) -> Self {
        match direction {
            Direction::Forward => Self { from: Bound::Excluded(key), to: self.to.clone() },
            Direction::Backward => Self { from: self.from.clone(), to: Bound::Excluded(key) },
        }
    }

    /// The part of this range that has been read when `key` is the last one seen.
    pub(crate) fn up_to(&self, key: Bytes, direction: Direction) -> Self {
        match direction {
            Direction::Forward => Self { from: self.from.clone(), to: Bound::Included(key) },
            Direction::Backward => Self { from: Bound::Included(key), to: self.to.clone() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_hold_exactly_what_begins_with_them() {
        bolero::check!().with_type::<(Vec<u8>, Vec<u8>)>().with_iterations(3_000).for_each(
            |(prefix, key)| {
                assert_eq!(Range::prefix(prefix).contains(key), key.starts_with(prefix));
                let longer = [&prefix[..], &key[..]].concat();
                assert!(Range::prefix(prefix).contains(&longer));
            },
        );
        assert!(Range::prefix(&[1, 255, 255]).contains(&[1, 255, 255, 255, 7]));
        assert!(!Range::prefix(&[1, 255, 255]).contains(&[2]));
        assert!(Range::prefix(&[255]).contains(&[255, 255, 255]));
    }

    #[test]
    fn empty_ranges_are_known_as_such() {
        let all = Range::all();
        assert!(all.clone().starting_at(b"b").before(b"b").is_empty());
        assert!(all.clone().starting_at(b"c").ending_at(b"b").is_empty());
        assert!(all.clone().after(b"b").ending_at(b"b").is_empty());
        assert!(!all.clone().starting_at(b"b").ending_at(b"b").is_empty());
        assert!(!all.is_empty());
    }
}
