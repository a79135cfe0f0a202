//! GetBucketWebsite: how the bucket is a website.

use cumulet_api_s3::ops::{GetBucketWebsite, GetBucketWebsiteOutput, GetBucketWebsiteRequest};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::S3;
use crate::access::on_bucket;
use crate::error::S3Error;
use crate::model::WebsiteRecord;
use crate::store::bucket;
use crate::store::config;
use crate::website::{self, WEBSITE};

impl Handle<GetBucketWebsite> for S3 {
    async fn access(&self, cx: &Cx, input: &GetBucketWebsiteRequest) -> Result<Vec<Access>> {
        let expected = input.expected_bucket_owner.as_deref();
        on_bucket(cx, &input.bucket, expected, "s3:GetBucketWebsite").await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: GetBucketWebsiteRequest,
    ) -> Result<GetBucketWebsiteOutput> {
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let missing = || {
            let message = "The specified bucket does not have a website configuration";
            S3Error::absent("NoSuchWebsiteConfiguration", message, &bucket.place.name)
        };
        let found = config::<WebsiteRecord>(cx, &bucket.place, WEBSITE).await?;
        Ok(website::show(found.ok_or_else(missing)?))
    }
}
