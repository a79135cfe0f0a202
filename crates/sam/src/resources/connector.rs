//! AWS::Serverless::Connector: lets one resource use another.

use std::sync::LazyLock;

use crate::fault::{Fault, Of};
use crate::intrinsics::{get_att, logical_id, reference, sub, sub_with};
use crate::node::{Dict, Node, Text, dict, list};
use crate::resource::Resource;
use crate::resources::SamResource;
use crate::schema::{Form, Property, required};
use crate::state::State;

const KIND: &str = "AWS::Serverless::Connector";

const SCHEMA: &[Property] = &[
    required("Source", Form::Map),
    required("Destination", Form::MapOrMaps),
    required("Permissions", Form::ListOfStr),
];

static PROFILES: LazyLock<toml::Table> =
    LazyLock::new(|| include_str!("connectors.toml").parse().unwrap_or_default());

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

/// What a connector knows of one of its ends.
#[derive(Debug)]
struct End {
    id: Option<String>,
    kind: String,
    arn: Node,
    role: Node,
    url: Node,
    resource_id: Node,
    name: Node,
    qualifier: Node,
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

impl End {
    /// `other` is the end across, by which a rule's target is found.
    fn read(state: &State<'_>, given: &Node, other: &Node) -> Result<Self, String> {
        let fields = given.as_map().cloned().unwrap_or_default();
        let more = fields.iter().any(|(key, _)| key != "Id" && key != "Qualifier");
        if fields.contains("Id") == more {
            return Err(
                "Must provide 'Id' (with optional 'Qualifier') or a supported combination \
                        of other properties."
                    .to_owned(),
            );
        }
        let kind_of = |node: &Node| {
            let kind = node.at("Type").as_str().filter(|kind| !kind.is_empty());
            kind.map(str::to_owned).ok_or_else(|| "'Type' is missing or not a string.".to_owned())
        };
        if !fields.at("Id").truthy() {
            return Ok(Self {
                id: None,
                kind: transformed(&kind_of(given)?).to_owned(),
                arn: fields.at("Arn").clone(),
                role: fields.at("RoleName").clone(),
                url: fields.at("QueueUrl").clone(),
                resource_id: fields.at("ResourceId").clone(),
                name: fields.at("Name").clone(),
                qualifier: fields.at("Qualifier").clone(),
            });
        }
        let Some(id) = fields.at("Id").as_str() else {
            return Err("'Id' is missing or not a string.".to_owned());
        };
        let resource = state.output.at("Resources").at(id);
        if !resource.truthy() {
            return Err(format!("Unable to find resource with logical ID '{id}'."));
        }
        let kind = kind_of(resource)?;
        let api = matches!(kind.as_str(), "AWS::ApiGatewayV2::Api" | "AWS::ApiGateway::RestApi");
        let qualifier = match fields.get("Qualifier") {
            Some(given) => given.clone(),
            None if api => "*".into(),
            None => Node::Null,
        };
        Ok(Self {
            arn: arn(&kind, id),
            role: role(&kind, resource.at("Properties"), other),
            url: if kind == "AWS::SQS::Queue" { reference(id) } else { Node::Null },
            resource_id: match kind.as_str() {
                "AWS::AppSync::GraphQLApi" => get_att(id, "ApiId"),
                _ if api => reference(id),
                _ => Node::Null,
            },
            name: if kind == "AWS::StepFunctions::StateMachine" {
                get_att(id, "Name")
            } else {
                Node::Null
            },
            qualifier,
            id: Some(id.to_owned()),
            kind,
        })
    }
}

fn transformed(kind: &str) -> &str {
    match kind {
        "AWS::Serverless::Function" => "AWS::Lambda::Function",
        "AWS::Serverless::StateMachine" => "AWS::StepFunctions::StateMachine",
        "AWS::Serverless::Api" => "AWS::ApiGateway::RestApi",
        "AWS::Serverless::HttpApi" => "AWS::ApiGatewayV2::Api",
        "AWS::Serverless::SimpleTable" => "AWS::DynamoDB::Table",
        other => other,
    }
}

fn arn(kind: &str, id: &str) -> Node {
    match kind {
        "AWS::StepFunctions::StateMachine"
        | "AWS::AppSync::GraphQLApi"
        | "AWS::AppSync::DataSource"
        | "AWS::SNS::Topic" => reference(id),
        "AWS::Lambda::Function"
        | "AWS::Events::Rule"
        | "AWS::Events::EventBus"
        | "AWS::SQS::Queue"
        | "AWS::DynamoDB::Table"
        | "AWS::S3::Bucket"
        | "AWS::Location::PlaceIndex"
        | "AWS::ApiGatewayV2::Api"
        | "AWS::ApiGateway::RestApi" => get_att(id, "Arn"),
        _ => Node::Null,
    }
}

/// The name of the role that the resource takes on, where it is one of the template.
fn role(kind: &str, properties: &Node, other: &Node) -> Node {
    let role = match kind {
        "AWS::Lambda::Function" => properties.at("Role"),
        "AWS::StepFunctions::StateMachine" => properties.at("RoleArn"),
        "AWS::AppSync::DataSource" => properties.at("ServiceRoleArn"),
        "AWS::Events::Rule" => {
            let targets = properties.at("Targets").as_list().unwrap_or_default();
            let leads = |target: &&Node| {
                let arn = target.at("Arn");
                let by_id = logical_id(arn).is_some_and(|id| other.at("Id").is(id));
                by_id || (other.at("Arn").truthy() && arn == other.at("Arn"))
            };
            match targets.iter().find(leads) {
                Some(target) => target.at("RoleArn"),
                None => return Node::Null,
            }
        }
        _ => return Node::Null,
    };
    logical_id(role).map_or(Node::Null, reference)
}

fn connect(
    state: &mut State<'_>,
    connector: &SamResource,
    from: &End,
    to: &End,
    suffix: &str,
) -> Result<Vec<Resource>, Fault> {
    let ends = format!("from {} to {}", from.kind, to.kind);
    let profile = PROFILES.get(&from.kind).and_then(|all| all.get(&to.kind));
    let Some(profile) = profile else {
        return Err(connector.fault(format!(
            "Unable to create connector {ends}; it's not supported or the template is invalid."
        )));
    };
    let permissions = permissions(connector, profile, &ends)?;
    let text = |key: &str| profile.get(key).and_then(toml::Value::as_str).unwrap_or_default();
    let (end, place) = if text("on") == "source" { (from, "Source") } else { (to, "Destination") };
    let missing =
        |what: &str| connector.fault(format!("Unable to get {what} from '{place}' resource."));
    let statements = |names: &[String]| statements(profile, names, from, to);
    let id = &connector.id.text;
    let make = |id: String, kind: &'static str| {
        Resource::new(id, kind, &connector.attributes).after(connector.depends_on.clone())
    };
    let document = |statements: Vec<Node>| {
        dict! { "Version" => "2012-10-17", "Statement" => statements }
    };
    let failed = |why: String| connector.fault(why);
    match text("kind") {
        "role" => {
            let document = document(statements(&permissions).map_err(failed)?);
            if !end.role.truthy() {
                return Err(missing("IAM role name"));
            }
            let policy = make(format!("{id}Policy{suffix}"), "AWS::IAM::ManagedPolicy")
                .with("PolicyDocument", document)
                .with("Roles", list![end.role.clone()]);
            order_before(state, text("before"), from, to, &policy.id);
            Ok(vec![policy])
        }
        "queue" => {
            let document = document(statements(&permissions).map_err(failed)?);
            if !end.url.truthy() {
                return Err(missing("SQS queue URL"));
            }
            Ok(vec![
                make(format!("{id}QueuePolicy{suffix}"), "AWS::SQS::QueuePolicy")
                    .with("PolicyDocument", document)
                    .with("Queues", list![end.url.clone()]),
            ])
        }
        "topic" => {
            let document = document(statements(&permissions).map_err(failed)?);
            if !end.arn.truthy() {
                return Err(missing("SNS topic ARN"));
            }
            Ok(vec![
                make(format!("{id}TopicPolicy{suffix}"), "AWS::SNS::TopicPolicy")
                    .with("PolicyDocument", document)
                    .with("Topics", list![end.arn.clone()]),
            ])
        }
        _ => {
            let mut resources = Vec::new();
            for name in permissions {
                for statement in statements(std::slice::from_ref(&name)).map_err(failed)? {
                    if !end.arn.truthy() {
                        return Err(missing("Lambda function ARN"));
                    }
                    let id = format!("{id}{name}LambdaPermission{suffix}");
                    resources.push(
                        make(id, "AWS::Lambda::Permission")
                            .with("Action", "lambda:InvokeFunction")
                            .with("FunctionName", end.arn.clone())
                            .with("Principal", statement.at("Principal"))
                            .with("SourceArn", statement.at("SourceArn"))
                            .with("SourceAccount", statement.at("SourceAccount")),
                    );
                }
            }
            Ok(resources)
        }
    }
}

