//! GetPolicy: a managed policy, the customer's or AWS's own, without its text.

use cumulet_api_iam::ops::{GetPolicy, GetPolicyResponse};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::policies;

impl Handle<GetPolicy> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<GetPolicy as Operation>::Input,
    ) -> Result<Vec<Access>> {
        access::on_policy(cx, "iam:GetPolicy", &input.policy_arn).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <GetPolicy as Operation>::Input,
    ) -> Result<<GetPolicy as Operation>::Output> {
        let policy = Some(policies::describe(cx, &input.policy_arn).await?);
        Ok(GetPolicyResponse { policy })
    }
}
