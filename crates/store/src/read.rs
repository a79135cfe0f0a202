//! Reading, the same from a snapshot and from within a transaction.

use std::collections::VecDeque;
use std::future::Future;

use bytes::Bytes;

use crate::{Direction, Page, Range, Record, StoreError, record};

/// Entries that a page holds at most, whatever limit is asked for.
pub(crate) const PAGE_ITEMS: usize = 4096;
/// Bytes of keys and values after which a page ends, even below its limit.
pub(crate) const PAGE_BYTES: usize = 2 << 20;

/// What can be read from: a [`Snapshot`](crate::Snapshot) or a [`Tx`](crate::Tx).
pub trait Read: Clone + Send + Sync {
    /// The value of a key.
    fn get(&self, key: &[u8]) -> impl Future<Output = Result<Option<Bytes>, StoreError>> + Send;

    /// The first entries of `range` as seen from `direction`: at most `limit`, 4,096 or about
    /// 2 MiB, whichever comes first. The page says what was left.
    fn range(
        &self,
        range: &Range,
        direction: Direction,
        limit: usize,
    ) -> impl Future<Output = Result<Page, StoreError>> + Send;

    /// The record under a key.
    fn get_record<R: Record>(
        &self,
        key: &[u8],
    ) -> impl Future<Output = Result<Option<R>, StoreError>> + Send {
        async move {
            let stored = self.get(key).await?;
            stored.map(|bytes| record::decode(key, &bytes)).transpose()
        }
    }

    /// [`Read::range`] over records of one type.
    fn range_records<R: Record>(
        &self,
        range: &Range,
        direction: Direction,
        limit: usize,
    ) -> impl Future<Output = Result<Page<(Bytes, R)>, StoreError>> + Send {
        async move {
            let page = self.range(range, direction, limit).await?;
            let records = page.items.into_iter().map(|(key, bytes)| {
                let record = record::decode(&key, &bytes)?;
                Ok((key, record))
            });
            Ok(Page { items: records.collect::<Result<_, StoreError>>()?, rest: page.rest })
        }
    }

    /// Reads a range of any length entry by entry, page by page.
    fn scan(&self, range: Range, direction: Direction) -> Scan<Self> {
        Scan {
            reader: self.clone(),
            direction,
            rest: Some(range),
            page: VecDeque::new(),
            next_limit: 16,
        }
    }
}

/// A walk along a range, holding one page in memory.
#[derive(Debug)]
pub struct Scan<R> {
    reader: R,
    direction: Direction,
    rest: Option<Range>,
    page: VecDeque<(Bytes, Bytes)>,
    /// Pages grow: most walks end early, long ones want few trips.
    next_limit: usize,
}

impl<R: Read> Scan<R> {
    /// The next key and value; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<(Bytes, Bytes)>, StoreError> {
        while self.page.is_empty() {
            let Some(range) = self.rest.take() else { return Ok(None) };
            let page = self.reader.range(&range, self.direction, self.next_limit).await?;
            self.page = page.items.into();
            self.rest = page.rest;
            self.next_limit = (self.next_limit * 4).min(1024);
        }
        Ok(self.page.pop_front())
    }

    /// The next key and record; `None` at the end.
    pub async fn next_record<T: Record>(&mut self) -> Result<Option<(Bytes, T)>, StoreError> {
        let Some((key, bytes)) = self.next().await? else { return Ok(None) };
        let record = record::decode(&key, &bytes)?;
        Ok(Some((key, record)))
    }
}

/// Collects a page within its limits.
pub(crate) struct PageBuilder {
    items: Vec<(Bytes, Bytes)>,
    limit: usize,
    bytes: usize,
}

impl PageBuilder {
    pub(crate) fn new(limit: usize) -> Self {
        Self { items: Vec::new(), limit: limit.clamp(1, PAGE_ITEMS), bytes: 0 }
    }

    /// Adds an entry; whether the page is now full.
    pub(crate) fn push(&mut self, key: Bytes, value: Bytes) -> bool {
        self.bytes += key.len() + value.len();
        self.items.push((key, value));
        self.is_full()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.items.len() >= self.limit || self.bytes >= PAGE_BYTES
    }

    /// The page of `range`; a full one ends at its last entry.
    pub(crate) fn finish(self, range: &Range, direction: Direction) -> Page {
        let rest = match self.items.last() {
            Some((key, _)) if self.is_full() => {
                Some(range.past(key.clone(), direction)).filter(|rest| !rest.is_empty())
            }
            _ => None,
        };
        Page { items: self.items, rest }
    }
}
