//! Change sets: made of a request, compared with a stack, shown.

use cumulet_api_cloudformation::ops::{CreateChangeSetInput, DescribeChangeSetOutput};
use cumulet_api_cloudformation::types::{
    Change, ChangeAction, ChangeSetStatus, ChangeSetSummary, ChangeSetType, ChangeSource,
    ChangeType, EvaluationType, ExecutionStatus, OnStackFailure, Replacement, RequiresRecreation,
    ResourceAttribute, ResourceChange, ResourceChangeDetail, ResourceTargetDefinition,
};
use cumulet_base::{Arn, Timestamp};
use cumulet_service::{Cx, Error as ServiceError, Result};

use crate::begin;
use crate::describe;
use crate::error::Error;
use crate::model::{ChangeSetRecord, OnFailure, Planned, PlannedChange, Revision, StackRecord};
use crate::preview::preview;
use crate::request;

const UNCHANGED: &str = "The submitted information didn't contain changes. Submit different \
                         information to create a change set.";

/// Whether the change set makes a stack.
pub(crate) fn kind(input: &CreateChangeSetInput) -> Result<bool> {
    let imports = input.resources_to_import.as_ref().is_some_and(|list| !list.is_empty());
    if imports || input.import_existing_resources == Some(true) {
        return Err(ServiceError::not_implemented("cloudformation", "imports of resources"));
    }
    match input.change_set_type {
        Some(ChangeSetType::Import) => {
            Err(ServiceError::not_implemented("cloudformation", "imports of resources"))
        }
        Some(ChangeSetType::Create) => Ok(true),
        Some(ChangeSetType::Update) | None => Ok(false),
    }
}

/// The stack that the change set is of, and whether it is yet to be written.
pub(crate) fn stack(
    cx: &Cx,
    found: Option<StackRecord>,
    name: &str,
    creates: bool,
) -> Result<(StackRecord, bool)> {
    match (found, creates) {
        (None, true) => {
            request::check_name(name)?;
            Ok((begin::new_stack(cx, name, "REVIEW_IN_PROGRESS"), true))
        }
        (None, false) => Err(Error::Validation(format!("Stack [{name}] does not exist")).into()),
        (Some(stack), true) if stack.status == "REVIEW_IN_PROGRESS" => Ok((stack, false)),
        (Some(stack), true) => Err(Error::Validation(format!(
            "Stack [{}] already exists and cannot be created again with the changeSet",
            stack.name
        ))
        .into()),
        (Some(stack), false) => {
            begin::updatable(&stack)?;
            Ok((stack, false))
        }
    }
}

/// The name stands for another change set.
pub(crate) fn taken(name: &str) -> ServiceError {
    let text = format!(
        "ChangeSet {name} cannot be created due to a mismatch with existing attribute Template"
    );
    ServiceError::modeled::<cumulet_api_cloudformation::errors::AlreadyExistsException>(text)
}

/// The change set of a request, not yet compared.
pub(crate) fn record(
    cx: &Cx,
    stack: &StackRecord,
    input: &CreateChangeSetInput,
    creates_stack: bool,
) -> ChangeSetRecord {
    let id = format!("changeSet/{}/{}", input.change_set_name, cx.ids().uuid());
    let id = Arn::new("cloudformation", cx.region(), cx.account(), &id);
    let role_arn = input.role_arn.clone().or_else(|| stack.settings.role_arn.clone());
    let on_failure = match input.on_stack_failure {
        Some(OnStackFailure::DoNothing) => OnFailure::DoNothing,
        Some(OnStackFailure::Delete) => OnFailure::Delete,
        Some(OnStackFailure::Rollback) | None => OnFailure::Rollback,
    };
    ChangeSetRecord {
        id: id.as_str().to_owned(),
        name: input.change_set_name.clone(),
        description: input.description.clone(),
        created: cx.now().millis(),
        creates_stack,
        status: "CREATE_COMPLETE".to_owned(),
        execution: "AVAILABLE".to_owned(),
        reason: None,
        settings: request::settings(
            role_arn,
            input.capabilities.as_deref(),
            input.notification_ar_ns.clone(),
        ),
        on_failure,
        revision: None,
        shown: Vec::new(),
        tags: Vec::new(),
        changes: Vec::new(),
        include_nested: input.include_nested_stacks == Some(true),
        token: input.client_token.clone(),
    }
}

