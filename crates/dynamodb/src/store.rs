//! Where things lie in the store.
//!
//! | key | value |
//! |---|---|
//! | `dynamodb-table`, account, region, name | [`crate::model::TableRecord`] |
//! | `dynamodb`, account, region, `item`, table id, position | the item in its stored form |
//! | `dynamodb`, account, region, `index`, table id, index, position in it, position | the entry |
//! | `dynamodb`, account, region, `collection`, table id, partition | its size |
//! | `dynamodb`, account, region, `image`, table id, position, version | what the item was |
//! | `dynamodb-backup`, account, region, id | [`crate::backups::BackupRecord`] |
//! | `dynamodb`, account, region, `backup`, backup id, position | an item of a backup |
//! | `dynamodb`, account, region, `restore`, table id | [`crate::restore::RestoreRecord`] |
//!
//! What there is of streams, [`crate::streams`] says; what of images, [`crate::history`]; what of
//! collections, [`crate::collections`].

use std::ops::Bound;

use bytes::Bytes;
use cumulet_base::{AccountId, Region};
use cumulet_store::{Component, Key, Range, StoreError};

const TABLES: &str = "dynamodb-table";
const BACKUPS: &str = "dynamodb-backup";
/// The service of the keys of all else.
pub(crate) const DATA: &str = "dynamodb";

/// What the records of all tables begin with. Apart from the items, so that their view is not
/// woken by every write.
pub(crate) fn all_tables() -> Key {
    Key::of_service(TABLES)
}

/// What the records of an account's tables in a region begin with.
pub(crate) fn tables(account: &AccountId, region: &Region) -> Key {
    Key::new(TABLES, account, region)
}

/// The record of a table.
pub(crate) fn table(account: &AccountId, region: &Region, name: &str) -> Key {
    tables(account, region).text(name)
}

/// Whose a table's record is, and where.
pub(crate) fn owner(key: &[u8]) -> Result<(AccountId, Region), StoreError> {
    let parts = Key::components(key).unwrap_or_default();
    let part = |at: usize| parts.get(at).and_then(Component::as_text).unwrap_or_default();
    match (part(1).parse(), part(2).parse()) {
        (Ok(account), Ok(region)) => Ok((account, region)),
        _ => Err(StoreError::Corrupt("a table's key names no account and region".to_owned())),
    }
}

/// What all else of an account in a region begins with.
pub(crate) fn data(account: &AccountId, region: &Region) -> Key {
    Key::new(DATA, account, region)
}

/// The text at the beginning of what follows a key's components, which a position may follow: a
/// table's id or name, or an index's name. None of them has a zero byte.
pub(crate) fn leading_text(rest: &[u8]) -> Option<&str> {
    let text = rest.get(1..)?.split(|byte| *byte == 0).next()?;
    std::str::from_utf8(text).ok()
}

/// What is left of a range behind all of `prefix`.
pub(crate) fn past(mut rest: Range, prefix: Range) -> Range {
    rest.from = match prefix.to {
        Bound::Excluded(end) => Bound::Included(end),
        // Behind a prefix of nothing but 0xFF there is nothing.
        _ => rest.to.clone(),
    };
    rest
}

/// The items of a table.
pub(crate) fn items(account: &AccountId, region: &Region, id: &str) -> ItemKeys {
    ItemKeys(data(account, region).text("item").text(id))
}

/// The entries of an index.
pub(crate) fn entries(account: &AccountId, region: &Region, id: &str, index: &str) -> ItemKeys {
    ItemKeys(data(account, region).text("index").text(id).text(index))
}

/// The entries of all indexes of a table.
pub(crate) fn all_entries(account: &AccountId, region: &Region, id: &str) -> Range {
    data(account, region).text("index").text(id).prefix()
}

/// The sizes of a table's item collections.
pub(crate) fn collections(account: &AccountId, region: &Region, id: &str) -> ItemKeys {
    ItemKeys(data(account, region).text("collection").text(id))
}

/// What the items of a table were; behind the position comes a version, of eight bytes.
pub(crate) fn images(account: &AccountId, region: &Region, id: &str) -> ItemKeys {
    ItemKeys(data(account, region).text("image").text(id))
}

/// What the records of an account's backups in a region begin with.
pub(crate) fn backups(account: &AccountId, region: &Region) -> Key {
    Key::new(BACKUPS, account, region)
}

/// What the records of all backups begin with.
pub(crate) fn all_backups() -> Key {
    Key::of_service(BACKUPS)
}

/// The items of a backup.
pub(crate) fn backup_items(account: &AccountId, region: &Region, id: &str) -> ItemKeys {
    ItemKeys(data(account, region).text("backup").text(id))
}

/// How far the restoring of a table is.
pub(crate) fn restore(account: &AccountId, region: &Region, id: &str) -> Key {
    data(account, region).text("restore").text(id)
}

/// The keys of a table's items or an index's entries: a prefix, then a position
/// ([`crate::key::KeySchema::position`]), which is the rest of the key as it is.
#[derive(Debug, Clone)]
pub(crate) struct ItemKeys(Key);

impl ItemKeys {
    /// The key of what lies at a position.
    pub(crate) fn at(&self, position: &[u8]) -> Vec<u8> {
        let mut key = Vec::with_capacity(self.0.as_bytes().len() + position.len());
        key.extend_from_slice(self.0.as_bytes());
        key.extend_from_slice(position);
        key
    }

    /// All that lies at positions beginning with `position`.
    pub(crate) fn within(&self, position: &[u8]) -> Range {
        Range::prefix(&self.at(position))
    }

    /// The position in one of the keys.
    pub(crate) fn position(&self, key: &Bytes) -> Bytes {
        key.slice(self.0.as_bytes().len().min(key.len())..)
    }
}
