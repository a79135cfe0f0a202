//! DetachGroupPolicy: takes a managed policy from a group; NoSuchEntity where it is not attached.

use cumulet_api_iam::ops::{DetachGroupPolicy, DetachGroupPolicyOutput};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::attached;
use crate::model::Group;

impl Handle<DetachGroupPolicy> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<DetachGroupPolicy as Operation>::Input,
    ) -> Result<Vec<Access>> {
        let accesses = access::on::<Group>(cx, "iam:DetachGroupPolicy", &input.group_name).await?;
        Ok(access::of_policy(accesses, &input.policy_arn))
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <DetachGroupPolicy as Operation>::Input,
    ) -> Result<<DetachGroupPolicy as Operation>::Output> {
        attached::detach::<Group>(cx, &input.group_name, &input.policy_arn).await?;
        Ok(DetachGroupPolicyOutput {})
    }
}
