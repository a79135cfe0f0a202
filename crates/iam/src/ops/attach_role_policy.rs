//! AttachRolePolicy: gives a role a managed policy. Refuses one that does not exist, and more than
//! ten. Attaching what is attached changes nothing.

use cumulet_api_iam::ops::{AttachRolePolicy, AttachRolePolicyOutput};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::attached;
use crate::model::Role;

impl Handle<AttachRolePolicy> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<AttachRolePolicy as Operation>::Input,
    ) -> Result<Vec<Access>> {
        let accesses =
            access::on_bounded::<Role>(cx, "iam:AttachRolePolicy", &input.role_name).await?;
        Ok(access::of_policy(accesses, &input.policy_arn))
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <AttachRolePolicy as Operation>::Input,
    ) -> Result<<AttachRolePolicy as Operation>::Output> {
        attached::attach::<Role>(cx, &input.role_name, &input.policy_arn).await?;
        Ok(AttachRolePolicyOutput {})
    }
}
