//! DeletePolicy: removes a customer's managed policy that nobody has any more and that has one
//! version.

use cumulet_api_iam::ops::{DeletePolicy, DeletePolicyOutput};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::policies;

impl Handle<DeletePolicy> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<DeletePolicy as Operation>::Input,
    ) -> Result<Vec<Access>> {
        access::on_policy(cx, "iam:DeletePolicy", &input.policy_arn).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <DeletePolicy as Operation>::Input,
    ) -> Result<<DeletePolicy as Operation>::Output> {
        policies::delete(cx, &input.policy_arn).await?;
        Ok(DeletePolicyOutput {})
    }
}
