//! GetUserPoolMfaConfig: how a pool asks for second factors.
//!
//! Pools of this cloud ask for none (CreateUserPool refuses the rest), which is what this says.

use cumulet_api_cognito_idp::ops::{
    GetUserPoolMfaConfig, GetUserPoolMfaConfigRequest, GetUserPoolMfaConfigResponse,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Cognito;
use crate::users::{on_pool, pool_of};

impl Handle<GetUserPoolMfaConfig> for Cognito {
    async fn access(&self, cx: &Cx, input: &GetUserPoolMfaConfigRequest) -> Result<Vec<Access>> {
        on_pool(cx, "cognito-idp:GetUserPoolMfaConfig", &input.user_pool_id).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: GetUserPoolMfaConfigRequest,
    ) -> Result<GetUserPoolMfaConfigResponse> {
        let pool = pool_of(cx, &input.user_pool_id).await?;
        Ok(GetUserPoolMfaConfigResponse {
            mfa_configuration: pool.settings.mfa_configuration,
            ..GetUserPoolMfaConfigResponse::default()
        })
    }
}
