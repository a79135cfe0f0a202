//! ValidateTemplate: whether a template has the form it must have, and what it asks for.

use cumulet_api_cloudformation::ops::{
    ValidateTemplate, ValidateTemplateInput, ValidateTemplateOutput,
};
use cumulet_api_cloudformation::types::{Capability, TemplateParameter};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::request;
use crate::source;

use crate::CloudFormation;

impl Handle<ValidateTemplate> for CloudFormation {
    async fn access(&self, cx: &Cx, input: &ValidateTemplateInput) -> Result<Vec<Access>> {
        let access = Access::any(cx, "cloudformation:ValidateTemplate");
        Ok(vec![access.with_some("cloudformation:TemplateUrl", input.template_url.as_deref())])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: ValidateTemplateInput,
    ) -> Result<ValidateTemplateOutput> {
        let body = input.template_body.as_deref();
        let text = source::text(cx, body, input.template_url.as_deref()).await?;
        let read = request::read(&text)?;
        let parameter = |one: &cumulet_template::Parameter| TemplateParameter {
            parameter_key: Some(one.name.clone()),
            default_value: one.default.clone(),
            no_echo: Some(one.no_echo),
            description: one.description.clone(),
        };
        let mut capabilities: Vec<Capability> =
            read.needed.iter().map(|(capability, _)| *capability).collect();
        if !read.transforms.is_empty() {
            capabilities.push(Capability::CapabilityAutoExpand);
        }
        Ok(ValidateTemplateOutput {
            parameters: Some(read.parameters.iter().map(parameter).collect()),
            description: read.description,
            capabilities: Some(capabilities).filter(|one| !one.is_empty()),
            capabilities_reason: read.needed.map(|(_, reason)| reason),
            declared_transforms: Some(read.transforms).filter(|one| !one.is_empty()),
        })
    }
}
