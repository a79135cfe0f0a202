//! GetObjectLockConfiguration: there is none, since Object Lock cannot be configured here.

use cumulet_api_s3::ops::{
    GetObjectLockConfiguration, GetObjectLockConfigurationOutput, GetObjectLockConfigurationRequest,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::S3;
use crate::access::on_bucket;
use crate::error::S3Error;
use crate::store::bucket;

impl Handle<GetObjectLockConfiguration> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &GetObjectLockConfigurationRequest,
    ) -> Result<Vec<Access>> {
        let expected = input.expected_bucket_owner.as_deref();
        on_bucket(cx, &input.bucket, expected, "s3:GetBucketObjectLockConfiguration").await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: GetObjectLockConfigurationRequest,
    ) -> Result<GetObjectLockConfigurationOutput> {
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let (code, message) = (
            "ObjectLockConfigurationNotFoundError",
            "Object Lock configuration does not exist for this bucket",
        );
        Err(S3Error::absent(code, message, &bucket.place.name).into())
    }
}
