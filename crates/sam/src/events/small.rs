//! Alexa skills, IoT rules, CloudWatch Logs: sources that need a permission and little more.

use crate::events::{Event, Target, permission};
use crate::intrinsics::{arn, reference, sub, sub_with};
use crate::node::{Node, dict, list};
use crate::resource::Resource;
use crate::schema::{Form, Property, optional, required};
use crate::state::State;

pub(super) const ALEXA_SKILL: &[Property] = &[optional("SkillId", Form::Str)];

pub(super) const IOT_RULE: &[Property] =
    &[required("Sql", Form::Str), optional("AwsIotSqlVersion", Form::Str)];

pub(super) const LOGS: &[Property] =
    &[required("LogGroupName", Form::Str), required("FilterPattern", Form::Str)];

pub(super) fn alexa_skill(event: &Event, target: &Target) -> Vec<Resource> {
    vec![
        permission(&event.id.text, "", target, "alexa-appkit.amazon.com", Node::Null)
            .with("EventSourceToken", event.at("SkillId")),
    ]
}

pub(super) fn iot_rule(state: &State<'_>, event: &Event, target: &Target) -> Vec<Resource> {
    let pattern = arn(state.context.partition, "iot", "rule/${RuleName}");
    let source = sub_with(pattern, dict! { "RuleName" => reference(&event.id) });
    let mut payload = dict! {
        "Sql" => event.at("Sql"),
        "RuleDisabled" => false,
        "Actions" => list![dict! { "Lambda" => dict! { "FunctionArn" => target.arn.clone() } }],
    };
    if let (true, Node::Map(payload)) = (event.at("AwsIotSqlVersion").truthy(), &mut payload) {
        payload.insert("AwsIotSqlVersion", event.at("AwsIotSqlVersion"));
    }
    vec![
        permission(&event.id.text, "", target, "iot.amazonaws.com", source)
            .with("SourceAccount", sub("${AWS::AccountId}")),
        Resource::new(&event.id, "AWS::IoT::TopicRule", &target.attributes)
            .with("TopicRulePayload", payload),
    ]
}

pub(super) fn logs(state: &State<'_>, event: &Event, target: &Target) -> Vec<Resource> {
    let pattern = arn(state.context.partition, "logs", "log-group:${__LogGroupName__}:*");
    let source = sub_with(pattern, dict! { "__LogGroupName__" => event.at("LogGroupName") });
    let permission = permission(&event.id.text, "", target, "logs.amazonaws.com", source);
    let filter = Resource::new(&event.id, "AWS::Logs::SubscriptionFilter", &target.attributes)
        .after(list![&permission.id])
        .with("LogGroupName", event.at("LogGroupName"))
        .with("FilterPattern", event.at("FilterPattern"))
        .with("DestinationArn", target.arn.clone());
    vec![permission, filter]
}
