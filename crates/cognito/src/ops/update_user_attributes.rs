//! UpdateUserAttributes: a signed-in user changes attributes that the client may write.
//!
//! A new e-mail address or phone number is not verified, and gets a code where the pool verifies it; where
//! the pool wants it so, it takes effect only with that code.

use cumulet_api_cognito_idp::ops::{
    UpdateUserAttributes, UpdateUserAttributesRequest, UpdateUserAttributesResponse,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Cognito;
use crate::schema;
use crate::users;

impl Handle<UpdateUserAttributes> for Cognito {
    async fn access(&self, _: &Cx, _: &UpdateUserAttributesRequest) -> Result<Vec<Access>> {
        // The access token says who asks; IAM has no say.
        Ok(vec![])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: UpdateUserAttributesRequest,
    ) -> Result<UpdateUserAttributesResponse> {
        let bearer = self.bearer(cx, &input.access_token).await?;
        let changes = schema::by_name(Some(&input.user_attributes));
        users::check_writes(&bearer.client, changes.keys())?;
        let sent = self.update_own_attributes(cx, &bearer.pool, &bearer.user.sub, &changes).await?;
        Ok(UpdateUserAttributesResponse { code_delivery_details_list: Some(sent) })
    }
}
