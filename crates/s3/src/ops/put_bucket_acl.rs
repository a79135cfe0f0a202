//! PutBucketAcl: takes only what says what holds anyway, since ACLs are off.

use cumulet_api_s3::ops::{PutBucketAcl, PutBucketAclOutput, PutBucketAclRequest};
use cumulet_api_s3::types::BucketCannedACL;
use cumulet_service::{Access, Cx, Handle, Result};

use crate::S3;
use crate::access::on_bucket;
use crate::asked::{acl_keys, with_all};
use crate::error::S3Error;
use crate::store::bucket;

impl Handle<PutBucketAcl> for S3 {
    async fn access(&self, cx: &Cx, input: &PutBucketAclRequest) -> Result<Vec<Access>> {
        let expected = input.expected_bucket_owner.as_deref();
        let accesses = on_bucket(cx, &input.bucket, expected, "s3:PutBucketAcl").await?;
        Ok(accesses.into_iter().map(|access| with_all(access, acl_keys!(input))).collect())
    }

    async fn handle(&self, cx: &Cx, input: PutBucketAclRequest) -> Result<PutBucketAclOutput> {
        bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let private = matches!(input.acl, Some(BucketCannedACL::Private));
        let grants = [
            &input.grant_full_control,
            &input.grant_read,
            &input.grant_read_acp,
            &input.grant_write,
            &input.grant_write_acp,
        ];
        if !private || grants.iter().any(|grant| grant.is_some()) {
            return Err(S3Error::AccessControlListNotSupported.into());
        }
        Ok(PutBucketAclOutput {})
    }
}
