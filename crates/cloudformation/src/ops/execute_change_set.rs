//! ExecuteChangeSet: does what a change set has shown.
//!
//! Refuses: a change set that failed, was executed or no longer fits the stack.

use cumulet_api_cloudformation::ops::{
    ExecuteChangeSet, ExecuteChangeSetInput, ExecuteChangeSetOutput,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::asked;
use crate::begin::{self, Begin, begin};
use crate::error::Error;
use crate::model::{Kind, OnFailure};
use crate::store::{self, Place};

use crate::CloudFormation;

impl Handle<ExecuteChangeSet> for CloudFormation {
    async fn access(&self, cx: &Cx, input: &ExecuteChangeSetInput) -> Result<Vec<Access>> {
        let access = begin::access(
            cx,
            "cloudformation:ExecuteChangeSet",
            input.stack_name.as_deref().unwrap_or("*"),
        )
        .await?;
        Ok(vec![asked::change_set(access, &input.change_set_name)])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: ExecuteChangeSetInput,
    ) -> Result<ExecuteChangeSetOutput> {
        let (read, place) = (cx.store().snapshot(), Place::of(cx));
        let name = input.stack_name.as_deref();
        let (stack, set) = store::change_set(&read, &place, &input.change_set_name, name).await?;
        if set.execution != "AVAILABLE" {
            return Err(Error::ChangeSetStatus(format!(
                "ChangeSet [{}] cannot be executed in its current execution status of [{}]",
                set.id, set.execution
            ))
            .into());
        }
        if !set.creates_stack {
            begin::updatable(&stack)?;
        }
        let mut settings = set.settings.clone();
        settings.disable_rollback = input.disable_rollback == Some(true);
        let on_failure = match set.on_failure {
            OnFailure::Rollback if settings.disable_rollback => OnFailure::DoNothing,
            other => other,
        };
        let wanted = Begin {
            kind: if set.creates_stack { Kind::Create } else { Kind::Update },
            target: set.revision.clone(),
            settings,
            on_failure,
            token: input.client_request_token,
            retain: Vec::new(),
            retain_except_on_create: input.retain_except_on_create == Some(true),
            change_set: Some(set),
        };
        begin(cx, &stack, false, None, &wanted).await?;
        Ok(ExecuteChangeSetOutput {})
    }
}
