//! Rules of EventBridge: on a schedule, or on events that match a pattern.

use crate::events::{Event, Target, dead_letter, permission};
use crate::fault::Fault;
use crate::node::{Dict, Node, dict, list};
use crate::resource::Resource;
use crate::schema::{Form, Property, optional, required};

pub(super) const SCHEDULE: &[Property] = &[
    required("Schedule", Form::Str),
    optional("RuleName", Form::Str),
    optional("Input", Form::Str),
    optional("Enabled", Form::Bool),
    optional("State", Form::Str),
    optional("Name", Form::Str),
    optional("Description", Form::Str),
    optional("DeadLetterConfig", Form::Map),
    optional("RetryPolicy", Form::Map),
];

pub(super) const PATTERN: &[Property] = &[
    optional("EventBusName", Form::Str),
    optional("RuleName", Form::Str),
    optional("Pattern", Form::Map),
    optional("DeadLetterConfig", Form::Map),
    optional("RetryPolicy", Form::Map),
    optional("Input", Form::Str),
    optional("InputPath", Form::Str),
    optional("Target", Form::Map),
    optional("Enabled", Form::Bool),
    optional("State", Form::Str),
    optional("InputTransformer", Form::Map),
];

/// Characters of a target's id (EventBridge).
const MAX_TARGET_ID: usize = 64;

pub(super) fn generate(event: &Event, target: &Target) -> Result<Vec<Resource>, Fault> {
    let rule = rule(event, target)?;
    let arn = rule.arn();
    let mut resources =
        finish(event, rule, target_of(event, target, "LambdaTarget"), &target.attributes)?;
    resources.push(permission(&event.id.text, "", target, "events.amazonaws.com", arn));
    Ok(resources)
}

/// The rule without its target.
pub(super) fn rule(event: &Event, target: &Target) -> Result<Resource, Fault> {
    let mut rule = Resource::new(&event.id, "AWS::Events::Rule", &target.attributes);
    if event.kind == "Schedule" {
        rule.set("ScheduleExpression", event.at("Schedule"));
        rule.set("Name", event.at("Name"));
        rule.set("Description", event.at("Description"));
    } else {
        rule.set("EventBusName", event.at("EventBusName"));
        rule.set("EventPattern", event.at("Pattern"));
        rule.set("Name", event.at("RuleName"));
    }
    let (state, enabled) = (event.at("State"), event.at("Enabled"));
    if state.truthy() && !enabled.is_null() {
        return Err(event.fault("State and Enabled Properties cannot both be specified."));
    }
    if state.truthy() {
        rule.set("State", state);
    }
    if !enabled.is_null() {
        rule.set("State", if enabled.truthy() { "ENABLED" } else { "DISABLED" });
    }
    Ok(rule)
}

/// The rule's target.
pub(super) fn target_of(event: &Event, target: &Target, suffix: &str) -> Dict {
    let given = event.at("Target").as_map().and_then(|given| given.get("Id"));
    let made = || {
        let id: String = event.id.text.chars().take(MAX_TARGET_ID - suffix.len()).collect();
        format!("{id}{suffix}").into()
    };
    let id = given.cloned().unwrap_or_else(made);
    let mut result = Dict::default();
    result.insert("Arn", target.arn.clone());
    result.insert("Id", id);
    for key in ["Input", "InputPath", "RetryPolicy", "InputTransformer"] {
        result.insert_some(key, event.at(key));
    }
    result
}

/// The rule with its target and its dead-letter queue.
pub(super) fn finish(
    event: &Event,
    mut rule: Resource,
    mut target: Dict,
    attributes: &Dict,
) -> Result<Vec<Resource>, Fault> {
    let (queue_arn, queue) = dead_letter::queue(event, attributes)?;
    if !event.at("DeadLetterConfig").is_null() {
        target.insert("DeadLetterConfig", dict! { "Arn" => queue_arn });
    }
    rule.set("Targets", list![Node::Map(target)]);
    let mut resources = Vec::new();
    if let Some(queue) = queue {
        resources.push(dead_letter::queue_policy(event, &queue, &rule.arn()));
        resources.push(queue);
    }
    resources.push(rule);
    Ok(resources)
}
