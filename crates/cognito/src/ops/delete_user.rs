//! DeleteUser: a signed-in user deletes himself, with all sessions.

use cumulet_api_cognito_idp::ops::{DeleteUser, DeleteUserOutput, DeleteUserRequest};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Cognito;
use crate::users;

impl Handle<DeleteUser> for Cognito {
    async fn access(&self, _: &Cx, _: &DeleteUserRequest) -> Result<Vec<Access>> {
        // The access token says who asks; IAM has no say.
        Ok(vec![])
    }

    async fn handle(&self, cx: &Cx, input: DeleteUserRequest) -> Result<DeleteUserOutput> {
        let bearer = self.bearer(cx, &input.access_token).await?;
        users::delete(cx, &bearer.pool, &bearer.user.sub).await?;
        Ok(DeleteUserOutput {})
    }
}
