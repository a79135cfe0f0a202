//! ListFunctionUrlConfigs: the URLs of a function and its aliases.

use cumulet_api_lambda::ops::{
    ListFunctionUrlConfigs, ListFunctionUrlConfigsRequest, ListFunctionUrlConfigsResponse,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Lambda;
use crate::access::on_whole;
use crate::model::UrlRecord;
use crate::name::FunctionName;
use crate::page::page;
use crate::url;

impl Handle<ListFunctionUrlConfigs> for Lambda {
    async fn access(&self, cx: &Cx, input: &ListFunctionUrlConfigsRequest) -> Result<Vec<Access>> {
        let name = FunctionName::unqualified(cx, &input.function_name)?;
        let access = on_whole(cx, "lambda:ListFunctionUrlConfigs", &name).await?;
        let url = name.find_url(&cx.store().snapshot()).await?;
        Ok(vec![access.with_some(url::AUTH_TYPE, url.map(|url| url.auth))])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: ListFunctionUrlConfigsRequest,
    ) -> Result<ListFunctionUrlConfigsResponse> {
        let name = FunctionName::unqualified(cx, &input.function_name)?;
        let snapshot = cx.store().snapshot();
        name.load(&snapshot).await?;
        let found = page(&snapshot, name.urls(), input.marker.as_deref(), input.max_items);
        let (records, next_marker): (Vec<UrlRecord>, _) = found.await?;
        let shown = records.iter().map(|record| {
            let name = FunctionName { qualifier: record.qualifier.clone(), ..name.clone() };
            url::describe(self.endpoint.as_deref(), &name, record)
        });
        Ok(ListFunctionUrlConfigsResponse { function_url_configs: shown.collect(), next_marker })
    }
}
