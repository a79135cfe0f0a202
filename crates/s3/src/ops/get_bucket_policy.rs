//! GetBucketPolicy: the bucket's policy, as it was put.

use cumulet_api_s3::ops::{GetBucketPolicy, GetBucketPolicyOutput, GetBucketPolicyRequest};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::S3;
use crate::access::POLICY;
use crate::access::on_policy;
use crate::error::S3Error;
use crate::model::PolicyRecord;
use crate::store::bucket;
use crate::store::config;

impl Handle<GetBucketPolicy> for S3 {
    async fn access(&self, cx: &Cx, input: &GetBucketPolicyRequest) -> Result<Vec<Access>> {
        let expected = input.expected_bucket_owner.as_deref();
        on_policy(cx, &input.bucket, expected, "s3:GetBucketPolicy").await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: GetBucketPolicyRequest,
    ) -> Result<GetBucketPolicyOutput> {
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let found = config::<PolicyRecord>(cx, &bucket.place, POLICY).await?;
        let missing = || {
            S3Error::absent(
                "NoSuchBucketPolicy",
                "The bucket policy does not exist",
                &bucket.place.name,
            )
        };
        Ok(GetBucketPolicyOutput { policy: Some(found.ok_or_else(missing)?.text) })
    }
}