fn strings(value: Option<&toml::Value>) -> Vec<String> {
    let items = value.and_then(toml::Value::as_array).into_iter().flatten();
    items.filter_map(toml::Value::as_str).map(str::to_owned).collect()
}

/// The permissions asked for, in the profile's order.
fn permissions(
    connector: &SamResource,
    profile: &toml::Value,
    ends: &str,
) -> Result<Vec<String>, Fault> {
    let known = strings(profile.get("categories"));
    let given = connector.at("Permissions").as_list().unwrap_or_default();
    let valid = known.join(", ");
    if given.is_empty() {
        return Err(
            connector.fault(format!("'Permissions' cannot be empty; valid values are: {valid}."))
        );
    }
    let unsupported = "Unsupported 'Permissions' provided for connector";
    let fits = |one: &Node| one.as_str().is_some_and(|one| known.iter().any(|k| k == one));
    if !given.iter().all(fits) {
        return Err(connector.fault(format!("{unsupported} {ends}; valid values are: {valid}.")));
    }
    let wanted: Vec<String> =
        known.into_iter().filter(|name| given.iter().any(|one| one.is(name))).collect();
    let combinations: Vec<Vec<String>> = profile
        .get("valid")
        .and_then(toml::Value::as_array)
        .into_iter()
        .flatten()
        .map(|one| strings(Some(one)))
        .collect();
    let mut sorted = wanted.clone();
    sorted.sort();
    if !combinations.is_empty() && !combinations.contains(&sorted) {
        let shown: Vec<_> = combinations.iter().map(|one| one.join(" + ")).collect();
        return Err(connector.fault(format!(
            "{unsupported} {ends}; valid combinations are: {}.",
            shown.join(", ")
        )));
    }
    Ok(wanted)
}