impl ChangeSetRecord {
    /// It cannot be executed.
    pub(crate) fn fail(&mut self, reason: String) {
        "FAILED".clone_into(&mut self.status);
        "UNAVAILABLE".clone_into(&mut self.execution);
        self.reason = Some(reason);
    }
}

/// Puts into the change set what `revision` would change.
pub(crate) async fn compare(
    cx: &Cx,
    stack: &StackRecord,
    set: &mut ChangeSetRecord,
    revision: Revision,
    before: Option<Revision>,
) -> Result<Option<Revision>> {
    let found = preview(cx, stack, &revision, before.as_ref()).await?;
    set.shown.clone_from(&revision.shown);
    set.tags.clone_from(&revision.tags);
    set.changes = found.changes;
    set.revision = Some(cx.ids().uuid());
    if !found.anything && !set.creates_stack {
        set.fail(UNCHANGED.to_owned());
    }
    Ok(Some(revision))
}

pub(crate) fn describe(stack: &StackRecord, set: ChangeSetRecord) -> DescribeChangeSetOutput {
    DescribeChangeSetOutput {
        change_set_name: Some(set.name),
        change_set_id: Some(set.id),
        stack_id: Some(stack.id.clone()),
        stack_name: Some(stack.name.clone()),
        description: set.description,
        parameters: Some(describe::parameters(set.shown)),
        creation_time: Some(Timestamp::from_millis(set.created)),
        execution_status: ExecutionStatus::from_wire(&set.execution),
        status: ChangeSetStatus::from_wire(&set.status),
        status_reason: set.reason,
        notification_ar_ns: Some(set.settings.notification_arns),
        capabilities: Some(describe::capabilities(&set.settings.capabilities)),
        tags: Some(describe::tags(set.tags)),
        changes: Some(set.changes.into_iter().map(change).collect()),
        include_nested_stacks: Some(set.include_nested),
        ..DescribeChangeSetOutput::default()
    }
}

pub(crate) fn summary(stack: &StackRecord, set: ChangeSetRecord) -> ChangeSetSummary {
    ChangeSetSummary {
        stack_id: Some(stack.id.clone()),
        stack_name: Some(stack.name.clone()),
        change_set_id: Some(set.id),
        change_set_name: Some(set.name),
        execution_status: ExecutionStatus::from_wire(&set.execution),
        status: ChangeSetStatus::from_wire(&set.status),
        status_reason: set.reason,
        creation_time: Some(Timestamp::from_millis(set.created)),
        description: set.description,
        ..ChangeSetSummary::default()
    }
}

fn change(planned: PlannedChange) -> Change {
    let replaces = planned.properties.iter().any(|(_, new)| *new);
    let modifies = planned.action == Planned::Modify;
    let replacement = match (replaces, planned.conditional) {
        (true, true) => Replacement::Conditional,
        (true, false) => Replacement::True,
        (false, _) => Replacement::False,
    };
    let mut scope = Vec::new();
    if !planned.properties.is_empty() {
        scope.push(ResourceAttribute::Properties);
    }
    if !planned.attributes.is_empty() {
        scope.push(ResourceAttribute::Tags);
    }
    let evaluation =
        if planned.conditional { EvaluationType::Dynamic } else { EvaluationType::Static };
    let detail = |(name, new): &(String, bool)| ResourceChangeDetail {
        target: Some(ResourceTargetDefinition {
            attribute: Some(ResourceAttribute::Properties),
            name: Some(name.clone()),
            requires_recreation: Some(match (new, planned.conditional) {
                (false, _) => RequiresRecreation::Never,
                (true, false) => RequiresRecreation::Always,
                (true, true) => RequiresRecreation::Conditionally,
            }),
            ..ResourceTargetDefinition::default()
        }),
        evaluation: Some(evaluation),
        change_source: Some(ChangeSource::DirectModification),
        ..ResourceChangeDetail::default()
    };
    Change {
        r#type: Some(ChangeType::Resource),
        resource_change: Some(ResourceChange {
            action: Some(match planned.action {
                Planned::Add => ChangeAction::Add,
                Planned::Modify => ChangeAction::Modify,
                Planned::Remove => ChangeAction::Remove,
            }),
            details: Some(planned.properties.iter().map(detail).collect()),
            logical_resource_id: Some(planned.id),
            physical_resource_id: planned.physical_id,
            resource_type: Some(planned.type_name),
            replacement: modifies.then_some(replacement),
            scope: Some(scope),
            ..ResourceChange::default()
        }),
        ..Change::default()
    }
}
