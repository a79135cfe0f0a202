//! UpdateFunctionEventInvokeConfig: changes a config; what the request leaves out stays.

use cumulet_api_lambda::ops::{
    UpdateFunctionEventInvokeConfig, UpdateFunctionEventInvokeConfigRequest,
};
use cumulet_api_lambda::types::FunctionEventInvokeConfig;
use cumulet_service::{Access, Cx, Error as ServiceError, Handle, Result};
use cumulet_store::Tx;

use crate::Lambda;
use crate::access::on_function;
use crate::name::FunctionName;
use crate::ops::put_function_event_invoke_config::{describe, refuse_destinations};

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
        refuse_destinations(input.destination_config.as_ref())?;
        let number = |n: Option<i32>| n.and_then(|n| u32::try_from(n).ok());
        let retries = number(input.maximum_retry_attempts);
        let max_age = number(input.maximum_event_age_in_seconds);
        let (name, now) = (&name, cx.now().millis());
        let record = cx.store().transact(|tx: Tx| async move {
            let mut record = name.load_event(&tx).await?;
            record.retries = retries.or(record.retries);
            record.max_age = max_age.or(record.max_age);
            record.modified = now;
            tx.put_record(name.event(), &record);
            Ok::<_, ServiceError>(record)
        });
        Ok(describe(name, &record.await?))
    }
}
