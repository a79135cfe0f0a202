//! PutResourcePolicy: attaches a policy to a table, in place of the one it has.
//!
//! Promises: with the answer the policy is durable and decides, with the callers' own policies, on
//! every request for the table and its indexes. The same policy again keeps its revision.
//! Refuses: what is no policy, more than 20 KB, a table that is not there, a policy that changed
//! since the caller saw it, and a policy that would keep the caller from changing it again, unless
//! that is confirmed.

use std::sync::Arc;

use cumulet_api_dynamodb::ops::{
    PutResourcePolicy, PutResourcePolicyInput, PutResourcePolicyOutput,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::DynamoDb;
use crate::error::Error;
use crate::resource_policy;

impl Handle<PutResourcePolicy> for DynamoDb {
    async fn access(&self, cx: &Cx, input: &PutResourcePolicyInput) -> Result<Vec<Access>> {
        let name = resource_policy::table(cx, "PutResourcePolicy", &input.resource_arn)?;
        Ok(vec![self.on_table(cx, "dynamodb:PutResourcePolicy", &name).await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: PutResourcePolicyInput,
    ) -> Result<PutResourcePolicyOutput> {
        let name = resource_policy::table(cx, "PutResourcePolicy", &input.resource_arn)?;
        let (record, document) = resource_policy::record(&input.policy, cx.ids().uuid())?;
        if input.confirm_remove_self_resource_access != Some(true) {
            let access = self.on_table(cx, "dynamodb:PutResourcePolicy", &name).await?;
            if !cx.allows(&access.under(Some(Arc::new(document)))).await? {
                return Err(Error::Validation(
                    "The policy would not allow the caller to change it in the future; confirm \
                     that with ConfirmRemoveSelfResourceAccess"
                        .to_owned(),
                )
                .into());
            }
        }
        let expected = input.expected_revision_id.as_deref();
        let table = self
            .change(cx, &name, |table| {
                resource_policy::check_revision(table, expected)?;
                let same = table.policy.as_ref().is_some_and(|policy| policy.text == record.text);
                if !same {
                    table.policy = Some(record.clone());
                }
                Ok(Vec::new())
            })
            .await?;
        let revision = table.record.policy.as_ref().map(|policy| policy.revision.clone());
        Ok(PutResourcePolicyOutput { revision_id: revision })
    }
}
