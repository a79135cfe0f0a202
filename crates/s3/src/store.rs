//! Under which keys what lies, and how a bucket is found.
//!
//! All of a bucket lies under its owner's account and region:
//!
//! ```text
//! bucket  <name>                          BucketRecord
//! config  <name> <kind>                   PolicyRecord, CorsRecord …
//! object  <name> <key>                    VersionRecord: the current version, even if a marker
//! version <name> <key> <!seq>             VersionRecord: older versions, the newest first
//! data    <name> <id>                     small data, or a PartsRecord
//! upload  <name> <key> <initiated> <id>   UploadRecord
//! part    <name> <upload id> <number>     PartRecord
//! ```
//!
//! besides, the list of an account's buckets (`bucket <name>`, without a region), and for all of
//! the cloud `garbage <blob id>`. A key has older versions only if it has a current one. The name
//! itself is claimed in the store's names, kind `bucket`; a bucket that is a website has it in the
//! kind `website` too, which lists all of them.

use bytes::Bytes;
use cumulet_base::{AccountId, Arn, Region};
use cumulet_service::{Cx, Result};
use cumulet_store::names::{self, Owner};
use cumulet_store::{Key, Range, Read, Record, StoreError};

use crate::error::S3Error;
use crate::model::{BucketRecord, Data, VersionRecord};

const SERVICE: &str = "s3";
/// The kind of names that buckets claim.
pub(crate) const NAMES: &str = "bucket";

/// The kind of names that websites claim.
pub(crate) const WEBSITE_NAMES: &str = "website";

/// A bucket's place in the store.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) account: AccountId,
    pub(crate) region: Region,
}

/// A bucket that is there.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    pub(crate) place: Place,
    pub(crate) record: BucketRecord,
}

impl Place {
    /// Who has the name, as the store's names say it.
    pub(crate) fn owner(&self) -> Owner {
        Owner {
            service: SERVICE.to_owned(),
            account: self.account.as_str().to_owned(),
            region: self.region.as_str().to_owned(),
            resource: self.name.clone(),
        }
    }

    fn of(owner: &Owner) -> Option<Self> {
        Some(Self {
            name: owner.resource.clone(),
            account: owner.account.parse().ok()?,
            region: owner.region.parse().ok()?,
        })
    }

    fn key(&self, kind: &str) -> Key {
        Key::new(SERVICE, &self.account, &self.region).text(kind).text(&self.name)
    }

    pub(crate) fn bucket(&self) -> Key {
        self.key("bucket")
    }

    /// Its entry in the list of the account's buckets: a [`crate::model::ListedRecord`].
    pub(crate) fn listed(&self) -> Key {
        listed(&self.account).text(&self.name)
    }

    /// The record of one configuration.
    pub(crate) fn config(&self, kind: &str) -> Key {
        self.key("config").text(kind)
    }

    /// All configurations.
    pub(crate) fn configs(&self) -> Range {
        self.key("config").prefix()
    }

    /// The current version of `key`.
    pub(crate) fn object(&self, key: &str) -> Key {
        self.objects().text(key)
    }

    /// What all current versions begin with.
    pub(crate) fn objects(&self) -> Key {
        self.key("object")
    }

    /// An older version of `key`.
    pub(crate) fn version(&self, key: &str, seq: u64) -> Key {
        self.versions(key).u64(!seq)
    }

    /// All older versions of `key`.
    pub(crate) fn versions(&self, key: &str) -> Key {
        self.key("version").text(key)
    }

    pub(crate) fn data(&self, id: &str) -> Key {
        self.key("data").text(id)
    }

    /// An unfinished upload; its id tells when it began.
    pub(crate) fn upload(&self, key: &str, id: &str) -> Option<Key> {
        let initiated = id.get(..16).and_then(|hex| u64::from_str_radix(hex, 16).ok())?;
        Some(self.uploads().text(key).u64(initiated).text(id))
    }

    /// What all unfinished uploads begin with.
    pub(crate) fn uploads(&self) -> Key {
        self.key("upload")
    }

    pub(crate) fn part(&self, upload: &str, number: u64) -> Key {
        self.parts(upload).u64(number)
    }

    /// All parts of an unfinished upload.
    pub(crate) fn parts(&self, upload: &str) -> Key {
        self.key("part").text(upload)
    }

    /// `arn:aws:s3:::bucket`.
    pub(crate) fn arn(&self) -> Arn {
        Arn::bare(SERVICE, &self.name)
    }

    /// `arn:aws:s3:::bucket/key`.
    pub(crate) fn object_arn(&self, key: &str) -> Arn {
        Arn::bare(SERVICE, &format!("{}/{key}", self.name))
    }
}

/// What the list of an account's buckets, of all regions, begins with.
pub(crate) fn listed(account: &AccountId) -> Key {
    Key::of_account(SERVICE, account).text("bucket")
}

/// The record that a blob is not, or no longer, needed.
pub(crate) fn garbage(blob: &str) -> Key {
    Key::global(SERVICE).text("garbage").text(blob)
}

/// All such records.
pub(crate) fn all_garbage() -> Range {
    Key::global(SERVICE).text("garbage").prefix()
}

