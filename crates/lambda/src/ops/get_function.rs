//! GetFunction: a function's settings, tags and reserved concurrency.
//!
//! `Code` names the kind of repository only: there is no link to download the package from yet.

use cumulet_api_lambda::ops::{GetFunction, GetFunctionRequest, GetFunctionResponse};
use cumulet_api_lambda::types::{Concurrency, FunctionCodeLocation};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Lambda;
use crate::access::on_function;
use crate::describe::{self, Progress};
use crate::name::FunctionName;

impl Handle<GetFunction> for Lambda {
    async fn access(&self, cx: &Cx, input: &GetFunctionRequest) -> Result<Vec<Access>> {
        let name = FunctionName::qualified(cx, &input.function_name, input.qualifier.as_deref())?;
        Ok(vec![on_function(cx, "lambda:GetFunction", &name).await?])
    }

    async fn handle(&self, cx: &Cx, input: GetFunctionRequest) -> Result<GetFunctionResponse> {
        let name = FunctionName::qualified(cx, &input.function_name, input.qualifier.as_deref())?;
        let found = self.resolve(cx, &name).await?;
        let function = &found.function;
        let reserved = function.reserved.and_then(|n| i32::try_from(n).ok());
        Ok(GetFunctionResponse {
            configuration: Some(describe::version(
                cx,
                &name,
                function,
                &found.version,
                Progress::Done,
            )),
            code: Some(FunctionCodeLocation {
                repository_type: Some("S3".to_owned()),
                ..FunctionCodeLocation::default()
            }),
            tags: (!function.tags.is_empty()).then(|| function.tags.clone()),
            concurrency: reserved.map(|n| Concurrency { reserved_concurrent_executions: Some(n) }),
            ..GetFunctionResponse::default()
        })
    }
}
