//! `AWS::S3::BucketPolicy`: its physical id is the bucket's name.

use cumulet_api_s3::ops::{
    DeleteBucketPolicy, DeleteBucketPolicyRequest, PutBucketPolicy, PutBucketPolicyRequest,
};
use cumulet_service::{Actual, BoxFuture, Changed, Cx, Desired, Error, Resource, Result};

use super::bucket::text;

/// The resource type.
#[derive(Debug)]
pub(crate) struct BucketPolicy;

impl Resource for BucketPolicy {
    fn type_name(&self) -> &'static str {
        "AWS::S3::BucketPolicy"
    }

    fn replaces(&self, property: &str) -> bool {
        property == "Bucket"
    }

    fn is_noted(&self) -> bool {
        false
    }

    fn create<'a>(&'a self, cx: &'a Cx, desired: Desired<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(put(cx, desired))
    }

    fn update<'a>(&'a self, cx: &'a Cx, changed: Changed<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(put(cx, changed.after))
    }

    fn delete<'a>(&'a self, cx: &'a Cx, physical_id: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let bucket = physical_id.to_owned();
            let input = DeleteBucketPolicyRequest { bucket, ..Default::default() };
            match cx.call::<DeleteBucketPolicy>(input).await {
                Err(error) if error.code != "NoSuchBucket" => Err(error),
                _ => Ok(()),
            }
        })
    }
}

async fn put(cx: &Cx, desired: Desired<'_>) -> Result<Actual> {
    let bucket = text(desired.properties, "Bucket")?
        .ok_or_else(|| Error::validation("#: required key [Bucket] not found"))?;
    let document = desired.properties.get("PolicyDocument");
    let document =
        document.ok_or_else(|| Error::validation("#: required key [PolicyDocument] not found"))?;
    let policy = match document {
        serde_json::Value::String(text) => text.clone(),
        document => document.to_string(),
    };
    let input = PutBucketPolicyRequest { bucket: bucket.clone(), policy, ..Default::default() };
    cx.call::<PutBucketPolicy>(input).await?;
    Ok(Actual { physical_id: bucket, ..Actual::default() })
}
