//! GlobalSignOut: ends all of a user's sessions, durably.

use cumulet_api_cognito_idp::ops::{GlobalSignOut, GlobalSignOutRequest, GlobalSignOutResponse};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Cognito;
use crate::store;

impl Handle<GlobalSignOut> for Cognito {
    async fn access(&self, _: &Cx, _: &GlobalSignOutRequest) -> Result<Vec<Access>> {
        // The access token says who asks; IAM has no say.
        Ok(vec![])
    }

    async fn handle(&self, cx: &Cx, input: GlobalSignOutRequest) -> Result<GlobalSignOutResponse> {
        let bearer = self.bearer(cx, &input.access_token).await?;
        let (place, sub) = (&bearer.pool.place, &bearer.user.sub);
        let ended =
            cx.store().transact(|tx| async move { store::end_sessions(&tx, place, sub).await });
        ended.await?;
        Ok(GlobalSignOutResponse {})
    }
}
