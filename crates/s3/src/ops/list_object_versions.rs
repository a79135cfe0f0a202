//! ListObjectVersions: all versions and delete markers of a bucket, by key, the newest first.

use cumulet_api_s3::ops::{
    ListObjectVersions, ListObjectVersionsOutput, ListObjectVersionsRequest,
};
use cumulet_api_s3::types::{CommonPrefix, DeleteMarkerEntry, ObjectVersion};
use cumulet_base::Timestamp;
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_store::{Direction, Range, Read as _, Snapshot};

use crate::S3;
use crate::conditions::quoted;
use crate::error::S3Error;
use crate::listing::{After, Query, behind, common, later, limit, range, spell};
use crate::model::VersionRecord;
use crate::ops::listed;
use crate::store::{Bucket, bucket, find_version, text_after};

/// One entry.
enum Entry {
    Version { key: String, record: Box<VersionRecord>, latest: bool },
    Prefix(String),
}

impl Handle<ListObjectVersions> for S3 {
    async fn access(&self, cx: &Cx, input: &ListObjectVersionsRequest) -> Result<Vec<Access>> {
        let asked = listed::Asked {
            prefix: input.prefix.as_deref(),
            delimiter: input.delimiter.as_deref(),
            max_keys: input.max_keys,
        };
        let expected = input.expected_bucket_owner.as_deref();
        listed::access(cx, &input.bucket, expected, "s3:ListBucketVersions", &asked).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: ListObjectVersionsRequest,
    ) -> Result<ListObjectVersionsOutput> {
        let limit = limit(input.max_keys, "max-keys")?;
        let prefix = input.prefix.clone().unwrap_or_default();
        let delimiter = input.delimiter.clone().filter(|delimiter| !delimiter.is_empty());
        let key_marker = input.key_marker.clone().unwrap_or_default();
        let version_marker = input.version_id_marker.clone().filter(|id| !id.is_empty());
        if key_marker.is_empty() && version_marker.is_some() {
            return Err(S3Error::InvalidArgument {
                message: "A version-id marker cannot be specified without a key marker.",
                name: "version-id-marker",
                value: version_marker.unwrap_or_default(),
            }
            .into());
        }
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let after = (!key_marker.is_empty())
            .then(|| After::marker(&key_marker, &prefix, delimiter.as_deref()));
        let query = Query { prefix: &prefix, delimiter: delimiter.as_deref(), after, limit };
        let mut walk =
            Walk { read: cx.store().snapshot(), bucket: &bucket, entries: Vec::new(), limit };
        let truncated = walk.run(&query, &key_marker, version_marker.as_deref()).await?;
        let entries = walk.entries;

        let encoded = input.encoding_type.is_some();
        let last = entries.last().filter(|_| truncated);
        let (next_key, next_version) = last.map(|last| marker(last, encoded)).unzip();
        let (mut versions, mut markers, mut prefixes) = (Vec::new(), Vec::new(), Vec::new());
        for entry in entries {
            match entry {
                Entry::Prefix(prefix) => {
                    prefixes.push(CommonPrefix { prefix: Some(spell(&prefix, encoded)) });
                }
                Entry::Version { key, record, latest } if record.marker => {
                    markers.push(DeleteMarkerEntry {
                        owner: Some(listed::owner(&bucket)),
                        key: Some(spell(&key, encoded)),
                        version_id: Some(id(&record)),
                        is_latest: Some(latest),
                        last_modified: Some(Timestamp::from_secs(record.modified)),
                    });
                }
                Entry::Version { key, record, latest } => {
                    versions.push(show(&bucket, &key, &record, latest, encoded));
                }
            }
        }
        Ok(ListObjectVersionsOutput {
            is_truncated: Some(truncated),
            key_marker: Some(spell(&key_marker, encoded)),
            version_id_marker: Some(version_marker.unwrap_or_default()),
            next_key_marker: next_key,
            next_version_id_marker: next_version.flatten(),
            versions: Some(versions),
            delete_markers: Some(markers),
            name: Some(input.bucket),
            prefix: Some(spell(&prefix, encoded)),
            delimiter: delimiter.map(|delimiter| spell(&delimiter, encoded)),
            max_keys: i32::try_from(limit).ok(),
            common_prefixes: Some(prefixes),
            encoding_type: input.encoding_type,
            request_charged: None,
        })
    }
}

