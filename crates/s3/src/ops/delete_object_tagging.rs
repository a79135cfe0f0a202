//! DeleteObjectTagging: removes an object's tags.

use cumulet_api_s3::ops::{
    DeleteObjectTagging, DeleteObjectTaggingOutput, DeleteObjectTaggingRequest,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::S3;
use crate::fetch;
use crate::object::shown_version;
use crate::store::bucket;
use crate::tags;

impl Handle<DeleteObjectTagging> for S3 {
    async fn access(&self, cx: &Cx, input: &DeleteObjectTaggingRequest) -> Result<Vec<Access>> {
        let object = (input.bucket.as_str(), input.key.as_str(), input.version_id.as_deref());
        let actions = ("s3:DeleteObjectTagging", "s3:DeleteObjectVersionTagging");
        let expected = input.expected_bucket_owner.as_deref();
        fetch::tagged_access(cx, object, expected, actions).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: DeleteObjectTaggingRequest,
    ) -> Result<DeleteObjectTaggingOutput> {
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let version = input.version_id.as_deref();
        let changed = tags::put(cx, &bucket, &input.key, version, &Vec::new()).await?;
        Ok(DeleteObjectTaggingOutput { version_id: shown_version(&bucket, &changed) })
    }
}
