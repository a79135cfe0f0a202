//! ListVersionsByFunction: `$LATEST`, then the published versions, by number.

use cumulet_api_lambda::ops::{
    ListVersionsByFunction, ListVersionsByFunctionRequest, ListVersionsByFunctionResponse,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Lambda;
use crate::access::on_whole;
use crate::describe::{self, Progress};
use crate::model::VersionRecord;
use crate::name::FunctionName;
use crate::page::page;
use crate::resolve::version_text;

impl Handle<ListVersionsByFunction> for Lambda {
    async fn access(&self, cx: &Cx, input: &ListVersionsByFunctionRequest) -> Result<Vec<Access>> {
        let name = FunctionName::unqualified(cx, &input.function_name)?;
        Ok(vec![on_whole(cx, "lambda:ListVersionsByFunction", &name).await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: ListVersionsByFunctionRequest,
    ) -> Result<ListVersionsByFunctionResponse> {
        let name = FunctionName::unqualified(cx, &input.function_name)?;
        let snapshot = cx.store().snapshot();
        let function = name.load(&snapshot).await?;
        let describe = |version: &VersionRecord| {
            let qualifier = Some(version_text(version.number));
            let name = FunctionName { qualifier, ..name.clone() };
            describe::version(cx, &name, &function, version, Progress::Done)
        };
        let marker = input.marker.as_deref().filter(|marker| !marker.is_empty());
        let first = marker.is_none().then(|| describe(&function.latest));
        // `$LATEST` takes a place on the first page.
        let max = input
            .max_items
            .filter(|_| first.is_some())
            .map_or(input.max_items, |max| Some((max - 1).max(1)));
        let versions = name.versions();
        let found = page(&snapshot, versions, marker, max).await?;
        let (records, next_marker): (Vec<VersionRecord>, _) = found;
        let versions = first.into_iter().chain(records.iter().map(describe)).collect();
        Ok(ListVersionsByFunctionResponse { next_marker, versions: Some(versions) })
    }
}
