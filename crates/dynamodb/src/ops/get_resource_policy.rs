//! GetResourcePolicy: the policy that is attached to a table, as it was put.
//!
//! Refuses: a table that is not there, or has no policy.

use cumulet_api_dynamodb::ops::{
    GetResourcePolicy, GetResourcePolicyInput, GetResourcePolicyOutput,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::DynamoDb;
use crate::error::Error;
use crate::resource_policy;

impl Handle<GetResourcePolicy> for DynamoDb {
    async fn access(&self, cx: &Cx, input: &GetResourcePolicyInput) -> Result<Vec<Access>> {
        let name = resource_policy::table(cx, "GetResourcePolicy", &input.resource_arn)?;
        Ok(vec![self.on_table(cx, "dynamodb:GetResourcePolicy", &name).await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: GetResourcePolicyInput,
    ) -> Result<GetResourcePolicyOutput> {
        let name = resource_policy::table(cx, "GetResourcePolicy", &input.resource_arn)?;
        let table = self.named(&name).await?.ok_or_else(|| Error::NoTable(name.name.clone()))?;
        let policy = table.record.policy.clone().ok_or(Error::NoPolicy)?;
        Ok(GetResourcePolicyOutput {
            policy: Some(policy.text),
            revision_id: Some(policy.revision),
        })
    }
}
