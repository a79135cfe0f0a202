//! GetBucketPolicyStatus: whether the bucket's policy is public.

use cumulet_api_s3::ops::{
    GetBucketPolicyStatus, GetBucketPolicyStatusOutput, GetBucketPolicyStatusRequest,
};
use cumulet_api_s3::types::PolicyStatus;
use cumulet_service::{Access, Cx, Handle, Result};

use crate::S3;
use crate::access::POLICY;
use crate::access::on_bucket;
use crate::error::S3Error;
use crate::model::PolicyRecord;
use crate::store::bucket;
use crate::store::config;

impl Handle<GetBucketPolicyStatus> for S3 {
    async fn access(&self, cx: &Cx, input: &GetBucketPolicyStatusRequest) -> Result<Vec<Access>> {
        let expected = input.expected_bucket_owner.as_deref();
        on_bucket(cx, &input.bucket, expected, "s3:GetBucketPolicyStatus").await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: GetBucketPolicyStatusRequest,
    ) -> Result<GetBucketPolicyStatusOutput> {
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let found = config::<PolicyRecord>(cx, &bucket.place, POLICY).await?;
        let missing = || {
            S3Error::absent(
                "NoSuchBucketPolicy",
                "The bucket policy does not exist",
                &bucket.place.name,
            )
        };
        let is_public = Some(found.ok_or_else(missing)?.public);
        Ok(GetBucketPolicyStatusOutput { policy_status: Some(PolicyStatus { is_public }) })
    }
}
