//! AttachGroupPolicy: gives a group a managed policy. Refuses one that does not exist, and more
//! than ten. Attaching what is attached changes nothing.

use cumulet_api_iam::ops::{AttachGroupPolicy, AttachGroupPolicyOutput};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::attached;
use crate::model::Group;

impl Handle<AttachGroupPolicy> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<AttachGroupPolicy as Operation>::Input,
    ) -> Result<Vec<Access>> {
        let accesses = access::on::<Group>(cx, "iam:AttachGroupPolicy", &input.group_name).await?;
        Ok(access::of_policy(accesses, &input.policy_arn))
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <AttachGroupPolicy as Operation>::Input,
    ) -> Result<<AttachGroupPolicy as Operation>::Output> {
        attached::attach::<Group>(cx, &input.group_name, &input.policy_arn).await?;
        Ok(AttachGroupPolicyOutput {})
    }
}
