//! UploadPartCopy: a part of an unfinished object, made of another object's bytes or a range of
//! them.

use cumulet_api_s3::ops::{UploadPartCopy, UploadPartCopyOutput, UploadPartCopyRequest};
use cumulet_api_s3::types::CopyPartResult;
use cumulet_base::Timestamp;
use cumulet_service::{Access, Cx, Handle, Result};

use crate::access::on_object;
use crate::conditions::{copy_condition, quoted};
use crate::error::S3Error;
use crate::object::shown_version;
use crate::ops::copy_source::{self, Source};
use crate::ops::upload_part::store;
use crate::receive::{MOST, Promise, receive};
use crate::send::open;
use crate::store::bucket;
use crate::{S3, checksum, multipart, range};

impl Handle<UploadPartCopy> for S3 {
    async fn access(&self, cx: &Cx, input: &UploadPartCopyRequest) -> Result<Vec<Access>> {
        let source = Source::parse(&input.copy_source)?;
        let expected = input.expected_source_bucket_owner.as_deref();
        let mut accesses = copy_source::access(cx, &source, expected).await?;
        let expected = input.expected_bucket_owner.as_deref();
        let own = on_object(cx, &input.bucket, &input.key, expected, "s3:PutObject").await?;
        let with = |access: Access| {
            access
                .with_some("s3:x-amz-copy-source", Some(source.named()))
                .with("s3:ObjectCreationOperation", vec!["false".to_owned()])
        };
        accesses.extend(own.into_iter().map(with));
        Ok(accesses)
    }

    async fn handle(&self, cx: &Cx, input: UploadPartCopyRequest) -> Result<UploadPartCopyOutput> {
        let number = multipart::part_number(input.part_number)?;
        if input.sse_customer_algorithm.is_some()
            || input.copy_source_sse_customer_algorithm.is_some()
        {
            return Err(S3Error::NotImplemented.into());
        }
        let source = Source::parse(&input.copy_source)?;
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let read = cx.store().snapshot();
        let upload = multipart::find(&read, &bucket.place, &input.key, &input.upload_id).await?;
        let expected = input.expected_source_bucket_owner.as_deref();
        let (from, read, version) =
            copy_source::find(cx, &source, expected, &copy_condition!(input)).await?;
        let bytes = match &input.copy_source_range {
            Some(header) => range::parse_copy(header, version.size)?,
            None => 0..version.size,
        };
        if bytes.end - bytes.start > MOST {
            let size = bytes.end - bytes.start;
            return Err(S3Error::EntityTooLarge { size, most: MOST }.into());
        }
        let body = open(cx, &read, &from.place, &version, bytes).await;
        let body = body.map_err(copy_source::broken)?;
        let algorithm = multipart::algorithm(&upload);
        let promise = Promise { algorithm, value: None, md5: None };
        let received = receive(cx, &self.garbage, body, &promise).await;
        let received = received.map_err(copy_source::inward)?;
        let at = (input.key.as_str(), input.upload_id.as_str(), number);
        let part = store(cx, &bucket.place, at, &received).await?;
        self.garbage.wake();
        let mut result = CopyPartResult {
            e_tag: Some(quoted(&part.etag)),
            last_modified: Some(Timestamp::from_secs(part.modified)),
            ..CopyPartResult::default()
        };
        if upload.asked {
            checksum::show!(result, upload.algorithm.as_str(), part.checksum);
        }
        Ok(UploadPartCopyOutput {
            copy_source_version_id: shown_version(&from, &version),
            copy_part_result: Some(result),
            server_side_encryption: Some("AES256".to_owned()),
            ..UploadPartCopyOutput::default()
        })
    }
}
