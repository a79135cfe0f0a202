//! GetFunctionEventInvokeConfig: how asynchronous invocations are tried again, where that is set.

use cumulet_api_lambda::ops::{GetFunctionEventInvokeConfig, GetFunctionEventInvokeConfigRequest};
use cumulet_api_lambda::types::FunctionEventInvokeConfig;
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Lambda;
use crate::access::on_function;
use crate::name::FunctionName;
use crate::ops::put_function_event_invoke_config::describe;

impl Handle<GetFunctionEventInvokeConfig> for Lambda {
    async fn access(
        &self,
        cx: &Cx,
        input: &GetFunctionEventInvokeConfigRequest,
    ) -> Result<Vec<Access>> {
        let name = FunctionName::qualified(cx, &input.function_name, input.qualifier.as_deref())?;
        Ok(vec![on_function(cx, "lambda:GetFunctionEventInvokeConfig", &name).await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: GetFunctionEventInvokeConfigRequest,
    ) -> Result<FunctionEventInvokeConfig> {
        let name = FunctionName::qualified(cx, &input.function_name, input.qualifier.as_deref())?;
        Ok(describe(&name, &name.load_event(&cx.store().snapshot()).await?))
    }
}
