//! SetDefaultPolicyVersion: lets another version of a managed policy count, for all who have it, at
//! once.

use cumulet_api_iam::ops::{SetDefaultPolicyVersion, SetDefaultPolicyVersionOutput};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::policies;

impl Handle<SetDefaultPolicyVersion> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<SetDefaultPolicyVersion as Operation>::Input,
    ) -> Result<Vec<Access>> {
        access::on_policy(cx, "iam:SetDefaultPolicyVersion", &input.policy_arn).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <SetDefaultPolicyVersion as Operation>::Input,
    ) -> Result<<SetDefaultPolicyVersion as Operation>::Output> {
        policies::set_default(cx, &input.policy_arn, &input.version_id).await?;
        Ok(SetDefaultPolicyVersionOutput {})
    }
}
