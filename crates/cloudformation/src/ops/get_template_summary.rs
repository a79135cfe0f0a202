//! GetTemplateSummary: parameters, types and capabilities of a template or a stack's template.

use cumulet_api_cloudformation::ops::{
    GetTemplateSummary, GetTemplateSummaryInput, GetTemplateSummaryOutput,
};
use cumulet_api_cloudformation::types::{Capability, ParameterConstraints, ParameterDeclaration};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::begin;
use crate::error::Error;
use crate::request;
use crate::source;
use crate::store::{self, Place};

use crate::CloudFormation;

impl Handle<GetTemplateSummary> for CloudFormation {
    async fn access(&self, cx: &Cx, input: &GetTemplateSummaryInput) -> Result<Vec<Access>> {
        let access = begin::access(
            cx,
            "cloudformation:GetTemplateSummary",
            input.stack_name.as_deref().unwrap_or("*"),
        )
        .await?;
        Ok(vec![access.with_some("cloudformation:TemplateUrl", input.template_url.as_deref())])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: GetTemplateSummaryInput,
    ) -> Result<GetTemplateSummaryOutput> {
        let text = if let Some(name) = &input.stack_name {
            let stack = store::stack(&cx.store().snapshot(), &Place::of(cx), name).await?;
            let missing = || Error::NoStack(name.clone());
            begin::present(cx, &stack).await?.ok_or_else(missing)?.original
        } else {
            let body = input.template_body.as_deref();
            source::text(cx, body, input.template_url.as_deref()).await?
        };
        let read = request::read(&text)?;
        let declaration = |one: &cumulet_template::Parameter| ParameterDeclaration {
            parameter_key: Some(one.name.clone()),
            default_value: one.default.clone(),
            parameter_type: Some(one.type_name.clone()),
            no_echo: Some(one.no_echo),
            description: one.description.clone(),
            parameter_constraints: Some(ParameterConstraints {
                allowed_values: Some(one.allowed_values.clone()).filter(|one| !one.is_empty()),
            }),
        };
        let mut capabilities: Vec<Capability> =
            read.needed.iter().map(|(capability, _)| *capability).collect();
        if !read.transforms.is_empty() {
            capabilities.push(Capability::CapabilityAutoExpand);
        }
        Ok(GetTemplateSummaryOutput {
            parameters: Some(read.parameters.iter().map(declaration).collect()),
            description: read.description,
            capabilities: Some(capabilities).filter(|one| !one.is_empty()),
            capabilities_reason: read.needed.map(|(_, reason)| reason),
            resource_types: Some(read.types),
            version: read.version,
            metadata: read.metadata,
            declared_transforms: Some(read.transforms).filter(|one| !one.is_empty()),
            ..GetTemplateSummaryOutput::default()
        })
    }
}
