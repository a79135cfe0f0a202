//! CreatePolicyVersion: adds a version to a customer's managed policy, five at most, and lets it
//! count where that is asked for.

use cumulet_api_iam::ops::{CreatePolicyVersion, CreatePolicyVersionResponse};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::policies;
use crate::text;

impl Handle<CreatePolicyVersion> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<CreatePolicyVersion as Operation>::Input,
    ) -> Result<Vec<Access>> {
        access::on_policy(cx, "iam:CreatePolicyVersion", &input.policy_arn).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <CreatePolicyVersion as Operation>::Input,
    ) -> Result<<CreatePolicyVersion as Operation>::Output> {
        text::check_managed(&input.policy_document)?;
        let default = input.set_as_default.unwrap_or_default();
        let version =
            policies::add_version(cx, &input.policy_arn, &input.policy_document, default).await?;
        Ok(CreatePolicyVersionResponse { policy_version: Some(version) })
    }
}
