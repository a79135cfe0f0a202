//! DeleteFunctionEventInvokeConfig: back to AWS's defaults.

use cumulet_api_lambda::ops::{
    DeleteFunctionEventInvokeConfig, DeleteFunctionEventInvokeConfigOutput,
    DeleteFunctionEventInvokeConfigRequest,
};
use cumulet_service::{Access, Cx, Error as ServiceError, Handle, Result};
use cumulet_store::Tx;

use crate::Lambda;
use crate::access::on_function;
use crate::name::FunctionName;

impl Handle<DeleteFunctionEventInvokeConfig> for Lambda {
    async fn access(
        &self,
        cx: &Cx,
        input: &DeleteFunctionEventInvokeConfigRequest,
    ) -> Result<Vec<Access>> {
        let name = FunctionName::qualified(cx, &input.function_name, input.qualifier.as_deref())?;
        Ok(vec![on_function(cx, "lambda:DeleteFunctionEventInvokeConfig", &name).await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: DeleteFunctionEventInvokeConfigRequest,
    ) -> Result<DeleteFunctionEventInvokeConfigOutput> {
        let name = FunctionName::qualified(cx, &input.function_name, input.qualifier.as_deref())?;
        let name = &name;
        cx.store()
            .transact(|tx: Tx| async move {
                name.load_event(&tx).await?;
                tx.delete(name.event());
                Ok::<_, ServiceError>(())
            })
            .await?;
        Ok(DeleteFunctionEventInvokeConfigOutput::default())
    }
}
