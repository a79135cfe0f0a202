//! GetBucketTagging: the bucket's tags; none is an error.

use cumulet_api_s3::ops::{GetBucketTagging, GetBucketTaggingOutput, GetBucketTaggingRequest};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::S3;
use crate::access::on_bucket;
use crate::error::S3Error;
use crate::model::TagsRecord;
use crate::store::bucket;
use crate::store::config;
use crate::tags::{self, TAGS};

impl Handle<GetBucketTagging> for S3 {
    async fn access(&self, cx: &Cx, input: &GetBucketTaggingRequest) -> Result<Vec<Access>> {
        let expected = input.expected_bucket_owner.as_deref();
        on_bucket(cx, &input.bucket, expected, "s3:GetBucketTagging").await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: GetBucketTaggingRequest,
    ) -> Result<GetBucketTaggingOutput> {
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let missing =
            || S3Error::absent("NoSuchTagSet", "The TagSet does not exist", &bucket.place.name);
        let found = config::<TagsRecord>(cx, &bucket.place, TAGS).await?;
        Ok(GetBucketTaggingOutput { tag_set: tags::show(&found.ok_or_else(missing)?.tags) })
    }
}
