//! PutBucketPolicy: attaches a policy to the bucket.
//!
//! Refuses what is no policy of this bucket, and public policies where they are blocked.

use cumulet_api_s3::ops::{PutBucketPolicy, PutBucketPolicyOutput, PutBucketPolicyRequest};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::S3;
use crate::access::POLICY;
use crate::access::on_policy;
use crate::error::S3Error;
use crate::model::PolicyRecord;
use crate::policy;
use crate::store::bucket;
use crate::store::put_config;

impl Handle<PutBucketPolicy> for S3 {
    async fn access(&self, cx: &Cx, input: &PutBucketPolicyRequest) -> Result<Vec<Access>> {
        let expected = input.expected_bucket_owner.as_deref();
        on_policy(cx, &input.bucket, expected, "s3:PutBucketPolicy").await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: PutBucketPolicyRequest,
    ) -> Result<PutBucketPolicyOutput> {
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let public = policy::check(&input.policy, &bucket.place.name)?;
        if public && bucket.record.public_access.is_some_and(|block| block.block_policy) {
            return Err(S3Error::BlockedPublicPolicy.into());
        }
        let record = PolicyRecord { text: input.policy, public };
        put_config(cx, &bucket.place, POLICY, &record).await?;
        Ok(PutBucketPolicyOutput {})
    }
}
