//! DeleteBucketEncryption: back to SSE-S3.

use cumulet_api_s3::ops::{
    DeleteBucketEncryption, DeleteBucketEncryptionOutput, DeleteBucketEncryptionRequest,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::S3;
use crate::access::on_bucket;
use crate::store::bucket;
use crate::store::change_bucket;

impl Handle<DeleteBucketEncryption> for S3 {
    async fn access(&self, cx: &Cx, input: &DeleteBucketEncryptionRequest) -> Result<Vec<Access>> {
        let expected = input.expected_bucket_owner.as_deref();
        on_bucket(cx, &input.bucket, expected, "s3:PutEncryptionConfiguration").await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: DeleteBucketEncryptionRequest,
    ) -> Result<DeleteBucketEncryptionOutput> {
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        change_bucket(cx, &bucket.place, |record| record.encryption = None).await?;
        Ok(DeleteBucketEncryptionOutput {})
    }
}
