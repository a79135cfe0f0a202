//! ListAliases: a function's aliases by name, all or those that lead to a version.

use cumulet_api_lambda::ops::{ListAliases, ListAliasesRequest, ListAliasesResponse};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Lambda;
use crate::access::on_whole;
use crate::describe;
use crate::model::AliasRecord;
use crate::name::FunctionName;
use crate::ops::create_alias::number;
use crate::page::page;

impl Handle<ListAliases> for Lambda {
    async fn access(&self, cx: &Cx, input: &ListAliasesRequest) -> Result<Vec<Access>> {
        let name = FunctionName::unqualified(cx, &input.function_name)?;
        Ok(vec![on_whole(cx, "lambda:ListAliases", &name).await?])
    }

    async fn handle(&self, cx: &Cx, input: ListAliasesRequest) -> Result<ListAliasesResponse> {
        let name = FunctionName::unqualified(cx, &input.function_name)?;
        let version = input.function_version.as_deref().map(number).transpose()?;
        let snapshot = cx.store().snapshot();
        name.load(&snapshot).await?;
        let found = page(&snapshot, name.aliases(), input.marker.as_deref(), input.max_items);
        let (records, next_marker): (Vec<AliasRecord>, _) = found.await?;
        let leads = |alias: &&AliasRecord| {
            version.is_none_or(|v| alias.version == v || alias.weights.contains_key(&v))
        };
        let aliases = records.iter().filter(leads).map(|alias| describe::alias(&name, alias));
        Ok(ListAliasesResponse { next_marker, aliases: Some(aliases.collect()) })
    }
}
