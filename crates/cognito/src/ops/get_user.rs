//! GetUser: the attributes of whoever has the access token, those that the client may read.

use cumulet_api_cognito_idp::ops::{GetUser, GetUserRequest, GetUserResponse};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Cognito;
use crate::users;

impl Handle<GetUser> for Cognito {
    async fn access(&self, _: &Cx, _: &GetUserRequest) -> Result<Vec<Access>> {
        // The access token says who asks; IAM has no say.
        Ok(vec![])
    }

    async fn handle(&self, cx: &Cx, input: GetUserRequest) -> Result<GetUserResponse> {
        let bearer = self.bearer(cx, &input.access_token).await?;
        Ok(GetUserResponse {
            user_attributes: users::attributes(&bearer.user, |name| bearer.client.reads(name)),
            username: bearer.user.username,
            ..GetUserResponse::default()
        })
    }
}
