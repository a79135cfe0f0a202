//! DeleteUserAttributes: a signed-in user removes attributes that the client may write and none requires.

use cumulet_api_cognito_idp::ops::{
    DeleteUserAttributes, DeleteUserAttributesRequest, DeleteUserAttributesResponse,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Cognito;
use crate::users;

impl Handle<DeleteUserAttributes> for Cognito {
    async fn access(&self, _: &Cx, _: &DeleteUserAttributesRequest) -> Result<Vec<Access>> {
        // The access token says who asks; IAM has no say.
        Ok(vec![])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: DeleteUserAttributesRequest,
    ) -> Result<DeleteUserAttributesResponse> {
        let bearer = self.bearer(cx, &input.access_token).await?;
        users::check_writes(&bearer.client, &input.user_attribute_names)?;
        users::delete_attributes(cx, &bearer.pool, &bearer.user.sub, &input.user_attribute_names)
            .await?;
        Ok(DeleteUserAttributesResponse {})
    }
}
