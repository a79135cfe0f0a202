//! AdminUserGlobalSignOut: ends all of a user's sessions, durably.

use cumulet_api_cognito_idp::ops::{
    AdminUserGlobalSignOut, AdminUserGlobalSignOutRequest, AdminUserGlobalSignOutResponse,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Cognito;
use crate::store;
use crate::users::{on_pool, pool_of};

impl Handle<AdminUserGlobalSignOut> for Cognito {
    async fn access(&self, cx: &Cx, input: &AdminUserGlobalSignOutRequest) -> Result<Vec<Access>> {
        on_pool(cx, "cognito-idp:AdminUserGlobalSignOut", &input.user_pool_id).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: AdminUserGlobalSignOutRequest,
    ) -> Result<AdminUserGlobalSignOutResponse> {
        let pool = pool_of(cx, &input.user_pool_id).await?;
        let user = store::known_user(&cx.store().snapshot(), &pool, &input.username).await?;
        let (place, sub) = (&pool.place, &user.sub);
        let ended =
            cx.store().transact(|tx| async move { store::end_sessions(&tx, place, sub).await });
        ended.await?;
        Ok(AdminUserGlobalSignOutResponse {})
    }
}
