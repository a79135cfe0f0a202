//! GetObjectAcl: the owner's full control, which is all that there is: ACLs are off.

use cumulet_api_s3::ops::{GetObjectAcl, GetObjectAclOutput, GetObjectAclRequest};
use cumulet_api_s3::types::{Grant, Grantee, Permission, Type};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::S3;
use crate::fetch;
use crate::ops::listed;
use crate::store::bucket;

impl Handle<GetObjectAcl> for S3 {
    async fn access(&self, cx: &Cx, input: &GetObjectAclRequest) -> Result<Vec<Access>> {
        let object = (input.bucket.as_str(), input.key.as_str(), input.version_id.as_deref());
        let actions = ("s3:GetObjectAcl", "s3:GetObjectVersionAcl");
        let expected = input.expected_bucket_owner.as_deref();
        fetch::tagged_access(cx, object, expected, actions).await
    }

    async fn handle(&self, cx: &Cx, input: GetObjectAclRequest) -> Result<GetObjectAclOutput> {
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        fetch::existing(cx, &bucket, &input.key, input.version_id.as_deref()).await?;
        let owner = listed::owner(&bucket);
        let grantee =
            Grantee { id: owner.id.clone(), r#type: Type::CanonicalUser, ..Grantee::default() };
        let permission = Some(Permission::FullControl);
        let grants = vec![Grant { grantee: Some(grantee), permission }];
        Ok(GetObjectAclOutput { owner: Some(owner), grants: Some(grants), ..Default::default() })
    }
}
