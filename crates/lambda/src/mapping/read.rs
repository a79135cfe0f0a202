//! A lane's reading: from where it is, over the shards, past what is not for it.

use std::collections::VecDeque;

use cumulet_attribute::partition_hash;
use cumulet_base::Timestamp;
use cumulet_service::Result;
use serde_json::Value;
use tokio::sync::watch;

use super::Start;
use super::batch::{self, Entry};
use super::lane::Lane;
use super::source::{Page, Place, Source, entry};

/// What is read and not yet handed on.
#[derive(Default)]
pub(super) struct Ahead {
    pub(super) iterator: Option<String>,
    pub(super) entries: VecDeque<Entry>,
    pub(super) bytes: usize,
    /// The last record that was read, whether it is among the entries or not.
    pub(super) to: Option<String>,
    /// Records that passed by since the lane's place was stored.
    pub(super) passed: usize,
    /// The place after which to go on is trimmed: on with the oldest.
    pub(super) trimmed: bool,
    /// The shard has no more.
    pub(super) drained: bool,
    /// Since when a batch waits to be filled.
    pub(super) since: Option<Timestamp>,
}

impl Lane {
    /// Reads on until there is a batch, or no more.
    pub(super) async fn fill(
        &mut self,
        source: &Source,
        stop: &watch::Receiver<bool>,
    ) -> Result<()> {
        let most = self.mapping.settings.batch as usize;
        while !self.read.drained
            && self.read.entries.len() < most
            && self.read.bytes < batch::MAX_BYTES
            && !*stop.borrow()
        {
            let iterator = match self.read.iterator.take() {
                Some(iterator) => iterator,
                None => match self.iterator(source).await? {
                    Some(iterator) => iterator,
                    None => return Ok(()),
                },
            };
            match source.read(iterator).await? {
                Page::Records(records, next) => {
                    let is_empty = records.is_empty();
                    for record in records {
                        self.take(entry(&record, &self.mapping.source)?);
                    }
                    self.read.drained = next.is_none();
                    self.read.iterator = next;
                    if is_empty {
                        return Ok(());
                    }
                }
                Page::Expired => {}
                Page::Trimmed => self.read.trimmed = true,
            }
        }
        Ok(())
    }

    /// An iterator from where the lane is; `None` where the stream has no shards.
    async fn iterator(&mut self, source: &Source) -> Result<Option<String>> {
        let shard = match &self.at.shard {
            Some(shard) => shard.clone(),
            None => match source.next_shard(None).await? {
                Some(shard) => self.at.shard.insert(shard).clone(),
                None => return Ok(None),
            },
        };
        let place = match self.read.to.as_deref().or(self.at.after.as_deref()) {
            _ if self.read.trimmed => Place::Oldest,
            Some(after) => Place::After(after),
            None => match self.mapping.start {
                Start::TrimHorizon => Place::Oldest,
                Start::Latest => Place::Since(Timestamp::from_millis(self.mapping.created)),
            },
        };
        match source.iterator(&shard, place).await {
            Ok(Some(iterator)) => {
                self.read.trimmed = false;
                Ok(Some(iterator))
            }
            Ok(None) => source.iterator(&shard, Place::Oldest).await,
            // The shard is a day old and gone, unless the stream is.
            Err(error) if error.code == "ResourceNotFoundException" => {
                let Some(next) = source.next_shard(Some(&shard)).await? else { return Ok(None) };
                self.move_to(next);
                source.iterator(self.at.shard.as_deref().unwrap_or_default(), Place::Oldest).await
            }
            Err(error) => Err(error),
        }
    }

    pub(super) fn move_to(&mut self, shard: String) {
        (self.at.shard, self.at.after, self.at.failed) = (Some(shard), None, 0);
        self.at.ends.clear();
        self.read = Ahead::default();
    }

    fn take(&mut self, entry: Entry) {
        self.read.to = Some(entry.sequence.clone());
        if self.falls_here(&entry.record) && self.is_wanted(&entry.record) {
            self.read.bytes += entry.size + 1;
            self.read.entries.push_back(entry);
        } else {
            self.read.passed += 1;
        }
    }

    /// Whether an item falls to this lane. Lanes' places are stored, so this may never change.
    fn falls_here(&self, record: &Value) -> bool {
        if self.at.of <= 1 {
            return true;
        }
        let key = record.pointer("/dynamodb/Keys").map(Value::to_string).unwrap_or_default();
        partition_hash(key.as_bytes()) % u64::from(self.at.of) == u64::from(self.number)
    }

    fn is_wanted(&self, record: &Value) -> bool {
        self.patterns.is_empty() || self.patterns.iter().any(|pattern| pattern.matches(record))
    }

    /// Where nothing waits, the lane is as far as it has read.
    pub(super) fn pass_by(&mut self) {
        if self.read.entries.is_empty() && self.read.to.is_some() {
            self.at.after.clone_from(&self.read.to);
        }
    }
}