/// The keys below `base` whose last text begins with `prefix`.
pub(crate) fn beginning_with(base: &Key, prefix: &str) -> Range {
    Range::prefix(&open(base, prefix))
}

/// A key whose last text is not ended, so that longer texts begin with it.
pub(crate) fn open(base: &Key, prefix: &str) -> Vec<u8> {
    let mut bytes = base.clone().text(prefix).to_vec();
    bytes.pop();
    bytes
}

/// The text that follows `base` in an encoded key.
pub(crate) fn text_after(base: &Key, encoded: &[u8]) -> Option<String> {
    let rest = encoded.get(base.len()..)?;
    let found = Key::components(rest)?;
    found.first().and_then(|first| first.as_text().map(str::to_owned))
}

/// Where the bucket called `name` lies.
pub(crate) async fn place(read: &impl Read, name: &str) -> Result<Option<Place>, StoreError> {
    let owner = names::lookup(read, NAMES, name).await?;
    Ok(owner.as_ref().and_then(Place::of))
}

/// The bucket called `name`; `expected` is the account that the caller takes for its owner.
pub(crate) async fn bucket(cx: &Cx, name: &str, expected: Option<&str>) -> Result<Bucket> {
    let read = cx.store().snapshot();
    let missing = || S3Error::NoSuchBucket(name.to_owned());
    let place = place(&read, name).await?.ok_or_else(missing)?;
    let record = read.get_record(&place.bucket()).await?.ok_or_else(missing)?;
    if expected.is_some_and(|account| account != place.account.as_str()) {
        return Err(S3Error::AccessDenied.into());
    }
    Ok(Bucket { place, record })
}

/// A configuration of the bucket, if it has it.
pub(crate) async fn config<R: Record>(cx: &Cx, place: &Place, kind: &str) -> Result<Option<R>> {
    Ok(cx.store().snapshot().get_record(&place.config(kind)).await?)
}

/// Puts a configuration; the bucket must still be there.
pub(crate) async fn put_config<R: Record + Sync>(
    cx: &Cx,
    place: &Place,
    kind: &str,
    record: &R,
) -> Result<()> {
    let done: Result<(), crate::error::TxError> = cx
        .store()
        .transact(|tx| async move {
            if tx.get(&place.bucket()).await?.is_none() {
                return Err(S3Error::NoSuchBucket(place.name.clone()).into());
            }
            tx.put_record(place.config(kind), record);
            Ok(())
        })
        .await;
    Ok(done?)
}

/// Removes a configuration, whether the bucket has it or not.
pub(crate) async fn delete_config(cx: &Cx, place: &Place, kind: &str) -> Result<()> {
    let done: Result<(), StoreError> = cx
        .store()
        .transact(|tx| async move {
            tx.delete(place.config(kind));
            Ok(())
        })
        .await;
    Ok(done?)
}

/// Changes the bucket's own record.
pub(crate) async fn change_bucket(
    cx: &Cx,
    place: &Place,
    change: impl Fn(&mut BucketRecord) + Sync,
) -> Result<()> {
    let change = &change;
    let done: Result<(), crate::error::TxError> = cx
        .store()
        .transact(|tx| async move {
            let found = tx.get_record::<BucketRecord>(&place.bucket()).await?;
            let mut record = found.ok_or_else(|| S3Error::NoSuchBucket(place.name.clone()))?;
            change(&mut record);
            tx.put_record(place.bucket(), &record);
            Ok(())
        })
        .await;
    Ok(done?)
}

/// A version of `key`: the current one, or the one called `version` (`null` included).
pub(crate) async fn find_version(
    read: &impl Read,
    place: &Place,
    key: &str,
    version: Option<&str>,
) -> Result<Option<VersionRecord>, StoreError> {
    let Some(current) = read.get_record::<VersionRecord>(&place.object(key)).await? else {
        return Ok(None);
    };
    let Some(wanted) = version else { return Ok(Some(current)) };
    if current.version.as_deref().unwrap_or("null") == wanted {
        return Ok(Some(current));
    }
    let seq = if wanted == "null" { current.older_null } else { version_seq(wanted) };
    let Some(seq) = seq else { return Ok(None) };
    let found = read.get_record::<VersionRecord>(&place.version(key, seq)).await?;
    Ok(found.filter(|found| found.version.as_deref().unwrap_or("null") == wanted))
}

/// The id of a version: 16 hexadecimal digits that say which, and 16 random characters.
pub(crate) fn version_id(seq: u64, random: &str) -> String {
    format!("{:016x}{random}", !seq)
}

/// Which version an id says; `None` where it is no such id.
pub(crate) fn version_seq(id: &str) -> Option<u64> {
    (id.len() == 32)
        .then(|| id.get(..16).and_then(|hex| u64::from_str_radix(hex, 16).ok()))?
        .map(|n| !n)
}

/// Small data by id.
pub(crate) async fn inline(
    read: &impl Read,
    place: &Place,
    data: &Data,
) -> Result<Bytes, StoreError> {
    let Data::Inline(id) = data else { return Ok(Bytes::new()) };
    let found = read.get(&place.data(id)).await?;
    found.ok_or_else(|| StoreError::Corrupt(format!("the data {id} of {} is gone", place.name)))
}
