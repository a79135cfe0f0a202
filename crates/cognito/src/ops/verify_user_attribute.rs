//! VerifyUserAttribute: a signed-in user shows by a code that an address is his; one that waited for it
//! takes effect.

use cumulet_api_cognito_idp::ops::{
    VerifyUserAttribute, VerifyUserAttributeRequest, VerifyUserAttributeResponse,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Cognito;
use crate::codes::Purpose;
use crate::store::Subject;
use crate::users::change_with;

impl Handle<VerifyUserAttribute> for Cognito {
    async fn access(&self, _: &Cx, _: &VerifyUserAttributeRequest) -> Result<Vec<Access>> {
        // The access token says who asks; IAM has no say.
        Ok(vec![])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: VerifyUserAttributeRequest,
    ) -> Result<VerifyUserAttributeResponse> {
        let bearer = self.bearer(cx, &input.access_token).await?;
        let (pool, user, name) = (&bearer.pool, &bearer.user, input.attribute_name.as_str());
        let subject = Subject::User(&user.sub);
        let checked =
            self.check_code(cx, pool, &subject, Purpose::Attribute(name), &input.code).await?;
        change_with(cx, pool, &user.sub, |tx, mut user| {
            let checked = &checked;
            async move {
                checked.spend(&tx, pool, &user).await?;
                if let Some(value) = user.pending.remove(name) {
                    user.attributes.insert(name.to_owned(), value);
                }
                user.verify(name, true);
                Ok(user)
            }
        })
        .await?;
        Ok(VerifyUserAttributeResponse {})
    }
}
