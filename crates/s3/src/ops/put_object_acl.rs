//! PutObjectAcl: takes only what says what holds anyway, since ACLs are off.

use cumulet_api_s3::ops::{PutObjectAcl, PutObjectAclOutput, PutObjectAclRequest};
use cumulet_api_s3::types::ObjectCannedACL;
use cumulet_service::{Access, Cx, Handle, Result};

use crate::S3;
use crate::asked::{acl_keys, with_all};
use crate::error::S3Error;
use crate::fetch;
use crate::store::bucket;

impl Handle<PutObjectAcl> for S3 {
    async fn access(&self, cx: &Cx, input: &PutObjectAclRequest) -> Result<Vec<Access>> {
        let object = (input.bucket.as_str(), input.key.as_str(), input.version_id.as_deref());
        let actions = ("s3:PutObjectAcl", "s3:PutObjectVersionAcl");
        let expected = input.expected_bucket_owner.as_deref();
        let accesses = fetch::tagged_access(cx, object, expected, actions).await?;
        Ok(accesses.into_iter().map(|access| with_all(access, acl_keys!(input))).collect())
    }

    async fn handle(&self, cx: &Cx, input: PutObjectAclRequest) -> Result<PutObjectAclOutput> {
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        fetch::existing(cx, &bucket, &input.key, input.version_id.as_deref()).await?;
        let owners = [ObjectCannedACL::Private, ObjectCannedACL::BucketOwnerFullControl];
        let grants = [
            &input.grant_full_control,
            &input.grant_read,
            &input.grant_read_acp,
            &input.grant_write,
            &input.grant_write_acp,
        ];
        let own = input.acl.is_some_and(|acl| owners.contains(&acl));
        if !own || grants.iter().any(|grant| grant.is_some()) {
            return Err(S3Error::AccessControlListNotSupported.into());
        }
        Ok(PutObjectAclOutput::default())
    }
}
