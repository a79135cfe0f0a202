//! GetObject: gives an object's bytes, all or a range or a part of them.
//!
//! Promises: conditions are answered in RFC 9110's order; one range is followed, anything else
//! answered whole; a checksum is shown where it is asked for and the answer is the whole object.
//! Refuses a missing key with 404 only to who may list the bucket.

use cumulet_api_s3::ops::{GetObject, GetObjectOutput, GetObjectRequest};
use cumulet_service::{Access, Cx, Error, Handle, Result};
use cumulet_shape::Streaming;

use crate::S3;
use crate::fetch::{self, show_found, wanted};
use crate::send::{OpenError, open};

/// How often an object may be replaced under a reader's eyes.
const ATTEMPTS: usize = 5;

impl Handle<GetObject> for S3 {
    async fn access(&self, cx: &Cx, input: &GetObjectRequest) -> Result<Vec<Access>> {
        let object = (input.bucket.as_str(), input.key.as_str(), input.version_id.as_deref());
        let actions = ("s3:GetObject", "s3:GetObjectVersion");
        fetch::tagged_access(cx, object, input.expected_bucket_owner.as_deref(), actions).await
    }

    async fn handle(&self, cx: &Cx, input: GetObjectRequest) -> Result<GetObjectOutput> {
        for _ in 0..ATTEMPTS {
            let found = fetch::find(cx, &wanted!(input)).await?;
            let place = &found.bucket.place;
            let opened = open(cx, &found.read, place, &found.version, found.range.clone()).await;
            let body = match opened {
                Ok(body) => body,
                Err(OpenError::Replaced) => continue,
                Err(OpenError::Other(error)) => return Err(error),
            };
            let mut output =
                GetObjectOutput { body: Some(Streaming(body)), ..GetObjectOutput::default() };
            show_found!(output, input, found);
            return Ok(output);
        }
        Err(Error::unavailable("the object's file is not there"))
    }
}
