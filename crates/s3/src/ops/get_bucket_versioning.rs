//! GetBucketVersioning: whether versions are kept; nothing for a bucket that never did.

use cumulet_api_s3::ops::{
    GetBucketVersioning, GetBucketVersioningOutput, GetBucketVersioningRequest,
};
use cumulet_api_s3::types::BucketVersioningStatus;
use cumulet_service::{Access, Cx, Handle, Result};

use crate::S3;
use crate::access::on_bucket;
use crate::model::Versioning;
use crate::store::bucket;

impl Handle<GetBucketVersioning> for S3 {
    async fn access(&self, cx: &Cx, input: &GetBucketVersioningRequest) -> Result<Vec<Access>> {
        let expected = input.expected_bucket_owner.as_deref();
        on_bucket(cx, &input.bucket, expected, "s3:GetBucketVersioning").await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: GetBucketVersioningRequest,
    ) -> Result<GetBucketVersioningOutput> {
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let status = bucket.record.versioning.map(|versioning| match versioning {
            Versioning::Enabled => BucketVersioningStatus::Enabled,
            Versioning::Suspended => BucketVersioningStatus::Suspended,
        });
        Ok(GetBucketVersioningOutput { status, mfa_delete: None })
    }
}
