//! DeleteRolePolicy: takes an inline policy from a role; NoSuchEntity where there is none.

use cumulet_api_iam::ops::{DeleteRolePolicy, DeleteRolePolicyOutput};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::inline;
use crate::model::Role;

impl Handle<DeleteRolePolicy> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<DeleteRolePolicy as Operation>::Input,
    ) -> Result<Vec<Access>> {
        access::on_bounded::<Role>(cx, "iam:DeleteRolePolicy", &input.role_name).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <DeleteRolePolicy as Operation>::Input,
    ) -> Result<<DeleteRolePolicy as Operation>::Output> {
        inline::delete::<Role>(cx, &input.role_name, &input.policy_name).await?;
        Ok(DeleteRolePolicyOutput {})
    }
}
