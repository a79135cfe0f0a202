//! CreateStack: makes a stack of a template.
//!
//! Promises: the stack and the work on it are durable when answered; the work goes on after a crash
//! as the caller, or as the role that he may hand over. A request with the token of the one that
//! made the stack is answered like it.
//! Refuses: a name that is taken, what the template's form, its parameters or the caller's
//! acknowledgements do not allow, types that this cloud does not have.
//! Not here: stack policies, rollback triggers.

use cumulet_api_cloudformation::ops::{CreateStack, CreateStackInput, CreateStackOutput};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::asked::Keys;
use crate::begin::{self, Begin, begin};
use crate::error::Error;
use crate::model::{Kind, OnFailure};
use crate::request;
use crate::source::{self, Asked};
use crate::store::{self, Place};

use crate::CloudFormation;

impl Handle<CreateStack> for CloudFormation {
    async fn access(&self, cx: &Cx, input: &CreateStackInput) -> Result<Vec<Access>> {
        let keys = Keys {
            template_url: input.template_url.as_deref(),
            stack_policy_url: input.stack_policy_url.as_deref(),
            resource_types: input.resource_types.as_deref(),
            tags: input.tags.as_deref(),
        };
        let needed = begin::with_role(
            cx,
            "cloudformation:CreateStack",
            &input.stack_name,
            input.role_arn.as_deref(),
        )
        .await?;
        Ok(keys.of(needed))
    }

    async fn handle(&self, cx: &Cx, input: CreateStackInput) -> Result<CreateStackOutput> {
        request::check_name(&input.stack_name)?;
        request::refuse_policies(
            input.stack_policy_body.is_some() || input.stack_policy_url.is_some(),
        )?;
        let place = Place::of(cx);
        let found = store::find(&cx.store().snapshot(), &place, &input.stack_name).await?;
        let token = input.client_request_token;
        if let Some(found) = found {
            let again = found
                .last_token
                .as_ref()
                .is_some_and(|(one, kind)| Some(one) == token.as_ref() && *kind == Kind::Create);
            if again {
                return Ok(CreateStackOutput { stack_id: Some(found.id), ..Default::default() });
            }
            return Err(Error::StackExists(input.stack_name).into());
        }
        let on_failure = request::on_failure(input.on_failure, input.disable_rollback)?;
        let mut settings = request::settings(
            input.role_arn,
            input.capabilities.as_deref(),
            input.notification_ar_ns,
        );
        settings.disable_rollback = on_failure == OnFailure::DoNothing;
        settings.timeout_minutes = input.timeout_in_minutes;
        let mut stack = begin::new_stack(cx, &input.stack_name, "CREATE_IN_PROGRESS");
        stack.settings.clone_from(&settings);
        stack.within = begin::within(cx).await?;
        stack.termination_protection = input.enable_termination_protection == Some(true);
        let asked = Asked {
            body: input.template_body,
            url: input.template_url,
            parameters: input.parameters.unwrap_or_default(),
            capabilities: input.capabilities.unwrap_or_default(),
            tags: input.tags,
            ..Asked::default()
        };
        let revision = source::revision(cx, &stack, &asked, None).await?;
        stack.description = request::description(&revision);
        let wanted = Begin {
            kind: Kind::Create,
            target: Some(cx.ids().uuid()),
            settings,
            on_failure,
            token,
            retain: Vec::new(),
            retain_except_on_create: input.retain_except_on_create == Some(true),
            change_set: None,
        };
        begin(cx, &stack, true, Some(&revision), &wanted).await?;
        Ok(CreateStackOutput { stack_id: Some(stack.id), ..Default::default() })
    }
}