/// The statements of these permissions, the ends' attributes filled in.
fn statements(
    profile: &toml::Value,
    names: &[String],
    from: &End,
    to: &End,
) -> Result<Vec<Node>, String> {
    let permission = profile.get("kind").and_then(toml::Value::as_str) == Some("function");
    let fill = |value: &toml::Value| match value {
        toml::Value::String(text) => filled(text, from, to),
        other => strings(Some(other))
            .iter()
            .map(|text| filled(text, from, to))
            .collect::<Result<Vec<_>, _>>()
            .map(Node::from),
    };
    let mut result = Vec::new();
    for name in names {
        let all = profile.get(name).and_then(toml::Value::as_array);
        for statement in all.into_iter().flatten() {
            let get = |key: &str| statement.get(key).map(fill).transpose();
            let mut one = Dict::default();
            if permission {
                for (key, name) in [
                    ("service", "Principal"),
                    ("source_arn", "SourceArn"),
                    ("source_account", "SourceAccount"),
                ] {
                    one.insert_some(name, &get(key)?.unwrap_or_default());
                }
                result.push(one.into());
                continue;
            }
            one.insert("Effect", "Allow");
            one.insert_some("Action", &get("action")?.unwrap_or_default());
            one.insert_some("Resource", &get("resource")?.unwrap_or_default());
            if let Some(service) = get("service")? {
                one.insert("Principal", dict! { "Service" => service });
            }
            if let Some(source) = get("source_arn")? {
                let equals = dict! { "aws:SourceArn" => source };
                one.insert("Condition", dict! { "ArnEquals" => equals });
            }
            result.push(one.into());
        }
    }
    Ok(result)
}

/// Fills in what stands between `%{` and `}`.
fn filled(text: &str, from: &End, to: &End) -> Result<Node, String> {
    let mut text = text.to_owned();
    let mut values = Dict::default();
    for (end, prefix) in [(from, "Source"), (to, "Destination")] {
        for (attribute, value) in [
            ("Arn", &end.arn),
            ("ResourceId", &end.resource_id),
            ("Name", &end.name),
            ("Qualifier", &end.qualifier),
        ] {
            let pattern = format!("%{{{prefix}.{attribute}}}");
            if !text.contains(&pattern) {
                continue;
            }
            if value.is_null() {
                return Err(format!("{prefix}.{attribute} is missing."));
            }
            if text == pattern {
                return Ok(value.clone());
            }
            let variable = format!("{prefix}{attribute}");
            text = text.replace(&pattern, &format!("${{{variable}}}"));
            values.insert(variable, value.clone());
        }
    }
    Ok(match (text.contains("${"), values.is_empty()) {
        (false, _) => text.into(),
        (true, true) => sub(text),
        (true, false) => sub_with(text, values.into()),
    })
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
