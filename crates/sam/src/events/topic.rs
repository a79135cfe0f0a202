//! Subscriptions to an SNS topic, directly or through a queue.

use crate::events::{Event, Target, mapping, permission};
use crate::fault::{Fault, Of};
use crate::intrinsics::logical_id;
use crate::node::{Dict, Node, dict, list};
use crate::resource::Resource;
use crate::schema::{Form, Property, literal, optional, required};
use crate::state::State;

pub(super) const SCHEMA: &[Property] = &[
    required("Topic", Form::Str),
    optional("Region", Form::Str),
    literal("FilterPolicy", Form::Any),
    literal("FilterPolicyScope", Form::Any),
    optional("SqsSubscription", Form::BoolOrMap),
    optional("RedrivePolicy", Form::Map),
];

pub(super) fn generate(
    state: &State<'_>,
    event: &Event,
    target: &Target,
    role: &mut Resource,
) -> Result<Vec<Resource>, Fault> {
    let queued = event.at("SqsSubscription");
    if !queued.truthy() {
        let topic = event.at("Topic").clone();
        return Ok(vec![
            permission(&event.id.text, "", target, "sns.amazonaws.com", topic),
            subscription(event, target, "lambda", target.arn.clone()),
        ]);
    }
    if queued.as_bool().is_none() {
        return existing_queue(state, event, target, role);
    }
    let mut queue =
        Resource::new(format!("{}Queue", event.id.text), "AWS::SQS::Queue", &target.attributes);
    let fifo = is_fifo(state, event)?;
    if fifo.truthy() {
        queue.set("FifoQueue", fifo);
    }
    let mut resources = mapped(state, event, target, role, &queue.arn(), &Node::Null)?;
    let policy_id = format!("{}QueuePolicy", event.id.text);
    resources.push(queue_policy(event, target, policy_id, &queue.arn(), &queue.reference()));
    resources.push(subscription(event, target, "sqs", queue.arn()));
    resources.push(queue);
    Ok(resources)
}

fn existing_queue(
    state: &State<'_>,
    event: &Event,
    target: &Target,
    role: &mut Resource,
) -> Result<Vec<Resource>, Fault> {
    let config = Of::Event(&event.name).map("SqsSubscription", event.at("SqsSubscription"))?;
    let (arn, url) = (config.at("QueueArn"), config.at("QueueUrl"));
    if !arn.truthy() || !url.truthy() {
        return Err(event.fault("No QueueARN or QueueURL provided."));
    }
    let policy_id = match config.at("QueuePolicyLogicalId").as_str() {
        Some(id) if !id.is_empty() => id.to_owned(),
        _ => format!("{}QueuePolicy", event.id.text),
    };
    let mut resources = mapped(state, event, target, role, arn, config.at("BatchSize"))?;
    resources.push(queue_policy(event, target, policy_id, arn, url));
    resources.push(subscription(event, target, "sqs", arn.clone()));
    Ok(resources)
}

/// Whether the topic, where it is one of the template, is a FIFO topic.
fn is_fifo(state: &State<'_>, event: &Event) -> Result<Node, Fault> {
    match logical_id(event.at("Topic")) {
        Some(id) => state.resolved(state.properties(id).at("FifoTopic")),
        None => Ok(Node::Null),
    }
}

fn subscription(event: &Event, target: &Target, protocol: &str, endpoint: Node) -> Resource {
    let mut result = Resource::new(&event.id, "AWS::SNS::Subscription", &target.attributes)
        .with("Protocol", protocol)
        .with("Endpoint", endpoint)
        .with("TopicArn", event.at("Topic"));
    for key in ["Region", "FilterPolicy", "FilterPolicyScope", "RedrivePolicy"] {
        result.set(key, event.at(key));
    }
    result
}

/// The queue is polled ten messages at a time, unless the author says otherwise.
fn mapped(
    state: &State<'_>,
    event: &Event,
    target: &Target,
    role: &mut Resource,
    queue: &Node,
    batch_size: &Node,
) -> Result<Vec<Resource>, Fault> {
    let mut properties = Dict::default();
    properties.insert("Queue", queue.clone());
    let size = if batch_size.truthy() { batch_size.clone() } else { 10.into() };
    properties.insert("BatchSize", size);
    properties.insert("Enabled", true);
    let mapping = Event {
        id: format!("{}EventSourceMapping", event.id.text).into(),
        kind: "SQS",
        properties,
        ..event.clone()
    };
    mapping::generate(state, &mapping, target, Some(role))
}

fn queue_policy(
    event: &Event,
    target: &Target,
    id: String,
    queue_arn: &Node,
    queue_url: &Node,
) -> Resource {
    let statement = dict! {
        "Action" => "sqs:SendMessage",
        "Effect" => "Allow",
        "Principal" => "*",
        "Resource" => queue_arn,
        "Condition" => dict! { "ArnEquals" => dict! { "aws:SourceArn" => event.at("Topic") } },
    };
    let document = dict! { "Version" => "2012-10-17", "Statement" => list![statement] };
    Resource::new(id, "AWS::SQS::QueuePolicy", &target.attributes)
        .with("PolicyDocument", document)
        .with("Queues", list![queue_url])
}
