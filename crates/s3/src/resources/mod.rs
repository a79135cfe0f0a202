//! What stacks make of S3.

mod bucket;
mod bucket_policy;
mod properties;

pub(crate) use bucket::Bucket;
pub(crate) use bucket_policy::BucketPolicy;
