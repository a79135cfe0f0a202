//! GetPolicy: the resource policy of a function, a version or an alias.

use cumulet_api_lambda::ops::{GetPolicy, GetPolicyRequest, GetPolicyResponse};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Lambda;
use crate::access::on_function;
use crate::error::Error;
use crate::name::FunctionName;
use crate::policy;

impl Handle<GetPolicy> for Lambda {
    async fn access(&self, cx: &Cx, input: &GetPolicyRequest) -> Result<Vec<Access>> {
        let name = FunctionName::qualified(cx, &input.function_name, input.qualifier.as_deref())?;
        Ok(vec![on_function(cx, "lambda:GetPolicy", &name).await?])
    }

    async fn handle(&self, cx: &Cx, input: GetPolicyRequest) -> Result<GetPolicyResponse> {
        let name = FunctionName::qualified(cx, &input.function_name, input.qualifier.as_deref())?;
        let policy = name.load_policy(&cx.store().snapshot()).await?;
        let policy = policy.ok_or_else(Error::nothing_there)?;
        let text = policy::text(&policy);
        Ok(GetPolicyResponse { policy: Some(text), revision_id: Some(policy.revision) })
    }
}
