//! PutBucketWebsite: makes a website of the bucket.
//!
//! Refuses a configuration that is neither a redirect of everything nor one with an index document,
//! and more than 50 routing rules.

use cumulet_api_s3::ops::{PutBucketWebsite, PutBucketWebsiteOutput, PutBucketWebsiteRequest};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::S3;
use crate::access::on_bucket;
use crate::store::bucket;
use crate::store::put_config;
use crate::website::{self, WEBSITE};

impl Handle<PutBucketWebsite> for S3 {
    async fn access(&self, cx: &Cx, input: &PutBucketWebsiteRequest) -> Result<Vec<Access>> {
        let expected = input.expected_bucket_owner.as_deref();
        on_bucket(cx, &input.bucket, expected, "s3:PutBucketWebsite").await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: PutBucketWebsiteRequest,
    ) -> Result<PutBucketWebsiteOutput> {
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let record = website::read(input.website_configuration)?;
        put_config(cx, &bucket.place, WEBSITE, &record).await?;
        website::list(cx, &bucket.place).await?;
        Ok(PutBucketWebsiteOutput {})
    }
}
