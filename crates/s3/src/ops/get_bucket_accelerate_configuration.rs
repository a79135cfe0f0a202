//! GetBucketAccelerateConfiguration: there is none, since this cloud has no edge locations.

use cumulet_api_s3::ops::{
    GetBucketAccelerateConfiguration, GetBucketAccelerateConfigurationOutput,
    GetBucketAccelerateConfigurationRequest,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::S3;
use crate::access::on_bucket;
use crate::store::bucket;

impl Handle<GetBucketAccelerateConfiguration> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &GetBucketAccelerateConfigurationRequest,
    ) -> Result<Vec<Access>> {
        let expected = input.expected_bucket_owner.as_deref();
        on_bucket(cx, &input.bucket, expected, "s3:GetAccelerateConfiguration").await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: GetBucketAccelerateConfigurationRequest,
    ) -> Result<GetBucketAccelerateConfigurationOutput> {
        bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        Ok(GetBucketAccelerateConfigurationOutput::default())
    }
}
