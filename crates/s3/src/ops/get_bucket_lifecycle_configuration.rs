//! GetBucketLifecycleConfiguration: there is none, since lifecycle rules cannot be configured here.

use cumulet_api_s3::ops::{
    GetBucketLifecycleConfiguration, GetBucketLifecycleConfigurationOutput,
    GetBucketLifecycleConfigurationRequest,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::S3;
use crate::access::on_bucket;
use crate::error::S3Error;
use crate::store::bucket;

impl Handle<GetBucketLifecycleConfiguration> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &GetBucketLifecycleConfigurationRequest,
    ) -> Result<Vec<Access>> {
        let expected = input.expected_bucket_owner.as_deref();
        on_bucket(cx, &input.bucket, expected, "s3:GetLifecycleConfiguration").await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: GetBucketLifecycleConfigurationRequest,
    ) -> Result<GetBucketLifecycleConfigurationOutput> {
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let (code, message) =
            ("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist");
        Err(S3Error::absent(code, message, &bucket.place.name).into())
    }
}
