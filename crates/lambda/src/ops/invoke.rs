//! Invoke: runs a function.
//!
//! `RequestResponse` (the default) waits for the outcome: 200 with the handler's answer, or with
//! its error and `X-Amz-Function-Error`. `Event` answers 202 when the event is durable, and runs it
//! later, twice more if it fails. `DryRun` answers 204 when the caller may invoke.
//! Promises: the invocation goes on when the caller hangs up.
//! Refuses: events that are no JSON or larger than 6 MB (1 MB for `Event`), more invocations at
//! once than the account's or the function's share.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cumulet_api_lambda::ops::{InvocationRequest, InvocationResponse, Invoke};
use cumulet_api_lambda::types::{InvocationType, LogType};
use cumulet_sandbox::Invocation;
use cumulet_service::{Access, Cx, Error as ServiceError, Handle, Result};

use crate::Lambda;
use crate::access::on_function;
use crate::name::FunctionName;
use crate::queue;
use crate::resolve::version_text;
use crate::run::{MAX_EVENT, check_event, client_context, invocation};

impl Handle<Invoke> for Lambda {
    async fn access(&self, cx: &Cx, input: &InvocationRequest) -> Result<Vec<Access>> {
        let name = FunctionName::qualified(cx, &input.function_name, input.qualifier.as_deref())?;
        let access = on_function(cx, "lambda:InvokeFunction", &name).await?;
        // What comes by a function's URL says "true" itself.
        Ok(vec![access.with("lambda:InvokedViaFunctionUrl", vec!["false".to_owned()])])
    }

    async fn handle(&self, cx: &Cx, input: InvocationRequest) -> Result<InvocationResponse> {
        let name = FunctionName::qualified(cx, &input.function_name, input.qualifier.as_deref())?;
        if input.tenant_id.is_some() || input.durable_execution_name.is_some() {
            let what = "Invoke with TenantId or DurableExecutionName";
            return Err(ServiceError::not_implemented("lambda", what));
        }
        match input.invocation_type.unwrap_or(InvocationType::RequestResponse) {
            InvocationType::DryRun => {
                let found = self.resolve(cx, &name).await?;
                Ok(InvocationResponse {
                    status_code: Some(204),
                    executed_version: Some(version_text(found.version.number)),
                    ..InvocationResponse::default()
                })
            }
            InvocationType::Event => {
                let payload = input.payload.unwrap_or_default();
                check_event(&payload, queue::MAX_EVENT)?;
                let context = client_context(input.client_context.as_deref())?;
                // A name that leads nowhere is refused now, not when nobody hears it.
                self.resolve(cx, &name).await?;
                queue::enqueue(cx, &name, &payload, context).await?;
                Ok(InvocationResponse { status_code: Some(202), ..InvocationResponse::default() })
            }
            InvocationType::RequestResponse => self.answer(cx, &name, input).await,
        }
    }
}

impl Lambda {
    async fn answer(
        &self,
        cx: &Cx,
        name: &FunctionName,
        input: InvocationRequest,
    ) -> Result<InvocationResponse> {
        let payload = input.payload.unwrap_or_default();
        check_event(&payload, MAX_EVENT)?;
        let client_context = client_context(input.client_context.as_deref())?;
        let resolved = self.resolve(cx, name).await?;
        let admitted = self.admit(cx, &resolved).await?;
        let invocation =
            Invocation { client_context, ..invocation(&cx.request().id, &resolved, payload) };
        let outcome = self.run(cx, &resolved, admitted, invocation).await?;
        let (payload, function_error) = match outcome.result {
            Ok(payload) => (payload, None),
            Err(error) => (error.body, Some(error.kind.as_str().to_owned())),
        };
        let tail = input.log_type == Some(LogType::Tail);
        Ok(InvocationResponse {
            status_code: Some(200),
            function_error,
            log_result: tail.then(|| STANDARD.encode(&outcome.log_tail)),
            payload: Some(payload),
            executed_version: Some(version_text(resolved.version.number)),
            ..InvocationResponse::default()
        })
    }
}
