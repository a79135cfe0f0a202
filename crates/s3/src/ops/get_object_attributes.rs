//! GetObjectAttributes: those of an object's attributes that are asked for.

use cumulet_api_s3::ops::{
    GetObjectAttributes, GetObjectAttributesOutput, GetObjectAttributesRequest,
};
use cumulet_api_s3::types::{Checksum, GetObjectAttributesParts, ObjectAttributes, ObjectPart};
use cumulet_base::Timestamp;
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_store::Snapshot;

use crate::listing::limit;
use crate::model::VersionRecord;
use crate::object::shown_version;
use crate::ops::listed;
use crate::store::{Bucket, bucket};
use crate::{S3, checksum, fetch, send};

impl Handle<GetObjectAttributes> for S3 {
    async fn access(&self, cx: &Cx, input: &GetObjectAttributesRequest) -> Result<Vec<Access>> {
        let object = (input.bucket.as_str(), input.key.as_str(), input.version_id.as_deref());
        let expected = input.expected_bucket_owner.as_deref();
        let actions = ("s3:GetObjectAttributes", "s3:GetObjectVersionAttributes");
        let mut accesses = fetch::tagged_access(cx, object, expected, actions).await?;
        let actions = ("s3:GetObject", "s3:GetObjectVersion");
        accesses.extend(fetch::tagged_access(cx, object, expected, actions).await?);
        Ok(accesses)
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: GetObjectAttributesRequest,
    ) -> Result<GetObjectAttributesOutput> {
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let version = input.version_id.as_deref();
        let (read, found) = fetch::existing(cx, &bucket, &input.key, version).await?;
        let asked = |attribute| input.object_attributes.contains(&attribute);
        let mut output = GetObjectAttributesOutput {
            last_modified: Some(Timestamp::from_secs(found.modified)),
            version_id: shown_version(&bucket, &found),
            // Without quotes, unlike everywhere else.
            e_tag: asked(ObjectAttributes::ETag).then(|| found.etag.clone()),
            object_size: i64::try_from(found.size)
                .ok()
                .filter(|_| asked(ObjectAttributes::ObjectSize)),
            storage_class: asked(ObjectAttributes::StorageClass)
                .then(|| listed::storage_class(&found)),
            ..GetObjectAttributesOutput::default()
        };
        if asked(ObjectAttributes::Checksum)
            && let Some(sum) = &found.checksum
        {
            let mut shown = Checksum::default();
            checksum::show!(shown, sum.algorithm.as_str(), sum.value);
            shown.checksum_type = Some(fetch::checksum_type(sum));
            output.checksum = Some(shown);
        }
        if asked(ObjectAttributes::ObjectParts) && found.parts > 0 {
            output.object_parts = Some(parts(&read, &bucket, &found, &input).await?);
        }
        Ok(output)
    }
}

async fn parts(
    read: &Snapshot,
    bucket: &Bucket,
    version: &VersionRecord,
    input: &GetObjectAttributesRequest,
) -> Result<GetObjectAttributesParts> {
    let limit = limit(input.max_parts, "max-parts")?;
    let marker = input.part_number_marker.unwrap_or_default();
    let record = send::parts(read, &bucket.place, version).await?;
    let algorithm = version.checksum.as_ref().map(|sum| sum.algorithm.as_str()).unwrap_or_default();
    let behind = record
        .parts
        .iter()
        .filter(|part| i32::try_from(part.number).is_ok_and(|number| number > marker));
    let mut shown: Vec<ObjectPart> = Vec::new();
    let mut truncated = false;
    // Parts are told apart only where each has a checksum of its own.
    for part in behind.filter(|part| part.checksum.is_some()) {
        if shown.len() == limit {
            truncated = true;
            break;
        }
        let mut one = ObjectPart {
            part_number: i32::try_from(part.number).ok(),
            size: i64::try_from(part.size).ok(),
            ..ObjectPart::default()
        };
        if let Some(value) = &part.checksum {
            checksum::show!(one, algorithm, value);
        }
        shown.push(one);
    }
    Ok(GetObjectAttributesParts {
        total_parts_count: i32::try_from(version.parts).ok(),
        part_number_marker: Some(marker),
        next_part_number_marker: shown.last().and_then(|last| last.part_number),
        max_parts: i32::try_from(limit).ok(),
        is_truncated: Some(truncated),
        parts: Some(shown).filter(|shown| !shown.is_empty()),
    })
}
