//! ListParts: the parts of an unfinished upload, by number.

use cumulet_api_s3::ops::{ListParts, ListPartsOutput, ListPartsRequest};
use cumulet_api_s3::types::{ChecksumType, Initiator, Part};
use cumulet_base::Timestamp;
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_store::{Direction, Read as _};

use crate::access::on_object;
use crate::conditions::quoted;
use crate::listing::limit;
use crate::model::PartRecord;
use crate::ops::listed;
use crate::store::bucket;
use crate::{S3, checksum, multipart};

impl Handle<ListParts> for S3 {
    async fn access(&self, cx: &Cx, input: &ListPartsRequest) -> Result<Vec<Access>> {
        let expected = input.expected_bucket_owner.as_deref();
        on_object(cx, &input.bucket, &input.key, expected, "s3:ListMultipartUploadParts").await
    }

    async fn handle(&self, cx: &Cx, input: ListPartsRequest) -> Result<ListPartsOutput> {
        let limit = limit(input.max_parts, "max-parts")?;
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let (place, id) = (&bucket.place, input.upload_id.as_str());
        let read = cx.store().snapshot();
        let upload = multipart::find(&read, place, &input.key, id).await?;
        let marker =
            u64::try_from(input.part_number_marker.unwrap_or_default()).unwrap_or_default();
        let range = place.parts(id).prefix().after(&place.part(id, marker));
        let mut scan = read.scan(range, Direction::Forward);
        let (mut parts, mut truncated, mut last) = (Vec::new(), false, None);
        while let Some((at, part)) = scan.next_record::<PartRecord>().await? {
            if parts.len() == limit {
                truncated = limit > 0;
                break;
            }
            let number = multipart::number_of(&at).and_then(|number| i32::try_from(number).ok());
            let mut shown = Part {
                part_number: number,
                last_modified: Some(Timestamp::from_secs(part.modified)),
                e_tag: Some(quoted(&part.etag)),
                size: i64::try_from(part.size).ok(),
                ..Part::default()
            };
            if upload.asked {
                checksum::show!(shown, upload.algorithm.as_str(), part.checksum);
            }
            last = number;
            parts.push(shown);
        }
        let kind =
            if upload.composite { ChecksumType::Composite } else { ChecksumType::FullObject };
        let class = upload.headers.storage_class.unwrap_or_else(|| "STANDARD".to_owned());
        let initiator = Initiator { id: Some(upload.initiator), ..Initiator::default() };
        Ok(ListPartsOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(input.upload_id),
            part_number_marker: i32::try_from(marker).ok(),
            next_part_number_marker: Some(last.unwrap_or_default()),
            max_parts: i32::try_from(limit).ok(),
            is_truncated: Some(truncated),
            parts: Some(parts),
            initiator: Some(initiator),
            owner: Some(listed::owner(&bucket)),
            storage_class: Some(class),
            checksum_algorithm: listed::algorithm(&upload.algorithm).filter(|_| upload.asked),
            checksum_type: upload.asked.then_some(kind),
            ..ListPartsOutput::default()
        })
    }
}
