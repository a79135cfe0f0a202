//! ListImports: the stacks that import a name.

use cumulet_api_cloudformation::ops::{ListImports, ListImportsInput, ListImportsOutput};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::error::Error;
use crate::model::ImportRecord;
use crate::page::page;
use crate::store::{self, Place};

use crate::CloudFormation;

impl Handle<ListImports> for CloudFormation {
    async fn access(&self, cx: &Cx, input: &ListImportsInput) -> Result<Vec<Access>> {
        let _ = input;
        Ok(vec![Access::any(cx, "cloudformation:ListImports")])
    }

    async fn handle(&self, cx: &Cx, input: ListImportsInput) -> Result<ListImportsOutput> {
        let (read, place) = (cx.store().snapshot(), Place::of(cx));
        let found: Vec<ImportRecord> =
            store::all(&read, &place.imports(&input.export_name)).await?;
        if found.is_empty() {
            let name = input.export_name;
            return Err(Error::Validation(format!(
                "Export '{name}' is not imported by any stack."
            ))
            .into());
        }
        let stacks = found.into_iter().map(|import| import.stack);
        let (imports, next_token) = page(stacks, input.next_token.as_deref(), String::clone);
        Ok(ListImportsOutput { imports: Some(imports), next_token })
    }
}
