//! PutPublicAccessBlock: says which public access is blocked; what is left out is not.

use cumulet_api_s3::ops::{
    PutPublicAccessBlock, PutPublicAccessBlockOutput, PutPublicAccessBlockRequest,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::S3;
use crate::access::on_bucket;
use crate::model::PublicAccess;
use crate::store::bucket;
use crate::store::change_bucket;

impl Handle<PutPublicAccessBlock> for S3 {
    async fn access(&self, cx: &Cx, input: &PutPublicAccessBlockRequest) -> Result<Vec<Access>> {
        let expected = input.expected_bucket_owner.as_deref();
        on_bucket(cx, &input.bucket, expected, "s3:PutBucketPublicAccessBlock").await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: PutPublicAccessBlockRequest,
    ) -> Result<PutPublicAccessBlockOutput> {
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let asked = input.public_access_block_configuration;
        let block = PublicAccess {
            block_acls: asked.block_public_acls.unwrap_or_default(),
            ignore_acls: asked.ignore_public_acls.unwrap_or_default(),
            block_policy: asked.block_public_policy.unwrap_or_default(),
            restrict_buckets: asked.restrict_public_buckets.unwrap_or_default(),
        };
        change_bucket(cx, &bucket.place, |record| record.public_access = Some(block)).await?;
        Ok(PutPublicAccessBlockOutput {})
    }
}
