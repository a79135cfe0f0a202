//! GetBucketAcl: the owner's full control, which is all that there is: ACLs are off.

use cumulet_api_s3::ops::{GetBucketAcl, GetBucketAclOutput, GetBucketAclRequest};
use cumulet_api_s3::types::{Grant, Grantee, Permission, Type};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::S3;
use crate::access::on_bucket;
use crate::ops::listed;
use crate::store::bucket;

impl Handle<GetBucketAcl> for S3 {
    async fn access(&self, cx: &Cx, input: &GetBucketAclRequest) -> Result<Vec<Access>> {
        let expected = input.expected_bucket_owner.as_deref();
        on_bucket(cx, &input.bucket, expected, "s3:GetBucketAcl").await
    }

    async fn handle(&self, cx: &Cx, input: GetBucketAclRequest) -> Result<GetBucketAclOutput> {
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let owner = listed::owner(&bucket);
        let grantee =
            Grantee { id: owner.id.clone(), r#type: Type::CanonicalUser, ..Grantee::default() };
        let permission = Some(Permission::FullControl);
        let grants = vec![Grant { grantee: Some(grantee), permission }];
        Ok(GetBucketAclOutput { owner: Some(owner), grants: Some(grants) })
    }
}
