//! DeleteBucketTagging: removes the bucket's tags.

use cumulet_api_s3::ops::{
    DeleteBucketTagging, DeleteBucketTaggingOutput, DeleteBucketTaggingRequest,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::S3;
use crate::access::on_bucket;
use crate::store::bucket;
use crate::store::delete_config;
use crate::tags::TAGS;

impl Handle<DeleteBucketTagging> for S3 {
    async fn access(&self, cx: &Cx, input: &DeleteBucketTaggingRequest) -> Result<Vec<Access>> {
        let expected = input.expected_bucket_owner.as_deref();
        on_bucket(cx, &input.bucket, expected, "s3:PutBucketTagging").await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: DeleteBucketTaggingRequest,
    ) -> Result<DeleteBucketTaggingOutput> {
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        delete_config(cx, &bucket.place, TAGS).await?;
        Ok(DeleteBucketTaggingOutput {})
    }
}
