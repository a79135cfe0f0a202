//! AdminUpdateUserAttributes: changes any attribute of a user, marks of what is verified among
//! them.
//!
//! A new address is not verified unless the same request says so. (Whether AWS sends a code then is
//! not known here; none is sent.)

use cumulet_api_cognito_idp::ops::{
    AdminUpdateUserAttributes, AdminUpdateUserAttributesRequest, AdminUpdateUserAttributesResponse,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Cognito;
use crate::schema;
use crate::users::{change, on_pool, pool_of};

impl Handle<AdminUpdateUserAttributes> for Cognito {
    async fn access(
        &self,
        cx: &Cx,
        input: &AdminUpdateUserAttributesRequest,
    ) -> Result<Vec<Access>> {
        on_pool(cx, "cognito-idp:AdminUpdateUserAttributes", &input.user_pool_id).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: AdminUpdateUserAttributesRequest,
    ) -> Result<AdminUpdateUserAttributesResponse> {
        let pool = pool_of(cx, &input.user_pool_id).await?;
        let changes = schema::by_name(Some(&input.user_attributes));
        let schema = pool.settings.schema_attributes.as_deref().unwrap_or_default();
        schema::check(schema, &changes)?;
        for name in changes.keys() {
            schema::check_mutable(schema, name)?;
        }
        change(cx, &pool, &input.username, |user| {
            for (name, value) in &changes {
                if ["email", "phone_number"].contains(&name.as_str()) {
                    user.pending.remove(name);
                    if user.attribute(name) != Some(value) {
                        user.verify(name, false);
                    }
                }
                user.attributes.insert(name.clone(), value.clone());
            }
            // Said last, for it to hold of the new address.
            for (name, value) in changes.iter().filter(|(name, _)| name.ends_with("_verified")) {
                user.attributes.insert(name.clone(), value.clone());
            }
            Ok(())
        })
        .await?;
        Ok(AdminUpdateUserAttributesResponse {})
    }
}
