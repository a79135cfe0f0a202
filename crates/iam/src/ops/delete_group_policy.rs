//! DeleteGroupPolicy: takes an inline policy from a group; NoSuchEntity where there is none.

use cumulet_api_iam::ops::{DeleteGroupPolicy, DeleteGroupPolicyOutput};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::inline;
use crate::model::Group;

impl Handle<DeleteGroupPolicy> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<DeleteGroupPolicy as Operation>::Input,
    ) -> Result<Vec<Access>> {
        access::on::<Group>(cx, "iam:DeleteGroupPolicy", &input.group_name).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <DeleteGroupPolicy as Operation>::Input,
    ) -> Result<<DeleteGroupPolicy as Operation>::Output> {
        inline::delete::<Group>(cx, &input.group_name, &input.policy_name).await?;
        Ok(DeleteGroupPolicyOutput {})
    }
}
