//! PutBucketVersioning: keeps every version from now on, or stops doing so. It cannot be undone to
//! "never versioned". Refuses MFA delete, which needs a device of root's.

use cumulet_api_s3::ops::{
    PutBucketVersioning, PutBucketVersioningOutput, PutBucketVersioningRequest,
};
use cumulet_api_s3::types::{BucketVersioningStatus, MFADelete};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::S3;
use crate::access::on_bucket;
use crate::error::S3Error;
use crate::model::Versioning;
use crate::store::bucket;
use crate::store::change_bucket;

impl Handle<PutBucketVersioning> for S3 {
    async fn access(&self, cx: &Cx, input: &PutBucketVersioningRequest) -> Result<Vec<Access>> {
        let expected = input.expected_bucket_owner.as_deref();
        on_bucket(cx, &input.bucket, expected, "s3:PutBucketVersioning").await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: PutBucketVersioningRequest,
    ) -> Result<PutBucketVersioningOutput> {
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let asked = input.versioning_configuration;
        if asked.mfa_delete == Some(MFADelete::Enabled) {
            return Err(S3Error::NotImplemented.into());
        }
        let versioning = match asked.status {
            Some(BucketVersioningStatus::Enabled) => Versioning::Enabled,
            Some(BucketVersioningStatus::Suspended) => Versioning::Suspended,
            None => return Err(S3Error::MalformedXml.into()),
        };
        change_bucket(cx, &bucket.place, |record| record.versioning = Some(versioning)).await?;
        Ok(PutBucketVersioningOutput {})
    }
}
