//! GetPublicAccessBlock: which public access is blocked.

use cumulet_api_s3::ops::{
    GetPublicAccessBlock, GetPublicAccessBlockOutput, GetPublicAccessBlockRequest,
};
use cumulet_api_s3::types::PublicAccessBlockConfiguration;
use cumulet_service::{Access, Cx, Handle, Result};

use crate::S3;
use crate::access::on_bucket;
use crate::error::S3Error;
use crate::store::bucket;

impl Handle<GetPublicAccessBlock> for S3 {
    async fn access(&self, cx: &Cx, input: &GetPublicAccessBlockRequest) -> Result<Vec<Access>> {
        let expected = input.expected_bucket_owner.as_deref();
        on_bucket(cx, &input.bucket, expected, "s3:GetBucketPublicAccessBlock").await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: GetPublicAccessBlockRequest,
    ) -> Result<GetPublicAccessBlockOutput> {
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let missing = || {
            let message = "The public access block configuration was not found";
            S3Error::absent("NoSuchPublicAccessBlockConfiguration", message, &bucket.place.name)
        };
        let block = bucket.record.public_access.ok_or_else(missing)?;
        let shown = PublicAccessBlockConfiguration {
            block_public_acls: Some(block.block_acls),
            ignore_public_acls: Some(block.ignore_acls),
            block_public_policy: Some(block.block_policy),
            restrict_public_buckets: Some(block.restrict_buckets),
        };
        Ok(GetPublicAccessBlockOutput { public_access_block_configuration: Some(shown) })
    }
}