/// Key and version behind which the next answer begins.
fn marker(last: &Entry, encoded: bool) -> (String, Option<String>) {
    match last {
        Entry::Version { key, record, .. } => (spell(key, encoded), Some(id(record))),
        Entry::Prefix(prefix) => (spell(prefix, encoded), None),
    }
}

fn id(record: &VersionRecord) -> String {
    record.version.clone().unwrap_or_else(|| "null".to_owned())
}

fn show(
    bucket: &Bucket,
    key: &str,
    record: &VersionRecord,
    latest: bool,
    encoded: bool,
) -> ObjectVersion {
    ObjectVersion {
        e_tag: Some(quoted(&record.etag)),
        checksum_algorithm: listed::algorithms(record.checksum.as_ref()),
        checksum_type: record.checksum.as_ref().map(crate::fetch::checksum_type),
        size: i64::try_from(record.size).ok(),
        storage_class: Some(listed::storage_class(record)),
        key: Some(spell(key, encoded)),
        version_id: Some(id(record)),
        is_latest: Some(latest),
        last_modified: Some(Timestamp::from_secs(record.modified)),
        owner: Some(listed::owner(bucket)),
        ..ObjectVersion::default()
    }
}

/// A walk along keys and, of each, its versions.
struct Walk<'a> {
    read: Snapshot,
    bucket: &'a Bucket,
    entries: Vec<Entry>,
    limit: usize,
}

impl Walk<'_> {
    /// Fills the entries; whether there are more.
    async fn run(&mut self, query: &Query<'_>, key: &str, version: Option<&str>) -> Result<bool> {
        if self.limit == 0 {
            return Ok(false);
        }
        if let Some(version) = version
            && key.starts_with(query.prefix)
            && self.rest_of(key, version).await?
        {
            return Ok(true);
        }
        let base = self.bucket.place.objects();
        let mut rest = Some(range(&self.bucket.place, query)).filter(|range| !range.is_empty());
        while let Some(range) = rest {
            let wanted = (self.limit - self.entries.len() + 1).max(16);
            let read = self.read.clone();
            let page = read.range_records::<VersionRecord>(&range, Direction::Forward, wanted);
            let page = page.await?;
            rest = page.rest;
            for (encoded, record) in page.items {
                let Some(key) = text_after(&base, &encoded) else { continue };
                if self.is_full() {
                    return Ok(true);
                }
                if let Some(prefix) = common(&key, query.prefix, query.delimiter) {
                    let from = behind(&base, prefix);
                    self.entries.push(Entry::Prefix(prefix.to_owned()));
                    rest = Some(later(range, from)).filter(|range| !range.is_empty());
                    break;
                }
                self.entries.push(Entry::Version {
                    key: key.clone(),
                    record: Box::new(record),
                    latest: true,
                });
                let older = self.bucket.place.versions(&key).prefix();
                if self.bucket.record.versioning.is_some() && self.older(&key, older).await? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    fn is_full(&self) -> bool {
        self.entries.len() >= self.limit
    }

    /// The versions of `key` behind `version`.
    async fn rest_of(&mut self, key: &str, version: &str) -> Result<bool> {
        let place = &self.bucket.place;
        let Some(found) = find_version(&self.read, place, key, Some(version)).await? else {
            return Ok(false);
        };
        let range = place.versions(key).prefix().after(&place.version(key, found.seq));
        self.older(key, range).await
    }

    /// Older versions of `key`; whether there are more than fit.
    async fn older(&mut self, key: &str, range: Range) -> Result<bool> {
        let mut scan = self.read.scan(range, Direction::Forward);
        while let Some((_, record)) = scan.next_record::<VersionRecord>().await? {
            if self.is_full() {
                return Ok(true);
            }
            self.entries.push(Entry::Version {
                key: key.to_owned(),
                record: Box::new(record),
                latest: false,
            });
        }
        Ok(false)
    }
}
