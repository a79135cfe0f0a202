//! PutFunctionEventInvokeConfig: how asynchronous invocations are tried again. What the request
//! leaves out goes back to AWS's defaults: two more tries, six hours.
//!
//! Not here (501 by name): destinations.

use cumulet_api_lambda::ops::{PutFunctionEventInvokeConfig, PutFunctionEventInvokeConfigRequest};
use cumulet_api_lambda::types::{DestinationConfig, FunctionEventInvokeConfig};
use cumulet_base::Timestamp;
use cumulet_service::{Access, Cx, Error as ServiceError, Handle, Result};
use cumulet_store::Tx;

use crate::Lambda;
use crate::access::on_function;
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
        refuse_destinations(input.destination_config.as_ref())?;
        let record = EventRecord {
            qualifier: name.qualifier.clone(),
            retries: input.maximum_retry_attempts.and_then(|n| u32::try_from(n).ok()),
            max_age: input.maximum_event_age_in_seconds.and_then(|n| u32::try_from(n).ok()),
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

/// Destinations are not here yet.
pub(crate) fn refuse_destinations(wanted: Option<&DestinationConfig>) -> Result<()> {
    let some = |text: Option<&String>| text.is_some_and(|text| !text.is_empty());
    let asked = wanted.is_some_and(|wanted| {
        some(wanted.on_success.as_ref().and_then(|to| to.destination.as_ref()))
            || some(wanted.on_failure.as_ref().and_then(|to| to.destination.as_ref()))
    });
    if asked {
        let what = "FunctionEventInvokeConfig with DestinationConfig";
        return Err(ServiceError::not_implemented("lambda", what));
    }
    Ok(())
}

/// A config as answers show it.
pub(crate) fn describe(name: &FunctionName, record: &EventRecord) -> FunctionEventInvokeConfig {
    let qualifier = record.qualifier.as_deref().unwrap_or(LATEST);
    FunctionEventInvokeConfig {
        last_modified: Some(Timestamp::from_millis(record.modified)),
        function_arn: Some(name.arn_of(qualifier).as_str().to_owned()),
        maximum_retry_attempts: record.retries.and_then(|n| i32::try_from(n).ok()),
        maximum_event_age_in_seconds: record.max_age.and_then(|n| i32::try_from(n).ok()),
        destination_config: Some(DestinationConfig::default()),
    }
}
