//! DeleteBucketWebsite: the bucket is no website any more.

use cumulet_api_s3::ops::{
    DeleteBucketWebsite, DeleteBucketWebsiteOutput, DeleteBucketWebsiteRequest,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::S3;
use crate::access::on_bucket;
use crate::store::bucket;
use crate::store::delete_config;
use crate::website::{self, WEBSITE};

impl Handle<DeleteBucketWebsite> for S3 {
    async fn access(&self, cx: &Cx, input: &DeleteBucketWebsiteRequest) -> Result<Vec<Access>> {
        let expected = input.expected_bucket_owner.as_deref();
        on_bucket(cx, &input.bucket, expected, "s3:DeleteBucketWebsite").await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: DeleteBucketWebsiteRequest,
    ) -> Result<DeleteBucketWebsiteOutput> {
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        delete_config(cx, &bucket.place, WEBSITE).await?;
        website::list(cx, &bucket.place).await?;
        Ok(DeleteBucketWebsiteOutput {})
    }
}
