//! PutBucketOwnershipControls: who owns what others write into the bucket.

use cumulet_api_s3::ops::{
    PutBucketOwnershipControls, PutBucketOwnershipControlsOutput, PutBucketOwnershipControlsRequest,
};
use cumulet_api_s3::types::ObjectOwnership;
use cumulet_service::{Access, Cx, Handle, Result};

use crate::S3;
use crate::access::on_bucket;
use crate::error::S3Error;
use crate::model::Ownership;
use crate::store::bucket;
use crate::store::change_bucket;

impl Handle<PutBucketOwnershipControls> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &PutBucketOwnershipControlsRequest,
    ) -> Result<Vec<Access>> {
        let expected = input.expected_bucket_owner.as_deref();
        on_bucket(cx, &input.bucket, expected, "s3:PutBucketOwnershipControls").await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: PutBucketOwnershipControlsRequest,
    ) -> Result<PutBucketOwnershipControlsOutput> {
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let [rule] = input.ownership_controls.rules.as_slice() else {
            return Err(S3Error::MalformedXml.into());
        };
        let ownership = match rule.object_ownership {
            ObjectOwnership::BucketOwnerEnforced => Ownership::BucketOwnerEnforced,
            ObjectOwnership::BucketOwnerPreferred => Ownership::BucketOwnerPreferred,
            ObjectOwnership::ObjectWriter => Ownership::ObjectWriter,
        };
        change_bucket(cx, &bucket.place, |record| record.ownership = Some(ownership)).await?;
        Ok(PutBucketOwnershipControlsOutput {})
    }
}
