//! HeadBucket: whether a bucket is there and may be listed, and in which region it lies.

use cumulet_api_s3::ops::{HeadBucket, HeadBucketOutput, HeadBucketRequest};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::S3;
use crate::access::on_bucket;
use crate::store::bucket;

impl Handle<HeadBucket> for S3 {
    async fn access(&self, cx: &Cx, input: &HeadBucketRequest) -> Result<Vec<Access>> {
        let expected = input.expected_bucket_owner.as_deref();
        let accesses = on_bucket(cx, &input.bucket, expected, "s3:ListBucket").await;
        match accesses {
            Ok(accesses) => Ok(accesses),
            Err(mut error) => {
                // Clients look for the region in refusals too.
                let found = crate::store::place(&cx.store().snapshot(), &input.bucket).await?;
                let region = found.map(|place| place.region.to_string());
                error.headers.extend(region.map(|region| ("x-amz-bucket-region", region)));
                Err(error)
            }
        }
    }

    async fn handle(&self, cx: &Cx, input: HeadBucketRequest) -> Result<HeadBucketOutput> {
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        Ok(HeadBucketOutput {
            bucket_arn: Some(bucket.place.arn().as_str().to_owned()),
            bucket_region: Some(bucket.place.region.to_string()),
            access_point_alias: Some(false),
            ..HeadBucketOutput::default()
        })
    }
}
