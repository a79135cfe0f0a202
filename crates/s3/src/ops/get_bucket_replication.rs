//! GetBucketReplication: there is none, since replication cannot be configured here.

use cumulet_api_s3::ops::{
    GetBucketReplication, GetBucketReplicationOutput, GetBucketReplicationRequest,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::S3;
use crate::access::on_bucket;
use crate::error::S3Error;
use crate::store::bucket;

impl Handle<GetBucketReplication> for S3 {
    async fn access(&self, cx: &Cx, input: &GetBucketReplicationRequest) -> Result<Vec<Access>> {
        let expected = input.expected_bucket_owner.as_deref();
        on_bucket(cx, &input.bucket, expected, "s3:GetReplicationConfiguration").await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: GetBucketReplicationRequest,
    ) -> Result<GetBucketReplicationOutput> {
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let (code, message) = (
            "ReplicationConfigurationNotFoundError",
            "The replication configuration was not found",
        );
        Err(S3Error::absent(code, message, &bucket.place.name).into())
    }
}
