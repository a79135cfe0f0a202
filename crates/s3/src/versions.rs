//! Writing and removing versions of an object, within a transaction.
//!
//! Source: "How S3 Versioning works" in the S3 user guide.

use cumulet_store::{Direction, Read as _, StoreError, Tx};

use crate::conditions::WriteCondition;
use crate::error::{S3Error, TxError};
use crate::garbage::discard;
use crate::model::{BucketRecord, Data, VersionRecord, Versioning};
use crate::store::{Place, version_id};

/// What happens to a key, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment<'a> {
    /// Milliseconds since the epoch.
    pub(crate) now: i64,
    /// 16 random characters for a version's id.
    pub(crate) random: &'a str,
}

/// What became of a removal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Removed {
    /// Whether what was made, or what was removed by its id, is a delete marker.
    pub(crate) marker: bool,
    /// The version that was made or removed; `None` in a bucket that was never versioned.
    pub(crate) version: Option<String>,
}

/// Makes `new` the current version of `key` and returns it as it is stored.
pub(crate) async fn publish(
    tx: &Tx,
    place: &Place,
    key: &str,
    mut new: VersionRecord,
    condition: &WriteCondition,
    moment: Moment<'_>,
) -> Result<VersionRecord, TxError> {
    let bucket = bucket(tx, place).await?;
    let current = tx.get_record::<VersionRecord>(&place.object(key)).await?;
    condition.check(key, current.as_ref())?;
    new.seq = current.as_ref().map_or(1, |current| current.seq + 1);
    new.version = match bucket.versioning {
        Some(Versioning::Enabled) => Some(version_id(new.seq, moment.random)),
        Some(Versioning::Suspended) | None => None,
    };
    new.older_null = None;
    if let Some(current) = current {
        step_back(tx, place, key, current, &mut new, moment.now).await?;
    }
    tx.put_record(place.object(key), &new);
    Ok(new)
}

/// Makes `current` an older version, or discards it where `new` takes its place.
async fn step_back(
    tx: &Tx,
    place: &Place,
    key: &str,
    current: VersionRecord,
    new: &mut VersionRecord,
    now: i64,
) -> Result<(), StoreError> {
    if new.version.is_none() && current.version.is_none() {
        return discard(tx, place, &current.data, now).await;
    }
    new.older_null = if current.version.is_none() { Some(current.seq) } else { current.older_null };
    if new.version.is_none()
        && let Some(seq) = new.older_null.take()
    {
        remove_older(tx, place, key, seq, now).await?;
    }
    let old = VersionRecord { older_null: None, ..current };
    tx.put_record(place.version(key, old.seq), &old);
    Ok(())
}

async fn remove_older(
    tx: &Tx,
    place: &Place,
    key: &str,
    seq: u64,
    now: i64,
) -> Result<(), StoreError> {
    let at = place.version(key, seq);
    if let Some(old) = tx.get_record::<VersionRecord>(&at).await? {
        discard(tx, place, &old.data, now).await?;
        tx.delete(at);
    }
    Ok(())
}

/// A delete without a version: removes the object, or puts a marker over it.
pub(crate) async fn remove(
    tx: &Tx,
    place: &Place,
    key: &str,
    condition: &WriteCondition,
    moment: Moment<'_>,
) -> Result<Removed, TxError> {
    let bucket = bucket(tx, place).await?;
    if bucket.versioning.is_none() {
        let current = tx.get_record::<VersionRecord>(&place.object(key)).await?;
        condition.check(key, current.as_ref())?;
        if let Some(current) = current {
            discard(tx, place, &current.data, moment.now).await?;
            tx.delete(place.object(key));
        }
        return Ok(Removed { marker: false, version: None });
    }
    let marker = VersionRecord {
        seq: 0,
        version: None,
        modified: moment.now.div_euclid(1000),
        marker: true,
        size: 0,
        etag: String::new(),
        headers: crate::model::Headers::default(),
        tags: Vec::new(),
        checksum: None,
        parts: 0,
        upload: None,
        data: Data::Empty,
        older_null: None,
    };
    let made = publish(tx, place, key, marker, condition, moment).await?;
    let version = made.version.unwrap_or_else(|| "null".to_owned());
    Ok(Removed { marker: true, version: Some(version) })
}

/// A delete of one version, for good. That it is gone already is no error.
pub(crate) async fn remove_version(
    tx: &Tx,
    place: &Place,
    key: &str,
    version: &str,
    condition: &WriteCondition,
    now: i64,
) -> Result<Removed, TxError> {
    let found = crate::store::find_version(tx, place, key, Some(version)).await?;
    condition.check(key, found.as_ref())?;
    let named = Some(version.to_owned());
    let Some(found) = found else { return Ok(Removed { marker: false, version: named }) };
    discard(tx, place, &found.data, now).await?;
    let current = tx.get_record::<VersionRecord>(&place.object(key)).await?;
    match current {
        Some(current) if current.seq == found.seq => promote(tx, place, key, &current).await?,
        Some(mut current) => {
            tx.delete(place.version(key, found.seq));
            if current.older_null == Some(found.seq) {
                current.older_null = None;
                tx.put_record(place.object(key), &current);
            }
        }
        None => {}
    }
    Ok(Removed { marker: found.marker, version: named })
}

/// Makes the newest older version the current one.
async fn promote(
    tx: &Tx,
    place: &Place,
    key: &str,
    gone: &VersionRecord,
) -> Result<(), StoreError> {
    let range = place.versions(key).prefix();
    let page = tx.range_records::<VersionRecord>(&range, Direction::Forward, 1).await?;
    let Some((at, mut next)) = page.items.into_iter().next() else {
        tx.delete(place.object(key));
        return Ok(());
    };
    tx.delete(at);
    next.older_null = gone.older_null.filter(|seq| *seq != next.seq);
    tx.put_record(place.object(key), &next);
    Ok(())
}

async fn bucket(tx: &Tx, place: &Place) -> Result<BucketRecord, TxError> {
    let found = tx.get_record::<BucketRecord>(&place.bucket()).await?;
    found.ok_or_else(|| S3Error::NoSuchBucket(place.name.clone()).into())
}
