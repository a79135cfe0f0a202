//! DeletePolicyVersion: removes a version of a managed policy; not the one that counts.

use cumulet_api_iam::ops::{DeletePolicyVersion, DeletePolicyVersionOutput};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::policies;

impl Handle<DeletePolicyVersion> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<DeletePolicyVersion as Operation>::Input,
    ) -> Result<Vec<Access>> {
        access::on_policy(cx, "iam:DeletePolicyVersion", &input.policy_arn).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <DeletePolicyVersion as Operation>::Input,
    ) -> Result<<DeletePolicyVersion as Operation>::Output> {
        policies::delete_version(cx, &input.policy_arn, &input.version_id).await?;
        Ok(DeletePolicyVersionOutput {})
    }
}
