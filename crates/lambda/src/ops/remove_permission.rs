//! RemovePermission: takes a statement out of a policy; with the last one the policy goes.

use cumulet_api_lambda::ops::{RemovePermission, RemovePermissionOutput, RemovePermissionRequest};
use cumulet_service::{Access, Cx, Error as ServiceError, Handle, Result};
use cumulet_store::Tx;
use serde_json::Value;

use crate::Lambda;
use crate::access::on_function;
use crate::error::Error;
use crate::name::FunctionName;
use crate::policy;
use crate::resolve::check_revision;
use crate::url::AUTH_TYPE;

impl Handle<RemovePermission> for Lambda {
    async fn access(&self, cx: &Cx, input: &RemovePermissionRequest) -> Result<Vec<Access>> {
        let name = FunctionName::qualified(cx, &input.function_name, input.qualifier.as_deref())?;
        let access = on_function(cx, "lambda:RemovePermission", &name).await?;
        let policy = name.load_policy(&cx.store().snapshot()).await?;
        let statement = policy.as_ref().and_then(|it| policy::named(it, &input.statement_id));
        let Some(statement) = statement else { return Ok(vec![access]) };
        let access = access.with_some("lambda:Principal", policy::principal_of(statement));
        Ok(vec![access.with_some(AUTH_TYPE, policy::auth_of(statement))])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: RemovePermissionRequest,
    ) -> Result<RemovePermissionOutput> {
        let name = FunctionName::qualified(cx, &input.function_name, input.qualifier.as_deref())?;
        let (name, input) = (&name, &input);
        cx.store()
            .transact(|tx: Tx| async move {
                name.load(&tx).await?;
                let mut policy = name.load_policy(&tx).await?.ok_or_else(Error::nothing_there)?;
                check_revision(input.revision_id.as_deref(), &policy.revision)?;
                let sid = Some(input.statement_id.as_str());
                let before = policy.statements.len();
                policy.statements.retain(|s| s.get("Sid").and_then(Value::as_str) != sid);
                if policy.statements.len() == before {
                    return Err(Error::NotFound(format!(
                        "Statement {} is not found in resource policy.",
                        input.statement_id
                    ))
                    .into());
                }
                if policy.statements.is_empty() {
                    tx.delete(name.policy());
                } else {
                    policy.revision = cx.ids().uuid();
                    tx.put_record(name.policy(), &policy);
                }
                Ok::<_, ServiceError>(())
            })
            .await?;
        Ok(RemovePermissionOutput::default())
    }
}
