//! Records as answers show them.

use cumulet_api_cloudformation::types::{
    Capability, Output, Parameter, ResourceStatus, Stack, StackEvent, StackResource,
    StackResourceDetail, StackResourceSummary, StackStatus, StackSummary, Tag,
};
use cumulet_base::Timestamp;
use cumulet_service::{Cx, Result};

use crate::model::{EventRecord, ResourceRecord, ShownParameter, StackRecord};
use crate::store::{self, Place};

fn time(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn status(text: &str) -> StackStatus {
    StackStatus::from_wire(text).unwrap_or_default()
}

fn resource_status(text: &str) -> ResourceStatus {
    ResourceStatus::from_wire(text).unwrap_or_default()
}

pub(crate) fn parameters(shown: Vec<ShownParameter>) -> Vec<Parameter> {
    let parameter = |one: ShownParameter| Parameter {
        parameter_key: Some(one.key),
        parameter_value: Some(one.value),
        resolved_value: one.resolved,
        ..Parameter::default()
    };
    shown.into_iter().map(parameter).collect()
}

pub(crate) fn tags(tags: Vec<(String, String)>) -> Vec<Tag> {
    tags.into_iter().map(|(key, value)| Tag { key, value }).collect()
}

pub(crate) fn capabilities(names: &[String]) -> Vec<Capability> {
    names.iter().filter_map(|name| Capability::from_wire(name)).collect()
}

pub(crate) async fn stack(cx: &Cx, place: &Place, stack: StackRecord) -> Result<Stack> {
    let (shown, stack_tags) = match &stack.revision {
        Some(at) => {
            let read = cx.store().snapshot();
            let revision = store::revision(&read, place, &stack.id, at).await?;
            (revision.shown, revision.tags)
        }
        None => (Vec::new(), Vec::new()),
    };
    let output = |one: crate::model::OutputRecord| Output {
        output_key: Some(one.key),
        output_value: Some(one.value),
        description: one.description,
        export_name: one.export,
    };
    let reason = stack.reason.filter(|_| stack.status != "CREATE_IN_PROGRESS");
    Ok(Stack {
        stack_id: Some(stack.id),
        stack_name: stack.name,
        change_set_id: stack.change_set,
        description: stack.description,
        parameters: Some(parameters(shown)),
        creation_time: time(stack.created),
        deletion_time: stack.deleted.map(time),
        last_updated_time: stack.updated.map(time),
        stack_status: status(&stack.status),
        stack_status_reason: reason,
        disable_rollback: Some(stack.settings.disable_rollback),
        notification_ar_ns: Some(stack.settings.notification_arns),
        timeout_in_minutes: stack.settings.timeout_minutes,
        capabilities: Some(capabilities(&stack.settings.capabilities)),
        outputs: Some(stack.outputs.into_iter().map(output).collect()),
        role_arn: stack.settings.role_arn,
        tags: Some(tags(stack_tags)),
        enable_termination_protection: Some(stack.termination_protection),
        root_id: stack.within.first().cloned(),
        parent_id: stack.within.last().cloned(),
        ..Stack::default()
    })
}

pub(crate) fn summary(stack: StackRecord) -> StackSummary {
    StackSummary {
        stack_status: status(&stack.status),
        stack_id: Some(stack.id),
        stack_name: stack.name,
        template_description: stack.description,
        creation_time: time(stack.created),
        last_updated_time: stack.updated.map(time),
        deletion_time: stack.deleted.map(time),
        stack_status_reason: stack.reason,
        root_id: stack.within.first().cloned(),
        parent_id: stack.within.last().cloned(),
        ..StackSummary::default()
    }
}

pub(crate) fn event(stack: &StackRecord, event: EventRecord) -> StackEvent {
    StackEvent {
        stack_id: stack.id.clone(),
        event_id: event.id,
        stack_name: stack.name.clone(),
        logical_resource_id: Some(event.logical_id),
        physical_resource_id: event.physical_id,
        resource_type: Some(event.type_name),
        timestamp: time(event.time),
        // The statuses of stacks are not all among those of resources; the wire has one name.
        resource_status: ResourceStatus::from_wire(&event.status),
        resource_status_reason: event.reason,
        client_request_token: event.token,
        ..StackEvent::default()
    }
}

fn physical_id(record: &ResourceRecord) -> Option<String> {
    record.current.as_ref().map(|made| made.physical_id.clone())
}

pub(crate) fn resource(stack: &StackRecord, record: ResourceRecord) -> StackResource {
    StackResource {
        stack_name: Some(stack.name.clone()),
        stack_id: Some(stack.id.clone()),
        physical_resource_id: physical_id(&record),
        resource_status: resource_status(&record.status),
        logical_resource_id: record.id,
        resource_type: record.type_name,
        timestamp: time(record.changed),
        resource_status_reason: record.reason,
        description: record.description,
        ..StackResource::default()
    }
}

pub(crate) fn detail(stack: &StackRecord, record: ResourceRecord) -> StackResourceDetail {
    StackResourceDetail {
        stack_name: Some(stack.name.clone()),
        stack_id: Some(stack.id.clone()),
        physical_resource_id: physical_id(&record),
        resource_status: resource_status(&record.status),
        logical_resource_id: record.id,
        resource_type: record.type_name,
        last_updated_timestamp: time(record.changed),
        resource_status_reason: record.reason,
        description: record.description,
        metadata: record.metadata.map(|metadata| metadata.to_string()),
        ..StackResourceDetail::default()
    }
}

pub(crate) fn resource_summary(record: ResourceRecord) -> StackResourceSummary {
    StackResourceSummary {
        physical_resource_id: physical_id(&record),
        resource_status: resource_status(&record.status),
        logical_resource_id: record.id,
        resource_type: record.type_name,
        last_updated_timestamp: time(record.changed),
        resource_status_reason: record.reason,
        ..StackResourceSummary::default()
    }
}
