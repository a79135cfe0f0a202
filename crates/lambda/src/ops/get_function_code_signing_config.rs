//! GetFunctionCodeSigningConfig: packages are not signed here, so no function has a config; AWS
//! then answers with empty names (seen in Terraform's provider, which tests the ARN for emptiness).

use cumulet_api_lambda::ops::{
    GetFunctionCodeSigningConfig, GetFunctionCodeSigningConfigRequest,
    GetFunctionCodeSigningConfigResponse,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Lambda;
use crate::access::on_whole;
use crate::name::FunctionName;

impl Handle<GetFunctionCodeSigningConfig> for Lambda {
    async fn access(
        &self,
        cx: &Cx,
        input: &GetFunctionCodeSigningConfigRequest,
    ) -> Result<Vec<Access>> {
        let name = FunctionName::unqualified(cx, &input.function_name)?;
        Ok(vec![on_whole(cx, "lambda:GetFunctionCodeSigningConfig", &name).await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: GetFunctionCodeSigningConfigRequest,
    ) -> Result<GetFunctionCodeSigningConfigResponse> {
        let name = FunctionName::unqualified(cx, &input.function_name)?;
        let function = name.load(&cx.store().snapshot()).await?;
        Ok(GetFunctionCodeSigningConfigResponse {
            code_signing_config_arn: String::new(),
            function_name: function.name,
        })
    }
}
