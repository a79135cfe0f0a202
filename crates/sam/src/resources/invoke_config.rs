//! `EventInvokeConfig`: retries and destinations of asynchronous invocations.

use crate::fault::{Fault, Of};
use crate::intrinsics::{WRONG_IF, if_else, if_items, is_if, is_no_value, not};
use crate::logical_id;
use crate::node::{Dict, Node, dict, list};
use crate::python;
use crate::resource::Resource;
use crate::resources::SamResource;
use crate::roles;
use crate::state::State;

const TYPES: [&str; 5] = ["SQS", "SNS", "EventBridge", "Lambda", "S3Bucket"];

/// The configuration, the queues and topics it needs, and the policies for the function's role.
pub(super) fn build(
    state: &mut State<'_>,
    function: &SamResource,
    alias: Option<(&str, &Resource)>,
) -> Result<(Vec<Resource>, Vec<Node>), Fault> {
    let config = state.resolved(function.at("EventInvokeConfig"))?;
    let id = format!("{}EventInvokeConfig", function.id.text);
    let mut resources = Vec::new();
    let mut policies = Vec::new();
    let mut destinations = Dict::default();
    let given = config.at("DestinationConfig");
    if given.truthy() {
        let of = Of::Resource(&function.id.text);
        let given = of.map("EventInvokeConfig.DestinationConfig", given)?;
        for name in ["OnSuccess", "OnFailure"] {
            let Some(destination) = given.at(name).some() else { continue };
            of.map(&format!("EventInvokeConfig.DestinationConfig.{name}"), destination)?;
            let (resource, arn, policy) = destination_of(state, function, destination, &id, name)?;
            destinations.insert(name, dict! { "Destination" => arn });
            resources.extend(resource);
            policies.push(policy);
        }
    }
    let mut result = Resource::new(id, "AWS::Lambda::EventInvokeConfig", &function.attributes)
        .with("FunctionName", crate::intrinsics::reference(&function.id))
        .with("Qualifier", alias.map_or("$LATEST", |(name, _)| name))
        .with("DestinationConfig", destinations)
        .with("MaximumEventAgeInSeconds", config.at("MaximumEventAgeInSeconds"))
        .with("MaximumRetryAttempts", config.at("MaximumRetryAttempts"));
    if let Some((_, alias)) = alias {
        result = result.after(list![&alias.id]);
    }
    resources.push(result);
    Ok((resources, policies))
}

/// A queue or topic to create, the destination's ARN, and the policy to write to it.
fn destination_of(
    state: &mut State<'_>,
    function: &SamResource,
    config: &Node,
    id: &str,
    event: &str,
) -> Result<(Option<Resource>, Node, Node), Fault> {
    let kind = config.at("Type");
    let Some(kind) = kind.as_str().filter(|kind| TYPES.contains(kind)) else {
        let types: Vec<Node> = TYPES.iter().map(|kind| (*kind).into()).collect();
        return Err(function.fault(format!(
            "'Type: {}' must be one of {}",
            python::str(kind),
            python::repr(&types.into())
        )));
    };
    let given = config.at("Destination");
    let prefix = format!("{id}{event}");
    let (condition, elsewhere) = condition_of(state, given, id)?;
    if !given.is_null() && condition.is_null() {
        return Ok((None, given.clone(), policy(kind, given, &prefix)));
    }
    let attributes = function.passed();
    let combined = combine(state, function, attributes.at("Condition"), &condition);
    let mut resource = match kind {
        "SQS" => Resource::new(format!("{prefix}Queue"), "AWS::SQS::Queue", &attributes),
        "SNS" => Resource::new(format!("{prefix}Topic"), "AWS::SNS::Topic", &attributes),
        _ => {
            return Err(function.fault("Destination is required if Type is not ['SQS', 'SNS']"));
        }
    };
    if combined.truthy() {
        resource.attributes.insert("Condition", combined);
    }
    let arn = if condition.truthy() {
        if_else(&condition, resource.arn(), elsewhere)
    } else {
        resource.arn()
    };
    let policy = policy(kind, &arn, &prefix);
    Ok((Some(resource), arn, policy))
}

fn policy(kind: &str, arn: &Node, id: &str) -> Node {
    match kind {
        "SQS" => roles::send_to_queue(arn, id),
        "SNS" => roles::publish_to_topic(arn, id),
        "EventBridge" => roles::put_events(arn, id),
        "Lambda" => roles::invoke_function(arn, id),
        _ => roles::write_to_bucket(arn, id),
    }
}

/// Where a destination is given under a condition only: the condition under which it is not, and
/// the destination otherwise. Null and null where that is not so.
fn condition_of(
    state: &mut State<'_>,
    destination: &Node,
    id: &str,
) -> Result<(Node, Node), Fault> {
    if !is_if(destination) {
        return Ok((Node::Null, Node::Null));
    }
    let Some([condition, yes, no]) = if_items(destination) else {
        return Err(Fault::resource(id, format!("Malformed 'Destination' property: {WRONG_IF}.")));
    };
    match (is_no_value(yes), is_no_value(no)) {
        (true, false) => Ok((condition.clone(), no.clone())),
        (false, true) => {
            let name = condition_name(&format!("NOT{}", python::str(condition)), id);
            if let Some(conditions) = state.output_conditions() {
                conditions.insert(name.as_str(), not(condition));
            }
            Ok((name.into(), yes.clone()))
        }
        _ => Ok((Node::Null, Node::Null)),
    }
}

/// Both conditions at once, as a condition of its own.
fn combine(state: &mut State<'_>, function: &SamResource, one: &Node, other: &Node) -> Node {
    let (Some(first), Some(second)) = (one.as_str(), other.as_str()) else {
        return if one.is_null() { other.clone() } else { one.clone() };
    };
    let name = condition_name(&format!("{first}AND{second}"), &function.id.text);
    // AWS nests the word twice here; CloudFormation is told so by its published results.
    let nested = |condition: &Node| {
        dict! { "Condition" => dict! { "Condition" => condition.clone() } }
    };
    let both = dict! { "Fn::And" => list![nested(one), nested(other)] };
    if let Some(conditions) = state.output_conditions() {
        conditions.insert(name.as_str(), both);
    }
    name.into()
}

fn condition_name(name: &str, hashed: &str) -> String {
    logical_id::with_hash(name, &hashed.into())
}
