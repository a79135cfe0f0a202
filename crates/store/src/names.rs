//! Names that exist once in the whole cloud: host, bucket, API id, pool id, access key.
//!
//! A name is a key under a prefix of its own. Claimed within the transaction that creates what it
//! names, it is there exactly as long as that.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Component, Direction, Key, Read, Record, StoreError, Tx};

/// What a name leads to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The service that resolves it, such as `s3`.
    pub service: String,
    /// The account it belongs to.
    pub account: String,
    /// The region it lives in; empty for global resources.
    pub region: String,
    /// What the service calls it, such as a bucket's or a user's name.
    pub resource: String,
}

impl Record for Owner {
    const VERSION: u16 = 1;
}

/// Why a name was not claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimError {
    /// Somebody has it.
    Taken(Owner),
    /// The store failed.
    Store(StoreError),
}

impl fmt::Display for ClaimError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken(owner) => {
                write!(f, "the name belongs to {} in {}", owner.resource, owner.service)
            }
            Self::Store(why) => why.fmt(f),
        }
    }
}

impl std::error::Error for ClaimError {}

impl From<StoreError> for ClaimError {
    fn from(why: StoreError) -> Self {
        Self::Store(why)
    }
}

fn key(kind: &str, name: &str) -> Key {
    Key::global("names").text(kind).text(name)
}

/// The prefix of all names of one kind, to watch or to list.
pub fn prefix(kind: &str) -> Key {
    Key::global("names").text(kind)
}

/// Takes the name `name` of kind `kind` (`host`, `bucket` …) for `owner`. Taking what one has
/// already changes nothing.
pub async fn claim(tx: &Tx, kind: &str, name: &str, owner: &Owner) -> Result<(), ClaimError> {
    let key = key(kind, name);
    match tx.get_record::<Owner>(&key).await? {
        Some(present) if present == *owner => Ok(()),
        Some(present) => Err(ClaimError::Taken(present)),
        None => {
            tx.put_record(key, owner);
            Ok(())
        }
    }
}

/// Gives a name back if `owner` has it; whether it had.
pub async fn release(tx: &Tx, kind: &str, name: &str, owner: &Owner) -> Result<bool, StoreError> {
    let key = key(kind, name);
    let has = tx.get_record::<Owner>(&key).await?.is_some_and(|present| present == *owner);
    if has {
        tx.delete(key);
    }
    Ok(has)
}

/// Who has the name.
pub async fn lookup(read: &impl Read, kind: &str, name: &str) -> Result<Option<Owner>, StoreError> {
    read.get_record(&key(kind, name)).await
}

/// The names of one kind with their owners, in order, `most` at most.
pub async fn list(
    read: &impl Read,
    kind: &str,
    most: usize,
) -> Result<Vec<(String, Owner)>, StoreError> {
    let prefix = prefix(kind);
    let mut scan = read.scan(prefix.prefix(), Direction::Forward);
    let mut found = Vec::new();
    while found.len() < most
        && let Some((key, owner)) = scan.next_record().await?
    {
        let rest = key.get(prefix.len()..).and_then(Key::components).unwrap_or_default();
        if let Some(name) = rest.first().and_then(Component::as_text) {
            found.push((name.to_owned(), owner));
        }
    }
    Ok(found)
}
