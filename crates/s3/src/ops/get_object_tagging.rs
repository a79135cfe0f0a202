//! GetObjectTagging: an object's tags; an object without any has an empty set.

use cumulet_api_s3::ops::{GetObjectTagging, GetObjectTaggingOutput, GetObjectTaggingRequest};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::S3;
use crate::fetch;
use crate::object::shown_version;
use crate::store::bucket;
use crate::tags;

impl Handle<GetObjectTagging> for S3 {
    async fn access(&self, cx: &Cx, input: &GetObjectTaggingRequest) -> Result<Vec<Access>> {
        let object = (input.bucket.as_str(), input.key.as_str(), input.version_id.as_deref());
        let actions = ("s3:GetObjectTagging", "s3:GetObjectVersionTagging");
        let expected = input.expected_bucket_owner.as_deref();
        fetch::tagged_access(cx, object, expected, actions).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: GetObjectTaggingRequest,
    ) -> Result<GetObjectTaggingOutput> {
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let version = input.version_id.as_deref();
        let (_, found) = fetch::existing(cx, &bucket, &input.key, version).await?;
        Ok(GetObjectTaggingOutput {
            version_id: shown_version(&bucket, &found),
            tag_set: tags::show(&found.tags),
        })
    }
}
