//! GetBucketOwnershipControls: who owns what others write into the bucket.

use cumulet_api_s3::ops::{
    GetBucketOwnershipControls, GetBucketOwnershipControlsOutput, GetBucketOwnershipControlsRequest,
};
use cumulet_api_s3::types::{ObjectOwnership, OwnershipControls, OwnershipControlsRule};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::S3;
use crate::access::on_bucket;
use crate::error::S3Error;
use crate::model::Ownership;
use crate::store::bucket;

impl Handle<GetBucketOwnershipControls> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &GetBucketOwnershipControlsRequest,
    ) -> Result<Vec<Access>> {
        let expected = input.expected_bucket_owner.as_deref();
        on_bucket(cx, &input.bucket, expected, "s3:GetBucketOwnershipControls").await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: GetBucketOwnershipControlsRequest,
    ) -> Result<GetBucketOwnershipControlsOutput> {
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let missing = || {
            let message = "The bucket ownership controls were not found";
            S3Error::absent("OwnershipControlsNotFoundError", message, &bucket.place.name)
        };
        let object_ownership = match bucket.record.ownership.ok_or_else(missing)? {
            Ownership::BucketOwnerEnforced => ObjectOwnership::BucketOwnerEnforced,
            Ownership::BucketOwnerPreferred => ObjectOwnership::BucketOwnerPreferred,
            Ownership::ObjectWriter => ObjectOwnership::ObjectWriter,
        };
        let rules = vec![OwnershipControlsRule { object_ownership }];
        Ok(GetBucketOwnershipControlsOutput {
            ownership_controls: Some(OwnershipControls { rules }),
        })
    }
}
