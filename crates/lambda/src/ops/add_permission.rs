//! AddPermission: lets somebody use a function, a version or an alias.
//!
//! Promises: requests that begin after the answer see the statement.
//! Refuses: a statement id that is taken, principals that are none, a policy above 20 KB.

use cumulet_api_lambda::errors::PolicyLengthExceededException;
use cumulet_api_lambda::ops::{AddPermission, AddPermissionRequest, AddPermissionResponse};
use cumulet_api_lambda::types::FunctionUrlAuthType;
use cumulet_service::{Access, Cx, Error as ServiceError, Handle, Result};
use cumulet_store::Tx;
use serde_json::Value;

use crate::Lambda;
use crate::access::on_function;
use crate::error::Error;
use crate::name::{FunctionName, LATEST};
use crate::policy;
use crate::resolve::{check_revision, version_number};
use crate::url::AUTH_TYPE;

impl Handle<AddPermission> for Lambda {
    async fn access(&self, cx: &Cx, input: &AddPermissionRequest) -> Result<Vec<Access>> {
        let name = FunctionName::qualified(cx, &input.function_name, input.qualifier.as_deref())?;
        let access = on_function(cx, "lambda:AddPermission", &name).await?;
        let access = access.with("lambda:Principal", vec![input.principal.clone()]);
        let auth = input.function_url_auth_type.map(FunctionUrlAuthType::as_str);
        Ok(vec![access.with_some(AUTH_TYPE, auth)])
    }

    async fn handle(&self, cx: &Cx, input: AddPermissionRequest) -> Result<AddPermissionResponse> {
        let name = FunctionName::qualified(cx, &input.function_name, input.qualifier.as_deref())?;
        if name.qualifier.as_deref() == Some(LATEST) {
            return Err(Error::Invalid(format!(
                "We currently do not support adding policies for {LATEST}."
            ))
            .into());
        }
        let statement = policy::statement(&input, &name.named_arn())?;
        let (name, input, new) = (&name, &input, &statement);
        cx.store()
            .transact(|tx: Tx| async move {
                exists(&tx, name).await?;
                let mut policy = name.load_policy(&tx).await?.unwrap_or_default();
                check_revision(input.revision_id.as_deref(), &policy.revision)?;
                let sid = Some(input.statement_id.as_str());
                if policy.statements.iter().any(|s| s.get("Sid").and_then(Value::as_str) == sid) {
                    return Err(Error::Conflict(format!(
                        "The statement id ({}) provided already exists. Please provide a new \
                         statement id, or remove the existing statement.",
                        input.statement_id
                    ))
                    .into());
                }
                policy.statements.push(new.clone());
                if policy::text(&policy).len() > policy::MAX_POLICY {
                    return Err(ServiceError::modeled::<PolicyLengthExceededException>(
                        "The final policy size is bigger than the limit (20480).",
                    ));
                }
                policy.revision = cx.ids().uuid();
                tx.put_record(name.policy(), &policy);
                cx.note_made(
                    &tx,
                    &crate::resources::joined(&input.function_name, &input.statement_id),
                );
                Ok::<_, ServiceError>(())
            })
            .await?;
        Ok(AddPermissionResponse { statement: Some(statement.to_string()) })
    }
}

/// Refuses a name that leads nowhere.
pub(crate) async fn exists(tx: &Tx, name: &FunctionName) -> Result<()> {
    let function = name.load(tx).await?;
    match name.qualifier.as_deref() {
        None => Ok(()),
        Some(qualifier) => match version_number(qualifier) {
            Some(number) => name.load_version(tx, &function, number).await.map(drop),
            None => name.load_alias(tx, qualifier).await.map(drop),
        },
    }
}
