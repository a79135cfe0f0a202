//! `DeadLetterConfig` of rules and schedules: a queue given by its ARN, or one to create.

use crate::events::Event;
use crate::fault::Fault;
use crate::intrinsics::reference;
use crate::node::{Dict, Node, dict, list};
use crate::resource::Resource;

/// The queue's ARN, and the queue where it is created. Null where there is no configuration.
pub(super) fn queue(event: &Event, attributes: &Dict) -> Result<(Node, Option<Resource>), Fault> {
    let config = event.at("DeadLetterConfig");
    if config.is_null() {
        return Ok((Node::Null, None));
    }
    let fault = |message: &str| Err(Fault::event(&event.id.text, message));
    let has = |key: &str| config.as_map().is_some_and(|config| config.contains(key));
    match (has("Arn"), has("Type")) {
        (true, true) => {
            return fault("You can either define 'Arn' or 'Type' property of DeadLetterConfig.");
        }
        (false, true) if !config.at("Type").is("SQS") => {
            return fault("The only valid value for 'Type' property of DeadLetterConfig is 'SQS'.");
        }
        (false, false) => {
            return fault("No 'Arn' or 'Type' property provided for DeadLetterConfig.");
        }
        _ => {}
    }
    if !config.at("Arn").is_null() {
        return Ok((config.at("Arn").clone(), None));
    }
    let id = match config.at("QueueLogicalId") {
        Node::Null => format!("{}Queue", event.id.text),
        Node::Text(text) if text.text.is_empty() => format!("{}Queue", event.id.text),
        Node::Text(text) => text.text.clone(),
        _ => return fault("QueueLogicalId must be a string"),
    };
    let queue = Resource::new(id, "AWS::SQS::Queue", attributes);
    Ok((queue.arn(), Some(queue)))
}

/// Lets a rule send what it could not deliver.
pub(super) fn queue_policy(event: &Event, queue: &Resource, rule_arn: &Node) -> Resource {
    let statement = dict! {
        "Action" => "sqs:SendMessage",
        "Effect" => "Allow",
        "Principal" => dict! { "Service" => "events.amazonaws.com" },
        "Resource" => queue.arn(),
        "Condition" => dict! { "ArnEquals" => dict! { "aws:SourceArn" => rule_arn } },
    };
    let document = dict! { "Version" => "2012-10-17", "Statement" => list![statement] };
    let id = format!("{}QueuePolicy", event.id.text);
    Resource::new(id, "AWS::SQS::QueuePolicy", &queue.attributes)
        .with("PolicyDocument", document)
        .with("Queues", list![reference(&queue.id)])
}
