//! CreateChangeSet: works out what an operation would do, to be looked at before it is done.
//!
//! Promises: the change set is complete when answered; one for a new stack makes the stack, in
//! review. What a macro cannot transform or makes wrong, and what changes nothing, fails in the
//! change set.
//! Refuses: imports of existing resources, nested stacks and what CreateStack refuses.

use cumulet_api_cloudformation::ops::{
    CreateChangeSet, CreateChangeSetInput, CreateChangeSetOutput,
};
use cumulet_service::Error as ServiceError;
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_store::Read as _;

use crate::asked::{self, Keys};
use crate::begin::{self, busy};
use crate::change_set;
use crate::error::Error;
use crate::model::{ChangeSetRecord, Revision, StackRecord};
use crate::request;
use crate::source::{self, Asked, Refused};
use crate::store::{self, Place};

use crate::CloudFormation;

impl Handle<CreateChangeSet> for CloudFormation {
    async fn access(&self, cx: &Cx, input: &CreateChangeSetInput) -> Result<Vec<Access>> {
        let keys = Keys {
            template_url: input.template_url.as_deref(),
            stack_policy_url: None,
            resource_types: input.resource_types.as_deref(),
            tags: input.tags.as_deref(),
        };
        let needed = begin::with_role(
            cx,
            "cloudformation:CreateChangeSet",
            &input.stack_name,
            input.role_arn.as_deref(),
        )
        .await?;
        let mut needed = keys.of(needed);
        if let Some(first) = needed.first_mut() {
            let imported = input.resources_to_import.as_deref().unwrap_or_default();
            *first = asked::importing(first.clone(), imported);
            *first = asked::change_set(first.clone(), &input.change_set_name);
        }
        Ok(needed)
    }

    async fn handle(&self, cx: &Cx, input: CreateChangeSetInput) -> Result<CreateChangeSetOutput> {
        let kind = change_set::kind(&input)?;
        let (place, creates) = (Place::of(cx), kind);
        let found = store::find(&cx.store().snapshot(), &place, &input.stack_name).await?;
        let found = found.filter(|stack| stack.deleted.is_none());
        let (mut stack, new) = change_set::stack(cx, found, &input.stack_name, creates)?;
        let key = place.change_set(&stack.id, &input.change_set_name);
        if let Some(set) = cx.store().snapshot().get_record::<ChangeSetRecord>(&key).await? {
            if input.client_token.is_some() && set.token == input.client_token {
                return Ok(CreateChangeSetOutput { id: Some(set.id), stack_id: Some(stack.id) });
            }
            if set.execution != "EXECUTE_COMPLETE" {
                return Err(change_set::taken(&input.change_set_name));
            }
        }
        let mut set = change_set::record(cx, &stack, &input, creates);
        stack.settings.notification_arns.clone_from(&set.settings.notification_arns);
        let asked = Asked {
            body: input.template_body,
            url: input.template_url,
            use_previous: input.use_previous_template == Some(true),
            parameters: input.parameters.unwrap_or_default(),
            capabilities: input.capabilities.unwrap_or_default(),
            tags: input.tags,
            reviewed: true,
        };
        let before = begin::present(cx, &stack).await?;
        let revision = match source::revision(cx, &stack, &asked, before.as_ref()).await {
            Ok(revision) => change_set::compare(cx, &stack, &mut set, revision, before).await?,
            Err(Refused::Late(reason)) => {
                set.fail(reason);
                None
            }
            Err(Refused::Request(error)) => return Err(error),
        };
        if let Some(revision) = &revision {
            stack.description = request::description(revision);
        }
        write(cx, &stack, new, &set, revision.as_ref()).await?;
        Ok(CreateChangeSetOutput { id: Some(set.id), stack_id: Some(stack.id) })
    }
}

/// Writes the change set and, where it makes one, the stack.
async fn write(
    cx: &Cx,
    stack: &StackRecord,
    new: bool,
    set: &ChangeSetRecord,
    revision: Option<&Revision>,
) -> Result<()> {
    let (place, event_id) = (&Place::of(cx), &cx.ids().uuid());
    cx.store()
        .transact(|tx| async move {
            if new {
                if tx.get(&place.name(&stack.name)).await?.is_some() {
                    return Err(Error::StackExists(stack.name.clone()).into());
                }
                tx.put(place.name(&stack.name), stack.id.clone().into_bytes());
                tx.put_record(place.stack(&stack.id), stack);
                let event = store::stack_event(stack, event_id.clone(), cx.now(), None);
                store::add_event(&tx, place, &stack.id, &event).await?;
            } else if store::live(&tx, place, &stack.id).await?.operation.is_some() {
                return Err(busy(stack).into());
            }
            if let (Some(id), Some(revision)) = (&set.revision, revision) {
                tx.put_record(place.revision(&stack.id, id), revision);
            }
            store::put_change_set(&tx, place, &stack.id, set);
            Ok::<_, ServiceError>(())
        })
        .await
}
