//! GetTemplate: a stack's or a change set's template, as it was given or after macros.

use cumulet_api_cloudformation::ops::{GetTemplate, GetTemplateInput, GetTemplateOutput};
use cumulet_api_cloudformation::types::TemplateStage;
use cumulet_service::{Access, Cx, Handle, Result};

use crate::begin;
use crate::error::Error;
use crate::store::{self, Place};

use crate::CloudFormation;

impl Handle<GetTemplate> for CloudFormation {
    async fn access(&self, cx: &Cx, input: &GetTemplateInput) -> Result<Vec<Access>> {
        Ok(vec![
            begin::access(
                cx,
                "cloudformation:GetTemplate",
                input.stack_name.as_deref().unwrap_or("*"),
            )
            .await?,
        ])
    }

    async fn handle(&self, cx: &Cx, input: GetTemplateInput) -> Result<GetTemplateOutput> {
        let (read, place) = (cx.store().snapshot(), Place::of(cx));
        let name = input.stack_name.as_deref();
        let (stack, at) = if let Some(set) = &input.change_set_name {
            let (stack, set) = store::change_set(&read, &place, set, name).await?;
            (stack, set.revision)
        } else {
            let stack = store::stack(&read, &place, name.unwrap_or_default()).await?;
            let at = stack.revision.clone();
            (stack, at)
        };
        let missing = || Error::Validation(format!("Template not found for stack {}", stack.name));
        let at = at.ok_or_else(missing)?;
        let revision = store::revision(&read, &place, &stack.id, &at).await?;
        let processed = input.template_stage == Some(TemplateStage::Processed);
        let body = if processed && revision.transformed {
            revision.processed.to_string()
        } else {
            revision.original
        };
        Ok(GetTemplateOutput {
            template_body: Some(body),
            stages_available: Some(vec![TemplateStage::Original, TemplateStage::Processed]),
        })
    }
}
