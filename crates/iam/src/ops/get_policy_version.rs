//! GetPolicyVersion: a version of a managed policy with its text, URL-encoded.

use cumulet_api_iam::ops::{GetPolicyVersion, GetPolicyVersionResponse};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::policies;

impl Handle<GetPolicyVersion> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<GetPolicyVersion as Operation>::Input,
    ) -> Result<Vec<Access>> {
        access::on_policy(cx, "iam:GetPolicyVersion", &input.policy_arn).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <GetPolicyVersion as Operation>::Input,
    ) -> Result<<GetPolicyVersion as Operation>::Output> {
        let version = policies::version(cx, &input.policy_arn, &input.version_id).await?;
        Ok(GetPolicyVersionResponse { policy_version: Some(version) })
    }
}
