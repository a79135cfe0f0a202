//! DeletePublicAccessBlock: blocks nothing any more.

use cumulet_api_s3::ops::{
    DeletePublicAccessBlock, DeletePublicAccessBlockOutput, DeletePublicAccessBlockRequest,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::S3;
use crate::access::on_bucket;
use crate::store::bucket;
use crate::store::change_bucket;

impl Handle<DeletePublicAccessBlock> for S3 {
    async fn access(&self, cx: &Cx, input: &DeletePublicAccessBlockRequest) -> Result<Vec<Access>> {
        let expected = input.expected_bucket_owner.as_deref();
        on_bucket(cx, &input.bucket, expected, "s3:PutBucketPublicAccessBlock").await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: DeletePublicAccessBlockRequest,
    ) -> Result<DeletePublicAccessBlockOutput> {
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        change_bucket(cx, &bucket.place, |record| record.public_access = None).await?;
        Ok(DeletePublicAccessBlockOutput {})
    }
}
