//! DeleteBucketPolicy: removes the bucket's policy, whether it has one or not.

use cumulet_api_s3::ops::{
    DeleteBucketPolicy, DeleteBucketPolicyOutput, DeleteBucketPolicyRequest,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::S3;
use crate::access::POLICY;
use crate::access::on_policy;
use crate::store::bucket;
use crate::store::delete_config;

impl Handle<DeleteBucketPolicy> for S3 {
    async fn access(&self, cx: &Cx, input: &DeleteBucketPolicyRequest) -> Result<Vec<Access>> {
        let expected = input.expected_bucket_owner.as_deref();
        on_policy(cx, &input.bucket, expected, "s3:DeleteBucketPolicy").await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: DeleteBucketPolicyRequest,
    ) -> Result<DeleteBucketPolicyOutput> {
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        delete_config(cx, &bucket.place, POLICY).await?;
        Ok(DeleteBucketPolicyOutput {})
    }
}
