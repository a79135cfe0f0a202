//! DeleteBucketCors: answers pages of other origins no more.

use cumulet_api_s3::ops::{DeleteBucketCors, DeleteBucketCorsOutput, DeleteBucketCorsRequest};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::S3;
use crate::access::on_bucket;
use crate::cors::CORS;
use crate::store::bucket;
use crate::store::delete_config;

impl Handle<DeleteBucketCors> for S3 {
    async fn access(&self, cx: &Cx, input: &DeleteBucketCorsRequest) -> Result<Vec<Access>> {
        let expected = input.expected_bucket_owner.as_deref();
        on_bucket(cx, &input.bucket, expected, "s3:PutBucketCORS").await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: DeleteBucketCorsRequest,
    ) -> Result<DeleteBucketCorsOutput> {
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        delete_config(cx, &bucket.place, CORS).await?;
        Ok(DeleteBucketCorsOutput {})
    }
}
