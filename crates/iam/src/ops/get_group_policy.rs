//! GetGroupPolicy: the text of an inline policy of a group, URL-encoded.

use cumulet_api_iam::ops::{GetGroupPolicy, GetGroupPolicyResponse};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::inline;
use crate::model::Group;

impl Handle<GetGroupPolicy> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<GetGroupPolicy as Operation>::Input,
    ) -> Result<Vec<Access>> {
        access::on::<Group>(cx, "iam:GetGroupPolicy", &input.group_name).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <GetGroupPolicy as Operation>::Input,
    ) -> Result<<GetGroupPolicy as Operation>::Output> {
        let policy_document =
            inline::get::<Group>(cx, &input.group_name, &input.policy_name).await?;
        Ok(GetGroupPolicyResponse {
            group_name: input.group_name,
            policy_name: input.policy_name,
            policy_document,
        })
    }
}
