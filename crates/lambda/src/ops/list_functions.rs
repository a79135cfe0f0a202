//! ListFunctions: the account's functions in the region, by name, 50 a page at most.
//!
//! With `FunctionVersion=ALL` every published version follows its function; a page then has 50
//! functions and all of their versions.

use cumulet_api_lambda::ops::{ListFunctions, ListFunctionsRequest, ListFunctionsResponse};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_store::{Direction, Read as _};

use crate::Lambda;
use crate::describe::{self, Progress};
use crate::model::{FunctionRecord, VersionRecord};
use crate::name::{FunctionName, LATEST};
use crate::page::page;
use crate::resolve::version_text;
use crate::store;

impl Handle<ListFunctions> for Lambda {
    async fn access(&self, cx: &Cx, _: &ListFunctionsRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::any(cx, "lambda:ListFunctions")])
    }

    async fn handle(&self, cx: &Cx, input: ListFunctionsRequest) -> Result<ListFunctionsResponse> {
        let all = store::functions(cx.account(), cx.region());
        let snapshot = cx.store().snapshot();
        let found = page(&snapshot, all, input.marker.as_deref(), input.max_items);
        let (records, next_marker): (Vec<FunctionRecord>, _) = found.await?;
        let mut functions = Vec::with_capacity(records.len());
        for function in &records {
            let name = |qualifier: Option<String>| FunctionName {
                account: cx.account().clone(),
                region: cx.region().clone(),
                name: function.name.clone(),
                qualifier,
            };
            let describe = |name: &FunctionName, version: &VersionRecord| {
                describe::version(cx, name, function, version, Progress::Done)
            };
            if input.function_version.is_none() {
                functions.push(describe(&name(None), &function.latest));
                continue;
            }
            functions.push(describe(&name(Some(LATEST.to_owned())), &function.latest));
            let versions = name(None).versions().prefix();
            let mut scan = snapshot.scan(versions, Direction::Forward);
            while let Some((_, version)) = scan.next_record::<VersionRecord>().await? {
                functions.push(describe(&name(Some(version_text(version.number))), &version));
            }
        }
        Ok(ListFunctionsResponse { next_marker, functions: Some(functions) })
    }
}
