//! GetAlias: where an alias leads.

use cumulet_api_lambda::ops::{GetAlias, GetAliasRequest};
use cumulet_api_lambda::types::AliasConfiguration;
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Lambda;
use crate::access::on_whole;
use crate::describe;
use crate::name::FunctionName;

impl Handle<GetAlias> for Lambda {
    async fn access(&self, cx: &Cx, input: &GetAliasRequest) -> Result<Vec<Access>> {
        let name = FunctionName::unqualified(cx, &input.function_name)?;
        Ok(vec![on_whole(cx, "lambda:GetAlias", &name).await?])
    }

    async fn handle(&self, cx: &Cx, input: GetAliasRequest) -> Result<AliasConfiguration> {
        let name = FunctionName::unqualified(cx, &input.function_name)?;
        let alias = name.load_alias(&cx.store().snapshot(), &input.name).await?;
        Ok(describe::alias(&name, &alias))
    }
}
