//! UpdateStack: brings a stack to another template, other parameters or other tags.
//!
//! Promises: like CreateStack. What fails is undone.
//! Refuses: what changes nothing, a stack that is being worked on, and what CreateStack refuses.

use cumulet_api_cloudformation::ops::{UpdateStack, UpdateStackInput, UpdateStackOutput};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::asked::Keys;
use crate::begin::{self, Begin, begin};
use crate::error::Error;
use crate::model::{Kind, OnFailure};
use crate::preview::preview;
use crate::request;
use crate::source::{self, Asked};
use crate::store::{self, Place};

use crate::CloudFormation;

impl Handle<UpdateStack> for CloudFormation {
    async fn access(&self, cx: &Cx, input: &UpdateStackInput) -> Result<Vec<Access>> {
        let keys = Keys {
            template_url: input.template_url.as_deref(),
            stack_policy_url: input.stack_policy_url.as_deref(),
            resource_types: input.resource_types.as_deref(),
            tags: input.tags.as_deref(),
        };
        let needed = begin::with_role(
            cx,
            "cloudformation:UpdateStack",
            &input.stack_name,
            input.role_arn.as_deref(),
        )
        .await?;
        Ok(keys.of(needed))
    }

    async fn handle(&self, cx: &Cx, input: UpdateStackInput) -> Result<UpdateStackOutput> {
        let policies =
            input.stack_policy_body.is_some() || input.stack_policy_during_update_body.is_some();
        request::refuse_policies(policies)?;
        let place = Place::of(cx);
        let mut stack = store::live(&cx.store().snapshot(), &place, &input.stack_name).await?;
        let token = input.client_request_token;
        let answer =
            || UpdateStackOutput { stack_id: Some(stack.id.clone()), ..Default::default() };
        if token.is_some() && stack.last_token == token.clone().map(|token| (token, Kind::Update)) {
            return Ok(answer());
        }
        begin::updatable(&stack)?;
        let answer = answer();
        let role_arn = input.role_arn.or_else(|| stack.settings.role_arn.clone());
        let notified = input.notification_ar_ns;
        let notified = notified.or_else(|| Some(stack.settings.notification_arns.clone()));
        let mut settings = request::settings(role_arn, input.capabilities.as_deref(), notified);
        settings.disable_rollback = input.disable_rollback == Some(true);
        stack.settings.notification_arns.clone_from(&settings.notification_arns);
        let asked = Asked {
            body: input.template_body,
            url: input.template_url,
            use_previous: input.use_previous_template == Some(true),
            parameters: input.parameters.unwrap_or_default(),
            capabilities: input.capabilities.unwrap_or_default(),
            tags: input.tags,
            reviewed: false,
        };
        let before = begin::present(cx, &stack).await?;
        let revision = source::revision(cx, &stack, &asked, before.as_ref()).await?;
        let found = preview(cx, &stack, &revision, before.as_ref()).await?;
        // After a failure that was left as it is, the same template is another try.
        if !found.anything && !stack.status.ends_with("_FAILED") {
            return Err(Error::invalid("No updates are to be performed.").into());
        }
        let on_failure =
            if settings.disable_rollback { OnFailure::DoNothing } else { OnFailure::Rollback };
        let wanted = Begin {
            kind: Kind::Update,
            target: Some(cx.ids().uuid()),
            settings,
            on_failure,
            token,
            retain: Vec::new(),
            retain_except_on_create: input.retain_except_on_create == Some(true),
            change_set: None,
        };
        begin(cx, &stack, false, Some(&revision), &wanted).await?;
        Ok(answer)
    }
}
