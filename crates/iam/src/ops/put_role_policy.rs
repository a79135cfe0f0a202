//! PutRolePolicy: writes an inline policy of a role, in the place of one of that name. Refuses a
//! text that is no policy, and inline policies that together pass the quota.

use cumulet_api_iam::ops::{PutRolePolicy, PutRolePolicyOutput};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::inline;
use crate::model::Role;

impl Handle<PutRolePolicy> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<PutRolePolicy as Operation>::Input,
    ) -> Result<Vec<Access>> {
        access::on_bounded::<Role>(cx, "iam:PutRolePolicy", &input.role_name).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <PutRolePolicy as Operation>::Input,
    ) -> Result<<PutRolePolicy as Operation>::Output> {
        inline::put::<Role>(cx, &input.role_name, &input.policy_name, &input.policy_document)
            .await?;
        Ok(PutRolePolicyOutput {})
    }
}
