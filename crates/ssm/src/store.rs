//! Where things lie in the store. Names lie without their leading slash, since `/x` and `x` are one
//! name; so a path is a beginning of names.
//!
//! | key | value |
//! |---|---|
//! | `ssm`, account, region, `parameter`, name | [`ParameterRecord`] |
//! | `ssm`, account, region, `version`, name, version | [`VersionRecord`] |
//! | `ssm`, account, region, `counts` | [`Counts`] |

use cumulet_base::{AccountId, Region};
use cumulet_store::{Key, Range, Read, StoreError, Tx};

use crate::error::Error;
use crate::model::{Counts, ParameterRecord, VersionRecord};
use crate::name::Name;

const DATA: &str = "ssm";

pub(crate) fn parameters(account: &AccountId, region: &Region) -> Key {
    Key::new(DATA, account, region).text("parameter")
}

/// The names that begin with `text`.
pub(crate) fn beginning(account: &AccountId, region: &Region, text: &str) -> Range {
    let key = parameters(account, region).text(text);
    // Without the terminator, longer names belong to it as well.
    let bytes = key.as_bytes();
    Range::prefix(bytes.get(..bytes.len().saturating_sub(1)).unwrap_or_default())
}

pub(crate) fn parameter(name: &Name) -> Key {
    parameters(&name.account, &name.region).text(name.bare())
}

pub(crate) fn versions(name: &Name) -> Key {
    Key::new(DATA, &name.account, &name.region).text("version").text(name.bare())
}

fn counts(name: &Name) -> Key {
    Key::new(DATA, &name.account, &name.region).text("counts")
}

pub(crate) async fn find(
    read: &impl Read,
    name: &Name,
) -> Result<Option<ParameterRecord>, StoreError> {
    read.get_record(&parameter(name)).await
}

pub(crate) async fn load(read: &impl Read, name: &Name) -> Result<ParameterRecord, Error> {
    find(read, name).await?.ok_or(Error::NotFound)
}

/// A version that the parameter's record says is there.
pub(crate) async fn version(
    read: &impl Read,
    name: &Name,
    version: u64,
) -> Result<VersionRecord, Error> {
    let found = read.get_record(&versions(name).u64(version)).await?;
    let missing = || StoreError::Corrupt(format!("version {version} of {} is gone", name.bare()));
    Ok(found.ok_or_else(missing)?)
}

/// Counts a parameter as one of `tier` and no longer of `before`.
pub(crate) async fn count(
    tx: &Tx,
    name: &Name,
    before: Option<&str>,
    tier: Option<&str>,
) -> Result<Counts, StoreError> {
    let key = counts(name);
    let mut counts: Counts = tx.get_record(&key).await?.unwrap_or_default();
    if before == tier {
        return Ok(counts);
    }
    if let Some(before) = before {
        let count = counts.of(before);
        *count = count.saturating_sub(1);
    }
    if let Some(tier) = tier {
        *counts.of(tier) += 1;
    }
    tx.put_record(key, &counts);
    Ok(counts)
}

/// Removes a parameter with all its versions.
pub(crate) async fn remove(
    tx: &Tx,
    name: &Name,
    record: &ParameterRecord,
) -> Result<(), StoreError> {
    tx.delete(parameter(name));
    for version in record.oldest..=record.latest {
        tx.delete(versions(name).u64(version));
    }
    count(tx, name, Some(&record.tier), None).await.map(drop)
}
