//! PutBucketTagging: gives the bucket these tags and no others.

use cumulet_api_s3::ops::{PutBucketTagging, PutBucketTaggingOutput, PutBucketTaggingRequest};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::S3;
use crate::access::on_bucket;
use crate::model::TagsRecord;
use crate::store::bucket;
use crate::store::put_config;
use crate::tags::{self, TAGS};

impl Handle<PutBucketTagging> for S3 {
    async fn access(&self, cx: &Cx, input: &PutBucketTaggingRequest) -> Result<Vec<Access>> {
        let expected = input.expected_bucket_owner.as_deref();
        on_bucket(cx, &input.bucket, expected, "s3:PutBucketTagging").await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: PutBucketTaggingRequest,
    ) -> Result<PutBucketTaggingOutput> {
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let tags = tags::of_bucket(tags::read(input.tagging.tag_set))?;
        put_config(cx, &bucket.place, TAGS, &TagsRecord { tags }).await?;
        Ok(PutBucketTaggingOutput {})
    }
}
