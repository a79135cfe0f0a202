//! AdminResetUserPassword: a user must set a new password with a code, which is sent to him.
//!
//! Refuses users without a verified address. Sessions end.

use cumulet_api_cognito_idp::ops::{
    AdminResetUserPassword, AdminResetUserPasswordRequest, AdminResetUserPasswordResponse,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Cognito;
use crate::codes::Purpose;
use crate::error::Error;
use crate::model::Status;
use crate::store;
use crate::users::{change_with, on_pool, pool_of};

impl Handle<AdminResetUserPassword> for Cognito {
    async fn access(&self, cx: &Cx, input: &AdminResetUserPasswordRequest) -> Result<Vec<Access>> {
        on_pool(cx, "cognito-idp:AdminResetUserPassword", &input.user_pool_id).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: AdminResetUserPasswordRequest,
    ) -> Result<AdminResetUserPasswordResponse> {
        let pool = pool_of(cx, &input.user_pool_id).await?;
        change_with(cx, &pool, &input.username, |tx, mut user| {
            let pool = &pool;
            async move {
                let wanted = ["phone_number", "email"];
                let Some(to) = Self::reachable(&user, &wanted, true) else {
                    let text = "Cannot reset password for the user as there is no \
                                registered/verified email or phone_number";
                    return Err(Error::invalid(text).into());
                };
                self.send_code(cx, &tx, pool, &user, Purpose::Password, to).await?;
                store::end_sessions(&tx, &pool.place, &user.sub).await?;
                user.status = Status::ResetRequired;
                Ok(user)
            }
        })
        .await?;
        Ok(AdminResetUserPasswordResponse {})
    }
}
