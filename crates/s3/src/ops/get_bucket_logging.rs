//! GetBucketLogging: there is none, since access logs cannot be configured here.

use cumulet_api_s3::ops::{GetBucketLogging, GetBucketLoggingOutput, GetBucketLoggingRequest};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::S3;
use crate::access::on_bucket;
use crate::store::bucket;

impl Handle<GetBucketLogging> for S3 {
    async fn access(&self, cx: &Cx, input: &GetBucketLoggingRequest) -> Result<Vec<Access>> {
        let expected = input.expected_bucket_owner.as_deref();
        on_bucket(cx, &input.bucket, expected, "s3:GetBucketLogging").await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: GetBucketLoggingRequest,
    ) -> Result<GetBucketLoggingOutput> {
        bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        Ok(GetBucketLoggingOutput::default())
    }
}
