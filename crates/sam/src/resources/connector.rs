//! AWS::Serverless::Connector: lets one resource use another.

use crate::fault::{Fault, Of};
use crate::intrinsics::logical_id;
use crate::node::{Dict, Node, Text, dict, list};
use crate::resource::Resource;
use crate::resources::connector_end::End;
use crate::resources::{SamResource, connector_profile};
use crate::schema::{Form, Property, required};
use crate::state::State;

const KIND: &str = "AWS::Serverless::Connector";

const SCHEMA: &[Property] = &[
    required("Source", Form::Map),
    required("Destination", Form::MapOrMaps),
    required("Permissions", Form::ListOfStr),
];

/// Turns the connectors that stand inside resources into resources.
pub(crate) fn unfold(state: &mut State<'_>) {
    let mut found = Vec::new();
    let mut faults = Vec::new();
    for (id, resource) in state.resources().iter() {
        let Some(connectors) = resource.as_map().and_then(|dict| dict.get("Connectors")) else {
            continue;
        };
        let connectors = match Of::Attribute(id).map(&format!("{id}.Connectors"), connectors) {
            Ok(connectors) => connectors,
            Err(fault) => {
                faults.push(fault);
                continue;
            }
        };
        for (name, connector) in connectors.iter() {
            let generated = format!("{id}{name}");
            match embedded(id, name, connector) {
                Ok(_) if state.resources().contains(&generated) => {
                    faults.push(Fault::Duplicate {
                        id: id.to_owned(),
                        generated,
                        kind: KIND.to_owned(),
                    });
                }
                Ok(connector) => found.push((generated, connector)),
                Err(fault) => faults.push(fault),
            }
        }
    }
    for fault in faults {
        state.note_all(fault);
    }
    let Some(resources) = state.resources_mut() else { return };
    for (id, connector) in found {
        resources.insert(id, connector);
    }
    for resource in resources.values_mut() {
        if let Node::Map(resource) = resource {
            resource.remove("Connectors");
        }
    }
}

/// A connector whose source is the resource that it stands in.
fn embedded(owner: &str, name: &str, connector: &Node) -> Result<Node, Fault> {
    let id = format!("{owner}{name}");
    let Node::Map(mut connector) = connector.clone() else {
        return Err(Fault::resource(&id, format!("{owner}.{id} should be a map.")));
    };
    let place = format!("Connectors.{name}.Properties");
    let given = Of::Attribute(owner).map(&place, connector.at("Properties"))?;
    let mut properties = given.clone();
    let mut source = Dict::default();
    source.insert("Id", owner);
    if let Some(more) = properties.remove("SourceReference") {
        let place = format!("{place}.SourceReference");
        let more = Of::Resource(owner).map(&place, &more)?;
        if more.contains("Id") {
            return Err(Fault::resource(name, "'Id' shouldn't be defined in 'SourceReference'."));
        }
        source.update(more);
    }
    properties.insert("Source", source);
    crate::schema::check(&id, KIND, SCHEMA, &properties)?;
    connector.insert("Type", KIND);
    connector.insert("Properties", properties);
    Ok(connector.into())
}

/// The resources of one connector. They are written at once: others depend on them.
pub(super) fn transform(
    state: &mut State<'_>,
    connector: &SamResource,
) -> Result<Vec<Resource>, Fault> {
    connector.check(KIND, SCHEMA)?;
    let (destinations, several) = match connector.at("Destination") {
        Node::List(items) => (items.clone(), true),
        one => (vec![one.clone()], false),
    };
    let source = connector.at("Source");
    let mut resources = Vec::new();
    for (at, destination) in destinations.iter().enumerate() {
        let to = End::read(state, destination, source).map_err(|why| connector.fault(why))?;
        let from = End::read(state, source, destination).map_err(|why| connector.fault(why))?;
        let suffix = if several { format!("Destination{at}") } else { String::new() };
        let mut made = connect(state, connector, &from, &to, &suffix)?;
        let metadata = metadata(state, connector, &from, &to);
        for resource in &mut made {
            let mut all = resource.attributes.at("Metadata").as_map().cloned().unwrap_or_default();
            all.update(&metadata);
            resource.attributes.insert("Metadata", all);
        }
        resources.extend(made);
    }
    if resources.is_empty() {
        return Err(connector.fault("'Destination' is an empty list"));
    }
    let ids: Vec<Node> = resources.iter().map(|resource| Node::from(&resource.id)).collect();
    replace_dependencies(state, &connector.id.text, &ids);
    Ok(resources)
}

