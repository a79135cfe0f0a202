//! TagPolicy: adds tags to a customer's managed policy.

use cumulet_api_iam::ops::{TagPolicy, TagPolicyOutput};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::model::Policy;
use crate::policies;
use crate::tags;

impl Handle<TagPolicy> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<TagPolicy as Operation>::Input,
    ) -> Result<Vec<Access>> {
        let access = access::on_policy(cx, "iam:TagPolicy", &input.policy_arn).await?;
        Ok(access.into_iter().map(|it| access::tagging(it, &input.tags)).collect())
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <TagPolicy as Operation>::Input,
    ) -> Result<<TagPolicy as Operation>::Output> {
        let policy = policies::own(cx, &input.policy_arn).await?;
        tags::add::<Policy>(cx, &policy.name, &input.tags).await?;
        Ok(TagPolicyOutput {})
    }
}
