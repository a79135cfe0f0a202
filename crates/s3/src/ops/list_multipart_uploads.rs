//! ListMultipartUploads: a bucket's unfinished uploads, by key and then by when they began.

use std::ops::Bound;

use cumulet_api_s3::ops::{
    ListMultipartUploads, ListMultipartUploadsOutput, ListMultipartUploadsRequest,
};
use cumulet_api_s3::types::{ChecksumType, CommonPrefix, Initiator, MultipartUpload};
use cumulet_base::Timestamp;
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_store::{Direction, Key, Range, Read as _};

use crate::S3;
use crate::access::on_bucket;
use crate::listing::{After, behind, common, later, limit, spell};
use crate::model::UploadRecord;
use crate::ops::listed;
use crate::store::{Place, beginning_with, bucket};

impl Handle<ListMultipartUploads> for S3 {
    async fn access(&self, cx: &Cx, input: &ListMultipartUploadsRequest) -> Result<Vec<Access>> {
        let expected = input.expected_bucket_owner.as_deref();
        on_bucket(cx, &input.bucket, expected, "s3:ListBucketMultipartUploads").await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: ListMultipartUploadsRequest,
    ) -> Result<ListMultipartUploadsOutput> {
        let limit = limit(input.max_uploads, "max-uploads")?;
        let prefix = input.prefix.clone().unwrap_or_default();
        let delimiter = input.delimiter.clone().filter(|delimiter| !delimiter.is_empty());
        let key_marker = input.key_marker.clone().unwrap_or_default();
        // Without a key it means nothing.
        let id_marker = input.upload_id_marker.clone().filter(|id| !id.is_empty());
        let id_marker = id_marker.filter(|_| !key_marker.is_empty());
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let place = &bucket.place;
        let base = place.uploads();
        let start = start(place, &prefix, delimiter.as_deref(), &key_marker, id_marker.as_deref());
        let encoded = input.encoding_type.is_some();
        let read = cx.store().snapshot();
        let mut scan = read.scan(start.clone(), Direction::Forward);
        let (mut uploads, mut prefixes, mut truncated) = (Vec::new(), Vec::new(), false);
        let mut last = (None, None);
        while let Some((at, upload)) = scan.next_record::<UploadRecord>().await? {
            let Some((key, id)) = names(&base, &at) else { continue };
            if uploads.len() + prefixes.len() == limit {
                truncated = limit > 0;
                break;
            }
            if let Some(prefix) = common(&key, &prefix, delimiter.as_deref()) {
                let range = later(start.clone(), behind(&base, prefix));
                prefixes.push(CommonPrefix { prefix: Some(spell(prefix, encoded)) });
                last = (Some(spell(prefix, encoded)), None);
                scan = read.scan(range, Direction::Forward);
                continue;
            }
            last = (Some(spell(&key, encoded)), Some(id.clone()));
            uploads.push(show(&bucket, &key, id, upload, encoded));
        }
        let (next_key, next_id) = if truncated { last } else { (None, None) };
        Ok(ListMultipartUploadsOutput {
            bucket: Some(input.bucket),
            key_marker: Some(spell(&key_marker, encoded)),
            upload_id_marker: Some(id_marker.unwrap_or_default()),
            next_key_marker: next_key,
            prefix: Some(spell(&prefix, encoded)),
            delimiter: delimiter.map(|delimiter| spell(&delimiter, encoded)),
            next_upload_id_marker: next_id,
            max_uploads: i32::try_from(limit).ok(),
            is_truncated: Some(truncated),
            uploads: Some(uploads),
            common_prefixes: Some(prefixes),
            encoding_type: input.encoding_type,
            request_charged: None,
        })
    }
}

/// What is still to be looked at.
fn start(
    place: &Place,
    prefix: &str,
    delimiter: Option<&str>,
    key: &str,
    id: Option<&str>,
) -> Range {
    let base = place.uploads();
    let range = beginning_with(&base, prefix);
    if key.is_empty() {
        return range;
    }
    if let Some(at) = id.and_then(|id| place.upload(key, id)) {
        return later(range, Bound::Excluded(at.into()));
    }
    match After::marker(key, prefix, delimiter) {
        After::Prefix(prefix) => later(range, behind(&base, &prefix)),
        After::Key(key) => match base.text(&key).prefix().to {
            Bound::Excluded(end) => later(range, Bound::Included(end)),
            _ => range,
        },
    }
}

fn names(base: &Key, encoded: &[u8]) -> Option<(String, String)> {
    let components = Key::components(encoded.get(base.len()..)?)?;
    let [key, _, id] = components.as_slice() else { return None };
    Some((key.as_text()?.to_owned(), id.as_text()?.to_owned()))
}

fn show(
    bucket: &crate::store::Bucket,
    key: &str,
    id: String,
    upload: UploadRecord,
    encoded: bool,
) -> MultipartUpload {
    let kind = if upload.composite { ChecksumType::Composite } else { ChecksumType::FullObject };
    MultipartUpload {
        upload_id: Some(id),
        key: Some(spell(key, encoded)),
        initiated: Some(Timestamp::from_secs(upload.initiated)),
        storage_class: Some(upload.headers.storage_class.unwrap_or_else(|| "STANDARD".to_owned())),
        owner: Some(listed::owner(bucket)),
        initiator: Some(Initiator { id: Some(upload.initiator), ..Initiator::default() }),
        checksum_algorithm: listed::algorithm(&upload.algorithm).filter(|_| upload.asked),
        checksum_type: upload.asked.then_some(kind),
        ..MultipartUpload::default()
    }
}
