//! CreateMultipartUpload: begins an object that comes in parts. What the request says of the object
//! is kept for the end.
//!
//! Refuses checksum types that an algorithm cannot have: only CRCs of parts give the whole's, and
//! CRC64NVME only that.

use cumulet_api_s3::ops::{
    CreateMultipartUpload, CreateMultipartUploadOutput, CreateMultipartUploadRequest,
};
use cumulet_api_s3::types::ChecksumType;
use cumulet_auth::sigv4::ChecksumAlgorithm;
use cumulet_service::{Access, Cx, Handle, Result};

use crate::access::on;
use crate::asked::{object_keys, with_all};
use crate::error::{S3Error, TxError};
use crate::model::{BucketRecord, UploadRecord};
use crate::object::{algorithm, check_headers, headers, refuse_unsupported};
use crate::store::bucket;
use crate::{S3, tags};
use cumulet_store::Read as _;

impl Handle<CreateMultipartUpload> for S3 {
    async fn access(&self, cx: &Cx, input: &CreateMultipartUploadRequest) -> Result<Vec<Access>> {
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let arn = bucket.place.object_arn(&input.key);
        let access = on(cx, &bucket, "s3:PutObject", arn.clone()).await?;
        // "The operation that creates an object" is the upload's completion ("Enforce conditional
        // writes on Amazon S3 buckets").
        let access = with_all(access, object_keys!(input))
            .with("s3:ObjectCreationOperation", vec!["false".to_owned()]);
        tags::accesses(cx, &bucket, access, arn, input.tagging.as_deref()).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: CreateMultipartUploadRequest,
    ) -> Result<CreateMultipartUploadOutput> {
        crate::names::check_key(&input.key)?;
        refuse_unsupported!(input);
        let headers = check_headers(headers!(input))?;
        let tags = tags::parse_header(input.tagging.as_deref())?;
        let algorithm = algorithm(None, input.checksum_algorithm)?;
        let composite = is_composite(algorithm, input.checksum_type)?;
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let now = cx.now();
        let random = cx.ids().text(48, "0123456789abcdefghijklmnopqrstuvwxyz");
        let id = format!("{:016x}{random}", now.millis());
        let record = UploadRecord {
            initiated: now.secs(),
            headers,
            tags,
            algorithm: algorithm.as_str().to_owned(),
            composite,
            asked: input.checksum_algorithm.is_some(),
            initiator: cx.principal().arn(),
        };
        let (place, key, record, named) = (&bucket.place, &input.key, &record, &id);
        let done: Result<(), TxError> = cx
            .store()
            .transact(|tx| async move {
                let missing = || S3Error::NoSuchBucket(place.name.clone());
                tx.get_record::<BucketRecord>(&place.bucket()).await?.ok_or_else(missing)?;
                let at = place.upload(key, named).ok_or_else(missing)?;
                tx.put_record(at, record);
                Ok(())
            })
            .await;
        done?;
        let kind = if composite { ChecksumType::Composite } else { ChecksumType::FullObject };
        Ok(CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(id),
            server_side_encryption: Some("AES256".to_owned()),
            checksum_algorithm: input.checksum_algorithm,
            checksum_type: input.checksum_algorithm.map(|_| kind),
            ..CreateMultipartUploadOutput::default()
        })
    }
}

/// Whether the object's checksum is made of the parts'.
fn is_composite(
    algorithm: ChecksumAlgorithm,
    asked: Option<ChecksumType>,
) -> Result<bool, S3Error> {
    let wrong = |kind: &str| {
        let name = algorithm.as_str().to_ascii_lowercase();
        let why =
            format!("The {kind} checksum type cannot be used with the {name} checksum algorithm.");
        Err(S3Error::InvalidRequest(why))
    };
    match (algorithm, asked) {
        (ChecksumAlgorithm::Crc64Nvme, Some(ChecksumType::Composite)) => wrong("COMPOSITE"),
        (ChecksumAlgorithm::Crc64Nvme, _) => Ok(false),
        (ChecksumAlgorithm::Sha1 | ChecksumAlgorithm::Sha256, Some(ChecksumType::FullObject)) => {
            wrong("FULL_OBJECT")
        }
        (_, asked) => Ok(asked != Some(ChecksumType::FullObject)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_of_checksums() {
        let (composite, full) = (Some(ChecksumType::Composite), Some(ChecksumType::FullObject));
        assert_eq!(is_composite(ChecksumAlgorithm::Crc32, None), Ok(true));
        assert_eq!(is_composite(ChecksumAlgorithm::Crc32, full), Ok(false));
        assert_eq!(is_composite(ChecksumAlgorithm::Crc64Nvme, None), Ok(false));
        assert!(is_composite(ChecksumAlgorithm::Crc64Nvme, composite).is_err());
        assert!(is_composite(ChecksumAlgorithm::Sha256, full).is_err());
        assert_eq!(is_composite(ChecksumAlgorithm::Sha1, composite), Ok(true));
    }
}
