//! GetFunctionUrlConfig: the URL of a function or an alias.

use cumulet_api_lambda::ops::{
    GetFunctionUrlConfig, GetFunctionUrlConfigRequest, GetFunctionUrlConfigResponse,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Lambda;
use crate::name::FunctionName;
use crate::url::{self, check_qualifier, on_url};

impl Handle<GetFunctionUrlConfig> for Lambda {
    async fn access(&self, cx: &Cx, input: &GetFunctionUrlConfigRequest) -> Result<Vec<Access>> {
        let name = FunctionName::qualified(cx, &input.function_name, input.qualifier.as_deref())?;
        Ok(vec![on_url(cx, "lambda:GetFunctionUrlConfig", &name, None).await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: GetFunctionUrlConfigRequest,
    ) -> Result<GetFunctionUrlConfigResponse> {
        let name = FunctionName::qualified(cx, &input.function_name, input.qualifier.as_deref())?;
        check_qualifier(&name)?;
        let record = name.load_url(&cx.store().snapshot()).await?;
        let shown = url::describe(self.endpoint.as_deref(), &name, &record);
        Ok(GetFunctionUrlConfigResponse {
            function_url: shown.function_url,
            function_arn: shown.function_arn,
            auth_type: shown.auth_type,
            cors: shown.cors,
            creation_time: shown.creation_time,
            last_modified_time: shown.last_modified_time,
            invoke_mode: shown.invoke_mode,
        })
    }
}
