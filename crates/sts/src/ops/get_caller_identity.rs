//! GetCallerIdentity: account, ARN and unique id of the caller. Needs no leave, and no policy can
//! deny it.

use cumulet_api_sts::ops::{
    GetCallerIdentity, GetCallerIdentityRequest, GetCallerIdentityResponse,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Sts;

impl Handle<GetCallerIdentity> for Sts {
    async fn access(&self, _: &Cx, _: &GetCallerIdentityRequest) -> Result<Vec<Access>> {
        // "No permissions are required to perform this operation" (STS API reference).
        Ok(Vec::new())
    }

    async fn handle(
        &self,
        cx: &Cx,
        _: GetCallerIdentityRequest,
    ) -> Result<GetCallerIdentityResponse> {
        let who = cx.principal();
        Ok(GetCallerIdentityResponse {
            user_id: Some(who.user_id()),
            account: Some(cx.account().as_str().to_owned()),
            arn: Some(who.arn()),
        })
    }
}
