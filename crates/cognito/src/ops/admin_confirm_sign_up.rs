//! AdminConfirmSignUp: confirms a user without a code; no address is verified by it.

use cumulet_api_cognito_idp::ops::{
    AdminConfirmSignUp, AdminConfirmSignUpRequest, AdminConfirmSignUpResponse,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Cognito;
use crate::error::Error;
use crate::model::Status;
use crate::users::{change, on_pool, pool_of};

impl Handle<AdminConfirmSignUp> for Cognito {
    async fn access(&self, cx: &Cx, input: &AdminConfirmSignUpRequest) -> Result<Vec<Access>> {
        on_pool(cx, "cognito-idp:AdminConfirmSignUp", &input.user_pool_id).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: AdminConfirmSignUpRequest,
    ) -> Result<AdminConfirmSignUpResponse> {
        let pool = pool_of(cx, &input.user_pool_id).await?;
        change(cx, &pool, &input.username, |user| {
            if user.status != Status::Unconfirmed {
                let text = "User cannot be confirmed. Current status is CONFIRMED";
                return Err(Error::NotAuthorized(text).into());
            }
            user.status = Status::Confirmed;
            Ok(())
        })
        .await?;
        Ok(AdminConfirmSignUpResponse {})
    }
}
