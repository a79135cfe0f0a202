//! DeleteResourcePolicy: takes the policy off a table.
//!
//! Promises: with the answer it decides nothing any more. That there was none is no error; then the
//! answer has no revision.
//! Refuses: a table that is not there, a policy that changed since the caller saw it.

use std::sync::Mutex;

use cumulet_api_dynamodb::ops::{
    DeleteResourcePolicy, DeleteResourcePolicyInput, DeleteResourcePolicyOutput,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::DynamoDb;
use crate::resource_policy;

impl Handle<DeleteResourcePolicy> for DynamoDb {
    async fn access(&self, cx: &Cx, input: &DeleteResourcePolicyInput) -> Result<Vec<Access>> {
        let name = resource_policy::table(cx, "DeleteResourcePolicy", &input.resource_arn)?;
        Ok(vec![self.on_table(cx, "dynamodb:DeleteResourcePolicy", &name).await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: DeleteResourcePolicyInput,
    ) -> Result<DeleteResourcePolicyOutput> {
        let name = resource_policy::table(cx, "DeleteResourcePolicy", &input.resource_arn)?;
        let expected = input.expected_revision_id.as_deref();
        // The last run of the transaction is the one that counts.
        let removed = Mutex::new(None);
        self.change(cx, &name, |table| {
            resource_policy::check_revision(table, expected)?;
            let revision = table.policy.take().map(|policy| policy.revision);
            *removed.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = revision;
            Ok(Vec::new())
        })
        .await?;
        let revision_id = removed.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        Ok(DeleteResourcePolicyOutput { revision_id })
    }
}
