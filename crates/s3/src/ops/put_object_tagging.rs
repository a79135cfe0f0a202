//! PutObjectTagging: gives an object these tags and no others, at most ten.

use cumulet_api_s3::ops::{PutObjectTagging, PutObjectTaggingOutput, PutObjectTaggingRequest};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::S3;
use crate::access::on_object;
use crate::object::shown_version;
use crate::store::bucket;
use crate::tags;

impl Handle<PutObjectTagging> for S3 {
    async fn access(&self, cx: &Cx, input: &PutObjectTaggingRequest) -> Result<Vec<Access>> {
        let expected = input.expected_bucket_owner.as_deref();
        on_object(cx, &input.bucket, &input.key, expected, "s3:PutObjectTagging").await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: PutObjectTaggingRequest,
    ) -> Result<PutObjectTaggingOutput> {
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let tags = tags::of_object(tags::read(input.tagging.tag_set))?;
        let version = input.version_id.as_deref();
        let changed = tags::put(cx, &bucket, &input.key, version, &tags).await?;
        Ok(PutObjectTaggingOutput { version_id: shown_version(&bucket, &changed) })
    }
}
