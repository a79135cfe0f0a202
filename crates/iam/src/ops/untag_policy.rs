//! UntagPolicy: removes tags from a customer's managed policy.

use cumulet_api_iam::ops::{UntagPolicy, UntagPolicyOutput};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::model::Policy;
use crate::policies;
use crate::tags;

impl Handle<UntagPolicy> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<UntagPolicy as Operation>::Input,
    ) -> Result<Vec<Access>> {
        let access = access::on_policy(cx, "iam:UntagPolicy", &input.policy_arn).await?;
        Ok(access.into_iter().map(|it| it.untagging(input.tag_keys.clone())).collect())
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <UntagPolicy as Operation>::Input,
    ) -> Result<<UntagPolicy as Operation>::Output> {
        let policy = policies::own(cx, &input.policy_arn).await?;
        tags::remove::<Policy>(cx, &policy.name, &input.tag_keys).await?;
        Ok(UntagPolicyOutput {})
    }
}
