//! GetBucketLocation: the bucket's region; nothing for us-east-1.

use cumulet_api_s3::ops::{GetBucketLocation, GetBucketLocationOutput, GetBucketLocationRequest};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::S3;
use crate::access::on_bucket;
use crate::store::bucket;

impl Handle<GetBucketLocation> for S3 {
    async fn access(&self, cx: &Cx, input: &GetBucketLocationRequest) -> Result<Vec<Access>> {
        let expected = input.expected_bucket_owner.as_deref();
        on_bucket(cx, &input.bucket, expected, "s3:GetBucketLocation").await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: GetBucketLocationRequest,
    ) -> Result<GetBucketLocationOutput> {
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let region = Some(bucket.place.region.to_string());
        Ok(GetBucketLocationOutput { location_constraint: region.filter(|r| r != "us-east-1") })
    }
}
