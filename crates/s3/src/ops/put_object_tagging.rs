//! PutObjectTagging: gives an object these tags and no others, at most ten.

use cumulet_api_s3::ops::{PutObjectTagging, PutObjectTaggingOutput, PutObjectTaggingRequest};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::S3;
use crate::fetch;
use crate::object::shown_version;
use crate::store::bucket;
use crate::tags;

impl Handle<PutObjectTagging> for S3 {
    async fn access(&self, cx: &Cx, input: &PutObjectTaggingRequest) -> Result<Vec<Access>> {
        let object = (input.bucket.as_str(), input.key.as_str(), input.version_id.as_deref());
        let actions = ("s3:PutObjectTagging", "s3:PutObjectVersionTagging");
        let expected = input.expected_bucket_owner.as_deref();
        let accesses = fetch::tagged_access(cx, object, expected, actions).await?;
        let tags = tags::read(input.tagging.tag_set.clone());
        Ok(accesses.into_iter().map(|access| tags::requested(access, &tags)).collect())
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
