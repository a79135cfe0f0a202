//! GetFunctionRecursionConfig: `Allow` always: loops between services are not looked for here.

use cumulet_api_lambda::ops::{
    GetFunctionRecursionConfig, GetFunctionRecursionConfigRequest,
    GetFunctionRecursionConfigResponse,
};
use cumulet_api_lambda::types::RecursiveLoop;
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Lambda;
use crate::access::on_whole;
use crate::name::FunctionName;

impl Handle<GetFunctionRecursionConfig> for Lambda {
    async fn access(
        &self,
        cx: &Cx,
        input: &GetFunctionRecursionConfigRequest,
    ) -> Result<Vec<Access>> {
        let name = FunctionName::unqualified(cx, &input.function_name)?;
        Ok(vec![on_whole(cx, "lambda:GetFunctionRecursionConfig", &name).await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: GetFunctionRecursionConfigRequest,
    ) -> Result<GetFunctionRecursionConfigResponse> {
        let name = FunctionName::unqualified(cx, &input.function_name)?;
        name.load(&cx.store().snapshot()).await?;
        Ok(GetFunctionRecursionConfigResponse { recursive_loop: Some(RecursiveLoop::Allow) })
    }
}
