//! DeleteStack: removes a stack and what it made, in the order opposite to its making.
//!
//! Promises: that a stack is not there is no error. Afterwards it can be read by id.
//! Refuses: a protected stack, one that is being worked on, resources to retain of a stack whose
//! deletion has not failed.

use cumulet_api_cloudformation::ops::{DeleteStack, DeleteStackInput, DeleteStackOutput};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::begin::{self, Begin, begin, busy};
use crate::error::Error;
use crate::model::{Kind, OnFailure};
use crate::request;
use crate::store::{self, Place};

use crate::CloudFormation;

impl Handle<DeleteStack> for CloudFormation {
    async fn access(&self, cx: &Cx, input: &DeleteStackInput) -> Result<Vec<Access>> {
        begin::with_role(
            cx,
            "cloudformation:DeleteStack",
            &input.stack_name,
            input.role_arn.as_deref(),
        )
        .await
    }

    async fn handle(&self, cx: &Cx, input: DeleteStackInput) -> Result<DeleteStackOutput> {
        let found = store::find(&cx.store().snapshot(), &Place::of(cx), &input.stack_name).await?;
        let Some(stack) = found.filter(|stack| stack.deleted.is_none()) else {
            return Ok(DeleteStackOutput {});
        };
        if stack.termination_protection {
            return Err(Error::Validation(format!(
                "Stack [{}] cannot be deleted while TerminationProtection is enabled",
                stack.name
            ))
            .into());
        }
        if let Some(running) = &stack.operation {
            return if running.kind == Kind::Delete {
                Ok(DeleteStackOutput {})
            } else {
                Err(busy(&stack).into())
            };
        }
        let retain = input.retain_resources.unwrap_or_default();
        if !retain.is_empty() && stack.status != "DELETE_FAILED" {
            return Err(Error::Validation(format!(
                "Invalid operation on stack [{}]. Specify logical IDs of resources to retain only \
                 for a stack in the DELETE_FAILED state",
                stack.id
            ))
            .into());
        }
        let role_arn = input.role_arn.or_else(|| stack.settings.role_arn.clone());
        let wanted = Begin {
            kind: Kind::Delete,
            target: None,
            settings: request::settings(role_arn, None, None),
            on_failure: OnFailure::DoNothing,
            token: input.client_request_token,
            retain,
            retain_except_on_create: false,
            change_set: None,
        };
        begin(cx, &stack, false, None, &wanted).await?;
        Ok(DeleteStackOutput {})
    }
}
