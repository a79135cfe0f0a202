//! DeleteBucketOwnershipControls: removes the bucket's ownership controls.

use cumulet_api_s3::ops::{
    DeleteBucketOwnershipControls, DeleteBucketOwnershipControlsOutput,
    DeleteBucketOwnershipControlsRequest,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::S3;
use crate::access::on_bucket;
use crate::store::bucket;
use crate::store::change_bucket;

impl Handle<DeleteBucketOwnershipControls> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &DeleteBucketOwnershipControlsRequest,
    ) -> Result<Vec<Access>> {
        let expected = input.expected_bucket_owner.as_deref();
        on_bucket(cx, &input.bucket, expected, "s3:PutBucketOwnershipControls").await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: DeleteBucketOwnershipControlsRequest,
    ) -> Result<DeleteBucketOwnershipControlsOutput> {
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        change_bucket(cx, &bucket.place, |record| record.ownership = None).await?;
        Ok(DeleteBucketOwnershipControlsOutput {})
    }
}
