//! GetUserAttributeVerificationCode: a code for an address of a signed-in user, at most five an hour.

use cumulet_api_cognito_idp::ops::{
    GetUserAttributeVerificationCode, GetUserAttributeVerificationCodeRequest,
    GetUserAttributeVerificationCodeResponse,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Cognito;
use crate::codes::Purpose;
use crate::error::Error;

impl Handle<GetUserAttributeVerificationCode> for Cognito {
    async fn access(
        &self,
        _: &Cx,
        _: &GetUserAttributeVerificationCodeRequest,
    ) -> Result<Vec<Access>> {
        // The access token says who asks; IAM has no say.
        Ok(vec![])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: GetUserAttributeVerificationCodeRequest,
    ) -> Result<GetUserAttributeVerificationCodeResponse> {
        let bearer = self.bearer(cx, &input.access_token).await?;
        let (pool, user, name) = (&bearer.pool, &bearer.user, input.attribute_name.as_str());
        let address = user.pending.get(name).map(String::as_str).or_else(|| user.attribute(name));
        let address = address.filter(|_| ["email", "phone_number"].contains(&name));
        let address =
            address.ok_or_else(|| Error::invalid("User does not have the attribute to verify."))?;
        let sent = cx
            .store()
            .transact(|tx| async move {
                let purpose = Purpose::Attribute(name);
                self.send_code(cx, &tx, pool, user, purpose, (name, address)).await
            })
            .await?;
        Ok(GetUserAttributeVerificationCodeResponse { code_delivery_details: Some(sent) })
    }
}
