//! GetRuntimeManagementConfig: `Auto` always: the runtime is what this machine has installed.

use cumulet_api_lambda::ops::{
    GetRuntimeManagementConfig, GetRuntimeManagementConfigRequest,
    GetRuntimeManagementConfigResponse,
};
use cumulet_api_lambda::types::UpdateRuntimeOn;
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Lambda;
use crate::access::on_function;
use crate::name::FunctionName;

impl Handle<GetRuntimeManagementConfig> for Lambda {
    async fn access(
        &self,
        cx: &Cx,
        input: &GetRuntimeManagementConfigRequest,
    ) -> Result<Vec<Access>> {
        let name = FunctionName::qualified(cx, &input.function_name, input.qualifier.as_deref())?;
        Ok(vec![on_function(cx, "lambda:GetRuntimeManagementConfig", &name).await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: GetRuntimeManagementConfigRequest,
    ) -> Result<GetRuntimeManagementConfigResponse> {
        let name = FunctionName::qualified(cx, &input.function_name, input.qualifier.as_deref())?;
        let found = self.resolve(cx, &name).await?;
        Ok(GetRuntimeManagementConfigResponse {
            update_runtime_on: Some(UpdateRuntimeOn::Auto),
            function_arn: Some(found.arn.as_str().to_owned()),
            runtime_version_arn: None,
        })
    }
}
