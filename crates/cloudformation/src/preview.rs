//! What an operation would do: the body of a change set, and whether there is anything to do.

use std::collections::BTreeSet;

use cumulet_service::{Cx, Error as ServiceError, Result};
use cumulet_template::{Resource, Stack, Template};
use serde_json::{Map, Value};

use crate::context::{Fact, Known, pseudo};
use crate::model::{
    Made, Planned, PlannedChange, ResourceRecord, Revision, StackRecord, State, Values,
};
use crate::store::{self, Place};
use crate::types;

/// What would happen.
#[derive(Debug, Default)]
pub(crate) struct Preview {
    pub(crate) changes: Vec<PlannedChange>,
    /// Whether anything would change, be it an output only.
    pub(crate) anything: bool,
}

/// Compares `revision` with what the stack is at, `before`.
pub(crate) async fn preview(
    cx: &Cx,
    stack: &StackRecord,
    revision: &Revision,
    before: Option<&Revision>,
) -> Result<Preview> {
    let records = store::resources(&cx.store().snapshot(), &Place::of(cx), &stack.id).await?;
    let values: Values = store::open(cx.sealer(), &stack.id, &revision.values)?;
    let template = Template::new(&revision.processed).map_err(ServiceError::internal)?;
    let evaluated = Stack::new(&template, values.resolved, pseudo(cx, stack))
        .map_err(ServiceError::internal)?;
    let graph = evaluated.graph().map_err(ServiceError::internal)?;
    let mut known = Known::default();
    let mut preview = Preview::default();
    let mut seen = BTreeSet::new();
    for id in graph.creation().iter().flatten() {
        let Some(resource) = template.resource(id) else { continue };
        seen.insert(id.as_str());
        let made = records.iter().find(|one| one.id == *id).and_then(|one| one.current.as_ref());
        let properties = known.evaluate(cx, |known| evaluated.properties(resource, known)).await?;
        let Some(made) = made else {
            known.resources.insert(id.clone(), Fact::Later);
            preview.changes.push(added(resource));
            continue;
        };
        let state: State = store::open(cx.sealer(), &stack.id, &made.state)?;
        let change = modified(cx, resource, made, &state.properties, &properties, &revision.tags);
        let replaced =
            change.as_ref().is_some_and(|change| change.properties.iter().any(|(_, new)| *new));
        let fact = if replaced {
            Fact::Later
        } else {
            Fact::There { physical_id: made.physical_id.clone(), attributes: state.attributes }
        };
        known.resources.insert(id.clone(), fact);
        preview.changes.extend(change);
    }
    let dropped = records.iter().filter(|record| !seen.contains(record.id.as_str()));
    preview.changes.extend(dropped.filter_map(removed));
    preview.changes.sort_by(|a, b| a.id.cmp(&b.id));
    preview.anything = !preview.changes.is_empty()
        || before.is_none_or(|before| {
            before.tags != revision.tags || outside(before) != outside(revision)
        })
        || outputs_differ(cx, stack, &template, &evaluated, &mut known).await?;
    Ok(preview)
}

/// What of a template can change without a resource changing.
fn outside(revision: &Revision) -> Vec<Option<Value>> {
    let part = |value: &Value, name: &str| value.get(name).cloned();
    let mut parts = vec![part(&revision.processed, "Outputs")];
    if let Some(Value::Object(resources)) = revision.processed.get("Resources") {
        for (id, resource) in resources {
            parts.push(Some(Value::String(id.clone())));
            parts.extend(
                ["DeletionPolicy", "UpdateReplacePolicy", "Metadata"]
                    .map(|name| part(resource, name)),
            );
        }
    }
    parts
}

async fn outputs_differ(
    cx: &Cx,
    stack: &StackRecord,
    template: &Template,
    evaluated: &Stack<'_>,
    known: &mut Known,
) -> Result<bool> {
    let mut count = 0;
    for output in &template.outputs {
        let found = known.evaluate(cx, |known| evaluated.output(output, known)).await?;
        let Some((value, export)) = found else { continue };
        count += 1;
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let same = stack
            .outputs
            .iter()
            .any(|one| one.key == output.name && one.value == value && one.export == export);
        if !same {
            return Ok(true);
        }
    }
    Ok(count != stack.outputs.len())
}

/// Names of properties that differ.
pub(crate) fn differing<'a>(
    before: &'a Map<String, Value>,
    after: &'a Map<String, Value>,
) -> impl Iterator<Item = &'a str> {
    let changed = after.iter().filter(|(name, value)| before.get(*name) != Some(*value));
    let dropped = before.keys().filter(|name| !after.contains_key(*name));
    changed.map(|(name, _)| name).chain(dropped).map(String::as_str)
}

fn added(resource: &Resource) -> PlannedChange {
    PlannedChange {
        id: resource.id.clone(),
        type_name: resource.type_name.clone(),
        physical_id: None,
        action: Planned::Add,
        properties: Vec::new(),
        attributes: Vec::new(),
        conditional: false,
    }
}

fn removed(record: &ResourceRecord) -> Option<PlannedChange> {
    let made = record.current.as_ref()?;
    Some(PlannedChange {
        id: record.id.clone(),
        type_name: made.type_name.clone(),
        physical_id: Some(made.physical_id.clone()),
        action: Planned::Remove,
        properties: Vec::new(),
        attributes: Vec::new(),
        conditional: false,
    })
}

fn modified(
    cx: &Cx,
    resource: &Resource,
    made: &Made,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    tags: &[(String, String)],
) -> Option<PlannedChange> {
    let kind = types::find(cx, &resource.type_name);
    let other_type = made.type_name != resource.type_name;
    let replaces = |name: &str| other_type || kind.is_some_and(|kind| kind.replaces(name));
    let mut properties: Vec<(String, bool)> =
        differing(before, after).map(|name| (name.to_owned(), replaces(name))).collect();
    if other_type && properties.is_empty() {
        properties.push(("Type".to_owned(), true));
    }
    let mut attributes = Vec::new();
    if made.tags != tags {
        attributes.push("Tags".to_owned());
    }
    let unknown = properties.iter().any(|(name, new)| *new && after.get(name).is_some_and(waits));
    (!properties.is_empty() || !attributes.is_empty()).then(|| PlannedChange {
        id: resource.id.clone(),
        type_name: resource.type_name.clone(),
        physical_id: Some(made.physical_id.clone()),
        action: Planned::Modify,
        properties,
        attributes,
        conditional: unknown,
    })
}

/// Whether a function is left in the value, which only what is yet to be made can answer.
fn waits(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(waits),
        Value::Object(map) => {
            map.keys().any(|key| key == "Ref" || key.starts_with("Fn::")) || map.values().any(waits)
        }
        _ => false,
    }
}
