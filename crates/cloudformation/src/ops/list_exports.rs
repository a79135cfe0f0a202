//! ListExports: what the stacks of this account and region export.

use cumulet_api_cloudformation::ops::{ListExports, ListExportsInput, ListExportsOutput};
use cumulet_api_cloudformation::types::Export;
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_store::{Component, Direction, Key, Read as _};

use crate::model::ExportRecord;
use crate::store::Place;

use crate::CloudFormation;

impl Handle<ListExports> for CloudFormation {
    async fn access(&self, cx: &Cx, input: &ListExportsInput) -> Result<Vec<Access>> {
        let _ = input;
        Ok(vec![Access::any(cx, "cloudformation:ListExports")])
    }

    async fn handle(&self, cx: &Cx, input: ListExportsInput) -> Result<ListExportsOutput> {
        let exports = Place::of(cx).exports();
        let mut range = exports.prefix();
        if let Some(token) = &input.next_token {
            range = range.after(&exports.text(token));
        }
        let read = cx.store().snapshot();
        let page = read.range_records::<ExportRecord>(&range, Direction::Forward, PAGE).await?;
        let name = |key: &[u8]| {
            let parts = Key::components(key)?;
            parts.last().and_then(Component::as_text).map(str::to_owned)
        };
        let rest = page.rest.is_some();
        let found: Vec<Export> = page
            .items
            .into_iter()
            .map(|(key, export)| Export {
                exporting_stack_id: Some(export.stack),
                name: name(&key),
                value: Some(export.value),
            })
            .collect();
        let next_token = found.last().filter(|_| rest).and_then(|export| export.name.clone());
        Ok(ListExportsOutput { exports: Some(found), next_token })
    }
}

/// Exports of a page.
const PAGE: usize = 100;
