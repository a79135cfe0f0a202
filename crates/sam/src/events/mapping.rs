//! Event source mappings: streams, queues and brokers that Lambda polls.

use crate::events::mapping_policies::{managed_policy, statements};
use crate::events::{Event, Target};
use crate::fault::{Fault, Of};
use crate::intrinsics::is_intrinsic;
use crate::node::{Dict, Node, dict};
use crate::resource::Resource;
use crate::roles;
use crate::schema::{Form, Property, literal, optional, passed};
use crate::state::State;

/// Properties of every mapping, and one more or two.
macro_rules! mapping {
    ($($own:expr),*) => {
        &[
            optional("BatchSize", Form::Int),
            literal("StartingPosition", Form::Any),
            literal("StartingPositionTimestamp", Form::Any),
            optional("Enabled", Form::Bool),
            optional("MaximumBatchingWindowInSeconds", Form::Int),
            optional("MaximumRetryAttempts", Form::Int),
            optional("BisectBatchOnFunctionError", Form::Bool),
            optional("MaximumRecordAgeInSeconds", Form::Int),
            optional("DestinationConfig", Form::Map),
            optional("ParallelizationFactor", Form::Int),
            optional("Topics", Form::List),
            optional("Queues", Form::List),
            optional("SourceAccessConfigurations", Form::List),
            optional("SecretsManagerKmsKeyId", Form::Str),
            optional("TumblingWindowInSeconds", Form::Int),
            optional("FunctionResponseTypes", Form::List),
            optional("KafkaBootstrapServers", Form::List),
            optional("FilterCriteria", Form::Map),
            literal("KmsKeyArn", Form::Any),
            optional("ConsumerGroupId", Form::Str),
            optional("ScalingConfig", Form::Map),
            optional("ProvisionedPollerConfig", Form::Map),
            optional("SchemaRegistryConfig", Form::Map),
            optional("MetricsConfig", Form::Map),
            optional("LoggingConfig", Form::Map),
            $($own),*
        ]
    };
}

pub(super) const STREAM: &[Property] = mapping![passed("Stream"), passed("StartingPosition")];
pub(super) const QUEUE: &[Property] = mapping![passed("Queue")];
pub(super) const BROKER: &[Property] =
    mapping![passed("Broker"), literal("DynamicPolicyName", Form::Bool)];
pub(super) const KAFKA: &[Property] = mapping![];
pub(super) const CLUSTER: &[Property] = mapping![
    passed("Cluster"),
    passed("DatabaseName"),
    literal("CollectionName", Form::Any),
    literal("FullDocument", Form::Any)
];

/// Properties that the mapping takes over as they are.
const SAME: [&str; 20] = [
    "StartingPosition",
    "StartingPositionTimestamp",
    "BatchSize",
    "Enabled",
    "MaximumBatchingWindowInSeconds",
    "MaximumRetryAttempts",
    "BisectBatchOnFunctionError",
    "MaximumRecordAgeInSeconds",
    "ParallelizationFactor",
    "Topics",
    "Queues",
    "SourceAccessConfigurations",
    "TumblingWindowInSeconds",
    "FunctionResponseTypes",
    "FilterCriteria",
    "KmsKeyArn",
    "ScalingConfig",
    "ProvisionedPollerConfig",
    "MetricsConfig",
    "LoggingConfig",
];

pub(super) fn generate(
    state: &State<'_>,
    event: &Event,
    target: &Target,
    role: Option<&mut Resource>,
) -> Result<Vec<Resource>, Fault> {
    let mut mapping =
        Resource::new(&event.id, "AWS::Lambda::EventSourceMapping", &target.attributes);
    mapping.set("FunctionName", target.name.clone());
    mapping.set("EventSourceArn", source_arn(event));
    for property in SAME {
        mapping.set(property, event.at(property));
    }
    check_filter(event)?;
    if event.at("KafkaBootstrapServers").truthy() {
        let servers = dict! { "KafkaBootstrapServers" => event.at("KafkaBootstrapServers") };
        mapping.set("SelfManagedEventSource", dict! { "Endpoints" => servers });
    }
    set_kafka(event, &mut mapping)?;
    let destination_policy = set_destination(event, &mut mapping)?;
    if event.kind == "DocumentDB" {
        let mut config = Dict::default();
        config.insert("DatabaseName", event.at("DatabaseName").clone());
        for key in ["CollectionName", "FullDocument"] {
            if event.at(key).truthy() {
                config.insert(key, event.at(key).clone());
            }
        }
        mapping.set("DocumentDBEventSourceConfig", config);
    }
    if let Some(role) = role {
        link(state, event, role, destination_policy)?;
    }
    Ok(vec![mapping])
}