fn connect(
    state: &mut State<'_>,
    connector: &SamResource,
    from: &End,
    to: &End,
    suffix: &str,
) -> Result<Vec<Resource>, Fault> {
    let ends = format!("from {} to {}", from.kind, to.kind);
    let Some(profile) = connector_profile::find(&from.kind, &to.kind) else {
        return Err(connector.fault(format!(
            "Unable to create connector {ends}; it's not supported or the template is invalid."
        )));
    };
    let permissions = connector_profile::permissions(connector, profile, &ends)?;
    let text = |key: &str| profile.get(key).and_then(toml::Value::as_str).unwrap_or_default();
    let (end, place) = if text("on") == "source" { (from, "Source") } else { (to, "Destination") };
    let statements = |names: &[String]| {
        connector_profile::statements(profile, names, from, to).map_err(|why| connector.fault(why))
    };
    let id = &connector.id.text;
    let make = |id: String, kind: &'static str| {
        Resource::new(id, kind, &connector.attributes).after(connector.depends_on.clone())
    };
    let (kind, what, value) = match text("kind") {
        "role" => ("role", "IAM role name", &end.role),
        "queue" => ("queue", "SQS queue URL", &end.url),
        "topic" => ("topic", "SNS topic ARN", &end.arn),
        _ => ("function", "Lambda function ARN", &end.arn),
    };
    let given = || {
        if value.truthy() {
            return Ok(value.clone());
        }
        Err(connector.fault(format!("Unable to get {what} from '{place}' resource.")))
    };
    if kind == "function" {
        let mut resources = Vec::new();
        for name in permissions {
            for statement in statements(std::slice::from_ref(&name))? {
                let id = format!("{id}{name}LambdaPermission{suffix}");
                let permission = make(id, "AWS::Lambda::Permission")
                    .with("Action", "lambda:InvokeFunction")
                    .with("FunctionName", given()?);
                resources.push(
                    ["Principal", "SourceArn", "SourceAccount"]
                        .iter()
                        .fold(permission, |made, key| made.with(key, statement.at(key))),
                );
            }
        }
        return Ok(resources);
    }
    let statements = statements(&permissions)?;
    let document = dict! { "Version" => "2012-10-17", "Statement" => statements };
    let (name, resource_kind, property) = match kind {
        "role" => ("Policy", "AWS::IAM::ManagedPolicy", "Roles"),
        "queue" => ("QueuePolicy", "AWS::SQS::QueuePolicy", "Queues"),
        _ => ("TopicPolicy", "AWS::SNS::TopicPolicy", "Topics"),
    };
    let policy = make(format!("{id}{name}{suffix}"), resource_kind)
        .with("PolicyDocument", document)
        .with(property, list![given()?]);
    order_before(state, text("before"), from, to, &policy.id);
    Ok(vec![policy])
}

/// What needs the policy at once is created after it.
fn order_before(state: &mut State<'_>, before: &str, from: &End, to: &End, policy: &Text) {
    let id = match (before, &from.id, &to.id) {
        ("source", Some(source), _) => source.clone(),
        ("mapping", Some(source), Some(function)) => {
            let mappings = mappings(state, source, function);
            let [only] = mappings.as_slice() else { return };
            only.clone()
        }
        _ => return,
    };
    if let Some(Node::Map(resource)) =
        state.output_resources().and_then(|resources| resources.get_mut(&id))
    {
        let mut all = as_list(resource.at("DependsOn"));
        if !all.contains(&Node::from(policy)) {
            all.push(policy.into());
        }
        resource.insert("DependsOn", all);
    }
}

fn as_list(node: &Node) -> Vec<Node> {
    match node {
        Node::Null => Vec::new(),
        Node::List(items) => items.clone(),
        one => vec![one.clone()],
    }
}

/// Event source mappings between the two.
fn mappings(state: &State<'_>, source: &str, function: &str) -> Vec<String> {
    let resources = state.output.at("Resources").as_map();
    let between = |resource: &Node| {
        let properties = resource.at("Properties");
        resource.at("Type").is("AWS::Lambda::EventSourceMapping")
            && logical_id(properties.at("FunctionName")) == Some(function)
            && logical_id(properties.at("EventSourceArn")) == Some(source)
    };
    resources
        .into_iter()
        .flat_map(Dict::iter)
        .filter(|(_, resource)| between(resource))
        .map(|(id, _)| id.to_owned())
        .collect()
}

/// Whoever waits for the connector waits for what it became.
fn replace_dependencies(state: &mut State<'_>, id: &str, made: &[Node]) {
    let Some(resources) = state.output_resources() else { return };
    for resource in resources.values_mut() {
        let Node::Map(resource) = resource else { continue };
        let mut all = as_list(resource.at("DependsOn"));
        let Some(at) = all.iter().position(|one| one.is(id)) else { continue };
        all.remove(at);
        for one in made {
            if !all.contains(one) {
                all.push(one.clone());
            }
        }
        resource.insert("DependsOn", all);
    }
}

/// What was connected, for tools that show it.
fn metadata(state: &State<'_>, connector: &SamResource, from: &End, to: &End) -> Dict {
    let kind = |end: &End| {
        let written = end.id.as_deref().map(|id| state.resources().at(id).at("Type"));
        let kind = written.and_then(Node::as_str).unwrap_or(&end.kind).to_owned();
        dict! { "Type" => kind }
    };
    let ends = dict! { "Source" => kind(from), "Destination" => kind(to) };
    let mut result = Dict::default();
    result.insert("aws:sam:connectors", dict! { &connector.id => ends });
    result
}
