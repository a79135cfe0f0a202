//! PutFunctionEventInvokeConfig: how asynchronous invocations are tried again, and where records of
//! them go. What the request leaves out goes back to AWS's defaults: two more tries, six hours, no
//! destinations.
//!
//! Refuses: destinations that are not there or that the function's role may not send to, the
//! function itself; queues, topics and event buses (501 by name: there are none here).

use cumulet_api_lambda::ops::{PutFunctionEventInvokeConfig, PutFunctionEventInvokeConfigRequest};
use cumulet_api_lambda::types::FunctionEventInvokeConfig;
use cumulet_base::Timestamp;
use cumulet_service::{Access, Cx, Error as ServiceError, Handle, Result};
use cumulet_store::Tx;

use crate::Lambda;
use crate::access::on_function;
use crate::destination::{self, Purpose};
use crate::model::EventRecord;
use crate::name::{FunctionName, LATEST};
use crate::ops::add_permission::exists;

impl Handle<PutFunctionEventInvokeConfig> for Lambda {
    async fn access(
        &self,
        cx: &Cx,
        input: &PutFunctionEventInvokeConfigRequest,
    ) -> Result<Vec<Access>> {
        let name = FunctionName::qualified(cx, &input.function_name, input.qualifier.as_deref())?;
        Ok(vec![on_function(cx, "lambda:PutFunctionEventInvokeConfig", &name).await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: PutFunctionEventInvokeConfigRequest,
    ) -> Result<FunctionEventInvokeConfig> {
        let name = FunctionName::qualified(cx, &input.function_name, input.qualifier.as_deref())?;
        let (on_success, on_failure) = destination::asked(input.destination_config.as_ref());
        check_destinations(self, cx, &name, on_success, on_failure).await?;
        let record = EventRecord {
            qualifier: name.qualifier.clone(),
            retries: input.maximum_retry_attempts.and_then(|n| u32::try_from(n).ok()),
            max_age: input.maximum_event_age_in_seconds.and_then(|n| u32::try_from(n).ok()),
            on_success: on_success.map(str::to_owned),
            on_failure: on_failure.map(str::to_owned),
            modified: cx.now().millis(),
        };
        let (name, record) = (&name, &record);
        cx.store()
            .transact(|tx: Tx| async move {
                exists(&tx, name).await?;
                tx.put_record(name.event(), record);
                Ok::<_, ServiceError>(())
            })
            .await?;
        Ok(describe(name, record))
    }
}

/// Refuses destinations that the role of what is named could not send to.
pub(crate) async fn check_destinations(
    lambda: &Lambda,
    cx: &Cx,
    name: &FunctionName,
    on_success: Option<&str>,
    on_failure: Option<&str>,
) -> Result<()> {
    let wanted: Vec<(&str, Purpose)> = on_success
        .map(|arn| (arn, Purpose::Success))
        .into_iter()
        .chain(on_failure.map(|arn| (arn, Purpose::Failure)))
        .collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let found = lambda.resolve(cx, name).await?;
    destination::check(cx, name, &found.version.settings.role, &wanted).await
}

/// A config as answers show it.
pub(crate) fn describe(name: &FunctionName, record: &EventRecord) -> FunctionEventInvokeConfig {
    let qualifier = record.qualifier.as_deref().unwrap_or(LATEST);
    FunctionEventInvokeConfig {
        last_modified: Some(Timestamp::from_millis(record.modified)),
        function_arn: Some(name.arn_of(qualifier).as_str().to_owned()),
        maximum_retry_attempts: record.retries.and_then(|n| i32::try_from(n).ok()),
        maximum_event_age_in_seconds: record.max_age.and_then(|n| i32::try_from(n).ok()),
        destination_config: Some(destination::describe(
            record.on_success.as_ref(),
            record.on_failure.as_ref(),
        )),
    }
}