fn source_arn(event: &Event) -> Node {
    let key = match event.kind {
        "SQS" => "Queue",
        "MQ" => "Broker",
        "DocumentDB" => "Cluster",
        "SelfManagedKafka" => return Node::Null,
        _ => "Stream",
    };
    event.at(key).clone()
}

fn check_filter(event: &Event) -> Result<(), Fault> {
    let criteria = event.at("FilterCriteria");
    if !criteria.truthy() || is_intrinsic(criteria) {
        return Ok(());
    }
    match criteria.as_map().and_then(Dict::single) {
        Some(("Filters", _)) => Ok(()),
        _ => Err(event.fault("FilterCriteria field has a wrong format")),
    }
}

/// Settings that only Kafka has: consumer groups and schema registries.
fn set_kafka(event: &Event, mapping: &mut Resource) -> Result<(), Fault> {
    let key = match event.kind {
        "MSK" => Some("AmazonManagedKafkaEventSourceConfig"),
        "SelfManagedKafka" => Some("SelfManagedKafkaEventSourceConfig"),
        _ => None,
    };
    let group = event.at("ConsumerGroupId");
    if group.truthy() && key.is_none() {
        return Err(Fault::event(
            &event.id.text,
            format!("Property ConsumerGroupId not defined for resource of type {}.", event.kind),
        ));
    }
    let mut config = Dict::default();
    for property in ["ConsumerGroupId", "SchemaRegistryConfig"] {
        if event.at(property).truthy() {
            config.insert(property, event.at(property).clone());
        }
    }
    if let (Some(key), false) = (key, config.is_empty()) {
        mapping.set(key, config);
    }
    Ok(())
}

/// Where failed records go, and the policy to send them there.
fn set_destination(event: &Event, mapping: &mut Resource) -> Result<Option<Node>, Fault> {
    let given = event.at("DestinationConfig");
    if !given.truthy() {
        return Ok(None);
    }
    let id = &event.id.text;
    let Node::Map(mut config) = given.clone() else { return Ok(None) };
    let failure = config.at("OnFailure").clone();
    Of::Event(id).map("DestinationConfig.OnFailure", &failure)?;
    let Node::Map(mut failure) = failure else { return Ok(None) };
    let mut policy = None;
    let kind = failure.at("Type").clone();
    if kind.truthy() {
        failure.remove("Type");
        let destination = failure.at("Destination");
        policy = match kind.as_str() {
            Some("SQS") => Some(roles::send_to_queue(destination, id)),
            Some("SNS") => Some(roles::publish_to_topic(destination, id)),
            Some("S3") => Some(roles::write_to_bucket(destination, id)),
            Some("Kafka") => None,
            _ => {
                return Err(Fault::event(
                    id,
                    "The only valid values for 'Type' are 'SQS', 'SNS', 'S3', and 'Kafka'",
                ));
            }
        };
    }
    config.insert("OnFailure", failure);
    mapping.set("DestinationConfig", config);
    Ok(policy)
}

/// Gives the function's role what polling needs, each policy once.
fn link(
    state: &State<'_>,
    event: &Event,
    role: &mut Resource,
    destination: Option<Node>,
) -> Result<(), Fault> {
    if let Some(name) = managed_policy(event.kind) {
        let arn = Node::from(state.managed_policy(name));
        let all = role.properties.entry("ManagedPolicyArns", || Node::List(Vec::new()));
        if let Node::List(all) = all
            && !all.contains(&arn)
        {
            all.push(arn);
        }
    }
    for policy in statements(state, event)?.into_iter().chain(destination) {
        let all = role.properties.entry("Policies", || Node::List(Vec::new()));
        let Node::List(all) = all else { continue };
        let document = policy.at("PolicyDocument");
        if !all.iter().any(|one| one.at("PolicyDocument") == document) {
            all.push(policy);
        }
    }
    Ok(())
}
