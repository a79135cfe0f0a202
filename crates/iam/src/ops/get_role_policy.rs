//! GetRolePolicy: the text of an inline policy of a role, URL-encoded.

use cumulet_api_iam::ops::{GetRolePolicy, GetRolePolicyResponse};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::inline;
use crate::model::Role;

impl Handle<GetRolePolicy> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<GetRolePolicy as Operation>::Input,
    ) -> Result<Vec<Access>> {
        access::on::<Role>(cx, "iam:GetRolePolicy", &input.role_name).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <GetRolePolicy as Operation>::Input,
    ) -> Result<<GetRolePolicy as Operation>::Output> {
        let policy_document = inline::get::<Role>(cx, &input.role_name, &input.policy_name).await?;
        Ok(GetRolePolicyResponse {
            role_name: input.role_name,
            policy_name: input.policy_name,
            policy_document,
        })
    }
}
