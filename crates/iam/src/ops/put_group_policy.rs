//! PutGroupPolicy: writes an inline policy of a group, in the place of one of that name. Refuses a
//! text that is no policy, and inline policies that together pass the quota.

use cumulet_api_iam::ops::{PutGroupPolicy, PutGroupPolicyOutput};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::inline;
use crate::model::Group;

impl Handle<PutGroupPolicy> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<PutGroupPolicy as Operation>::Input,
    ) -> Result<Vec<Access>> {
        access::on::<Group>(cx, "iam:PutGroupPolicy", &input.group_name).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <PutGroupPolicy as Operation>::Input,
    ) -> Result<<PutGroupPolicy as Operation>::Output> {
        inline::put::<Group>(cx, &input.group_name, &input.policy_name, &input.policy_document)
            .await?;
        Ok(PutGroupPolicyOutput {})
    }
}
