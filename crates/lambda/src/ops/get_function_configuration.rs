//! GetFunctionConfiguration: the settings of a function, a version, or what an alias leads to.

use cumulet_api_lambda::ops::{GetFunctionConfiguration, GetFunctionConfigurationRequest};
use cumulet_api_lambda::types::FunctionConfiguration;
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Lambda;
use crate::access::on_function;
use crate::describe::{self, Progress};
use crate::name::FunctionName;

impl Handle<GetFunctionConfiguration> for Lambda {
    async fn access(
        &self,
        cx: &Cx,
        input: &GetFunctionConfigurationRequest,
    ) -> Result<Vec<Access>> {
        let name = FunctionName::qualified(cx, &input.function_name, input.qualifier.as_deref())?;
        Ok(vec![on_function(cx, "lambda:GetFunctionConfiguration", &name).await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: GetFunctionConfigurationRequest,
    ) -> Result<FunctionConfiguration> {
        let name = FunctionName::qualified(cx, &input.function_name, input.qualifier.as_deref())?;
        let found = self.resolve(cx, &name).await?;
        Ok(describe::version(cx, &name, &found.function, &found.version, Progress::Done))
    }
}
