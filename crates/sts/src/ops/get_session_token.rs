//! GetSessionToken: temporary credentials of the calling user, who may with them what the user may,
//! but nothing of IAM's and of STS's only AssumeRole and GetCallerIdentity.
//!
//! Refuses sessions of roles, as AWS does, and the account's root, whose temporary credentials
//! nothing here would tell from its own. There is no MFA.

use cumulet_api_sts::ops::{GetSessionToken, GetSessionTokenRequest, GetSessionTokenResponse};
use cumulet_service::{Access, Cx, Handle, Principal, Result};

use super::{issue, refuse_mfa};
use crate::Sts;
use crate::error::Error;

/// Seconds that the credentials last where the request does not say: 12 hours.
const USUAL: i32 = 43_200;

impl Handle<GetSessionToken> for Sts {
    async fn access(&self, _: &Cx, _: &GetSessionTokenRequest) -> Result<Vec<Access>> {
        // "No permissions are required for users to perform this operation" (STS API reference).
        Ok(Vec::new())
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: GetSessionTokenRequest,
    ) -> Result<GetSessionTokenResponse> {
        refuse_mfa(input.serial_number.as_ref(), input.token_code.as_ref())?;
        let Principal::User { account, name, path, id, issued_at: None } = cx.principal().clone()
        else {
            return Err(
                Error::AccessDenied("Cannot call GetSessionToken with these credentials").into()
            );
        };
        let issued_at = Some(cx.now().secs());
        let principal = Principal::User { account, name, path, id, issued_at };
        let seconds = input.duration_seconds.unwrap_or(USUAL);
        let credentials = issue(cx, principal, seconds, input.minimum_session_token_size)?;
        Ok(GetSessionTokenResponse {
            credentials: Some(credentials),
            ..GetSessionTokenResponse::default()
        })
    }
}
