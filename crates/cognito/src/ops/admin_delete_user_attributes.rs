//! AdminDeleteUserAttributes: removes attributes of a user that none requires.

use cumulet_api_cognito_idp::ops::{
    AdminDeleteUserAttributes, AdminDeleteUserAttributesRequest, AdminDeleteUserAttributesResponse,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Cognito;
use crate::users::{self, on_pool, pool_of};

impl Handle<AdminDeleteUserAttributes> for Cognito {
    async fn access(
        &self,
        cx: &Cx,
        input: &AdminDeleteUserAttributesRequest,
    ) -> Result<Vec<Access>> {
        on_pool(cx, "cognito-idp:AdminDeleteUserAttributes", &input.user_pool_id).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: AdminDeleteUserAttributesRequest,
    ) -> Result<AdminDeleteUserAttributesResponse> {
        let pool = pool_of(cx, &input.user_pool_id).await?;
        users::delete_attributes(cx, &pool, &input.username, &input.user_attribute_names).await?;
        Ok(AdminDeleteUserAttributesResponse {})
    }
}
