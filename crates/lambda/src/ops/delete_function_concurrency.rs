//! DeleteFunctionConcurrency: gives a function's reserved share back.

use cumulet_api_lambda::ops::{
    DeleteFunctionConcurrency, DeleteFunctionConcurrencyOutput, DeleteFunctionConcurrencyRequest,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Lambda;
use crate::access::on_whole;
use crate::name::FunctionName;
use crate::ops::put_function_concurrency::reserve;

impl Handle<DeleteFunctionConcurrency> for Lambda {
    async fn access(
        &self,
        cx: &Cx,
        input: &DeleteFunctionConcurrencyRequest,
    ) -> Result<Vec<Access>> {
        let name = FunctionName::unqualified(cx, &input.function_name)?;
        Ok(vec![on_whole(cx, "lambda:DeleteFunctionConcurrency", &name).await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: DeleteFunctionConcurrencyRequest,
    ) -> Result<DeleteFunctionConcurrencyOutput> {
        let name = FunctionName::unqualified(cx, &input.function_name)?;
        let name = &name;
        name.change(cx, None, |tx, mut function| async move {
            reserve(&tx, name, function.reserved.take(), None).await?;
            Ok((function, ()))
        })
        .await?;
        Ok(DeleteFunctionConcurrencyOutput::default())
    }
}
