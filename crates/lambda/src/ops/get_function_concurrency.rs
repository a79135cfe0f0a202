//! GetFunctionConcurrency: a function's reserved share; nothing where it has none.

use cumulet_api_lambda::ops::{
    GetFunctionConcurrency, GetFunctionConcurrencyRequest, GetFunctionConcurrencyResponse,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Lambda;
use crate::access::on_whole;
use crate::name::FunctionName;

impl Handle<GetFunctionConcurrency> for Lambda {
    async fn access(&self, cx: &Cx, input: &GetFunctionConcurrencyRequest) -> Result<Vec<Access>> {
        let name = FunctionName::unqualified(cx, &input.function_name)?;
        Ok(vec![on_whole(cx, "lambda:GetFunctionConcurrency", &name).await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: GetFunctionConcurrencyRequest,
    ) -> Result<GetFunctionConcurrencyResponse> {
        let name = FunctionName::unqualified(cx, &input.function_name)?;
        let function = name.load(&cx.store().snapshot()).await?;
        let reserved_concurrent_executions = function.reserved.and_then(|n| i32::try_from(n).ok());
        Ok(GetFunctionConcurrencyResponse { reserved_concurrent_executions })
    }
}
