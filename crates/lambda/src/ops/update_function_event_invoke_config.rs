//! UpdateFunctionEventInvokeConfig: changes a config; what the request leaves out stays. A
//! destination that is an empty text is taken away.
//!
//! Refuses what PutFunctionEventInvokeConfig refuses.

use cumulet_api_lambda::ops::{
    UpdateFunctionEventInvokeConfig, UpdateFunctionEventInvokeConfigRequest,
};
use cumulet_api_lambda::types::FunctionEventInvokeConfig;
use cumulet_service::{Access, Cx, Error as ServiceError, Handle, Result};
use cumulet_store::Tx;

use crate::Lambda;
use crate::access::on_function;
use crate::destination;
use crate::name::FunctionName;
use crate::ops::put_function_event_invoke_config::{check_destinations, describe};

impl Handle<UpdateFunctionEventInvokeConfig> for Lambda {
    async fn access(
        &self,
        cx: &Cx,
        input: &UpdateFunctionEventInvokeConfigRequest,
    ) -> Result<Vec<Access>> {
        let name = FunctionName::qualified(cx, &input.function_name, input.qualifier.as_deref())?;
        Ok(vec![on_function(cx, "lambda:UpdateFunctionEventInvokeConfig", &name).await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: UpdateFunctionEventInvokeConfigRequest,
    ) -> Result<FunctionEventInvokeConfig> {
        let name = FunctionName::qualified(cx, &input.function_name, input.qualifier.as_deref())?;
        let config = input.destination_config.as_ref();
        let (on_success, on_failure) = destination::asked(config);
        check_destinations(self, cx, &name, on_success, on_failure).await?;
        let names_success = config.is_some_and(|config| config.on_success.is_some());
        let names_failure = config.is_some_and(|config| config.on_failure.is_some());
        let number = |n: Option<i32>| n.and_then(|n| u32::try_from(n).ok());
        let retries = number(input.maximum_retry_attempts);
        let max_age = number(input.maximum_event_age_in_seconds);
        let (name, now) = (&name, cx.now().millis());
        let record = cx.store().transact(|tx: Tx| async move {
            let mut record = name.load_event(&tx).await?;
            record.retries = retries.or(record.retries);
            record.max_age = max_age.or(record.max_age);
            if names_success {
                record.on_success = on_success.map(str::to_owned);
            }
            if names_failure {
                record.on_failure = on_failure.map(str::to_owned);
            }
            record.modified = now;
            tx.put_record(name.event(), &record);
            Ok::<_, ServiceError>(record)
        });
        Ok(describe(name, &record.await?))
    }
}
