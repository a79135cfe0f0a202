//! DetachRolePolicy: takes a managed policy from a role; NoSuchEntity where it is not attached.

use cumulet_api_iam::ops::{DetachRolePolicy, DetachRolePolicyOutput};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::attached;
use crate::model::Role;

impl Handle<DetachRolePolicy> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<DetachRolePolicy as Operation>::Input,
    ) -> Result<Vec<Access>> {
        let accesses =
            access::on_bounded::<Role>(cx, "iam:DetachRolePolicy", &input.role_name).await?;
        Ok(access::of_policy(accesses, &input.policy_arn))
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <DetachRolePolicy as Operation>::Input,
    ) -> Result<<DetachRolePolicy as Operation>::Output> {
        attached::detach::<Role>(cx, &input.role_name, &input.policy_arn).await?;
        Ok(DetachRolePolicyOutput {})
    }
}
