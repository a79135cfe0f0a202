//! GetUserPolicy: the text of an inline policy of a user, URL-encoded.

use cumulet_api_iam::ops::{GetUserPolicy, GetUserPolicyResponse};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::inline;
use crate::model::User;

impl Handle<GetUserPolicy> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<GetUserPolicy as Operation>::Input,
    ) -> Result<Vec<Access>> {
        access::on::<User>(cx, "iam:GetUserPolicy", &input.user_name).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <GetUserPolicy as Operation>::Input,
    ) -> Result<<GetUserPolicy as Operation>::Output> {
        let policy_document = inline::get::<User>(cx, &input.user_name, &input.policy_name).await?;
        Ok(GetUserPolicyResponse {
            user_name: input.user_name,
            policy_name: input.policy_name,
            policy_document,
        })
    }
}
