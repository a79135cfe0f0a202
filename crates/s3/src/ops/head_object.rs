//! HeadObject: what GetObject would answer, without the bytes.

use cumulet_api_s3::ops::{HeadObject, HeadObjectOutput, HeadObjectRequest};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::S3;
use crate::fetch::{self, show_found, wanted};

impl Handle<HeadObject> for S3 {
    async fn access(&self, cx: &Cx, input: &HeadObjectRequest) -> Result<Vec<Access>> {
        let object = (input.bucket.as_str(), input.key.as_str(), input.version_id.as_deref());
        let actions = ("s3:GetObject", "s3:GetObjectVersion");
        fetch::tagged_access(cx, object, input.expected_bucket_owner.as_deref(), actions).await
    }

    async fn handle(&self, cx: &Cx, input: HeadObjectRequest) -> Result<HeadObjectOutput> {
        let found = fetch::find(cx, &wanted!(input)).await?;
        let mut output = HeadObjectOutput::default();
        show_found!(output, input, found);
        Ok(output)
    }
}
