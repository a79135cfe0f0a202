//! Seconds as versions.
//!
//! The first transaction that writes in a second notes the version that it reads at. Whoever reads
//! at a later one began after that second did; whoever reads at an earlier one had begun before.
//! Should the machine's clock be set back, no second is noted until it has caught up: a moment in
//! between stands for the last one before.

use cumulet_base::Timestamp;
use cumulet_store::{Component, Direction, Key, Read, Record, StoreError, Tx};
use serde::{Deserialize, Serialize};

use crate::store;
use crate::tables::TableName;

/// The clock of a table.
#[derive(Debug, Clone)]
pub(crate) struct Clock {
    head: Key,
    seconds: Key,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Head {
    /// Seconds since the epoch.
    pub(super) second: u64,
}

impl Record for Head {
    const VERSION: u16 = 1;
}

impl Clock {
    pub(crate) fn of(name: &TableName, id: &str) -> Self {
        let data = || store::data(&name.account, &name.region);
        Self { head: data().text("clock").text(id), seconds: data().text("second").text(id) }
    }

    /// What writes read: the last second that is noted.
    pub(crate) fn head(&self) -> &Key {
        &self.head
    }

    /// What the seconds lie under.
    pub(crate) fn seconds(&self) -> &Key {
        &self.seconds
    }

    /// Notes the version of the second that `now` is in, unless it is noted.
    pub(crate) async fn tick(&self, tx: &Tx, now: Timestamp) -> Result<(), StoreError> {
        let second = u64::try_from(now.secs()).unwrap_or(0);
        let head: Option<Head> = tx.get_record(&self.head).await?;
        if head.is_none_or(|head| head.second < second) {
            tx.put_record(self.head.clone(), &Head { second });
            let version = tx.version().get().to_be_bytes();
            tx.put(self.seconds.clone().u64(second), version.to_vec());
        }
        Ok(())
    }

    /// The version before which all writes before that second read; `None` where none came since.
    pub(crate) async fn beginning(
        &self,
        read: &impl Read,
        second: u64,
    ) -> Result<Option<u64>, StoreError> {
        let range = self.seconds.prefix().starting_at(&self.seconds.clone().u64(second));
        let page = read.range(&range, Direction::Forward, 1).await?;
        page.items.first().map(|(_, stored)| version(stored)).transpose()
    }

    /// The last noted second that is not after this one, with its version.
    pub(super) async fn latest(
        &self,
        read: &impl Read,
        second: u64,
    ) -> Result<Option<(u64, u64)>, StoreError> {
        let range = self.seconds.prefix().ending_at(&self.seconds.clone().u64(second));
        let page = read.range(&range, Direction::Backward, 1).await?;
        let found = page.items.first();
        found.map(|(key, stored)| Ok((second_of(key)?, version(stored)?))).transpose()
    }
}

/// The second in a key.
pub(crate) fn second_of(key: &[u8]) -> Result<u64, StoreError> {
    let parts = Key::components(key).unwrap_or_default();
    let second = parts.last().and_then(Component::as_u64);
    second.ok_or_else(|| StoreError::Corrupt("a table's second without a number".to_owned()))
}

/// A version as it is stored.
pub(crate) fn version(stored: &[u8]) -> Result<u64, StoreError> {
    let bytes = <[u8; 8]>::try_from(stored);
    let bytes = bytes.map_err(|_| StoreError::Corrupt("a version is not of 8 bytes".to_owned()))?;
    Ok(u64::from_be_bytes(bytes))
}
