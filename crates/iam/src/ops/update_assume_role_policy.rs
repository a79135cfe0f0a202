//! UpdateAssumeRolePolicy: puts another trust policy in the place of a role's.

use cumulet_api_iam::ops::{UpdateAssumeRolePolicy, UpdateAssumeRolePolicyOutput};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::model::Role;
use crate::store;
use crate::trust;

impl Handle<UpdateAssumeRolePolicy> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<UpdateAssumeRolePolicy as Operation>::Input,
    ) -> Result<Vec<Access>> {
        access::on_bounded::<Role>(cx, "iam:UpdateAssumeRolePolicy", &input.role_name).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <UpdateAssumeRolePolicy as Operation>::Input,
    ) -> Result<<UpdateAssumeRolePolicy as Operation>::Output> {
        let trusted = trust::check(cx, &input.policy_document).await?;
        let edit = |role: &mut Role| {
            role.trust.clone_from(&input.policy_document);
            role.trusted.clone_from(&trusted);
            Ok(())
        };
        store::change(cx, &input.role_name, edit).await?;
        Ok(UpdateAssumeRolePolicyOutput {})
    }
}
