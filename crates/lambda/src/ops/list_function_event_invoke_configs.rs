//! ListFunctionEventInvokeConfigs: the configs of a function, its versions and aliases.

use cumulet_api_lambda::ops::{
    ListFunctionEventInvokeConfigs, ListFunctionEventInvokeConfigsRequest,
    ListFunctionEventInvokeConfigsResponse,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Lambda;
use crate::access::on_whole;
use crate::model::EventRecord;
use crate::name::FunctionName;
use crate::ops::put_function_event_invoke_config::describe;
use crate::page::page;

impl Handle<ListFunctionEventInvokeConfigs> for Lambda {
    async fn access(
        &self,
        cx: &Cx,
        input: &ListFunctionEventInvokeConfigsRequest,
    ) -> Result<Vec<Access>> {
        let name = FunctionName::unqualified(cx, &input.function_name)?;
        Ok(vec![on_whole(cx, "lambda:ListFunctionEventInvokeConfigs", &name).await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: ListFunctionEventInvokeConfigsRequest,
    ) -> Result<ListFunctionEventInvokeConfigsResponse> {
        let name = FunctionName::unqualified(cx, &input.function_name)?;
        let snapshot = cx.store().snapshot();
        name.load(&snapshot).await?;
        let found = page(&snapshot, name.events(), input.marker.as_deref(), input.max_items);
        let (records, next_marker): (Vec<EventRecord>, _) = found.await?;
        let configs = records.iter().map(|record| describe(&name, record)).collect();
        Ok(ListFunctionEventInvokeConfigsResponse {
            function_event_invoke_configs: Some(configs),
            next_marker,
        })
    }
}
