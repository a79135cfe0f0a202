//! What invokes functions and state machines, one file for each kind of source.

mod api;
mod bucket;
mod dead_letter;
mod http_api;
mod mapping;
mod mapping_policies;
mod rule;
mod scheduler;
mod small;
mod state_machine;
mod topic;
mod user_pool;

use crate::fault::Fault;
use crate::logical_id;
use crate::node::{Dict, Node, Text};
use crate::resource::Resource;
use crate::resources::SamResource;
use crate::schema::{self, Property};
use crate::state::State;

/// What an event invokes: a function, its alias, or a state machine.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) id: Text,
    pub(crate) arn: Node,
    /// What a permission names: the function's name, or the alias's ARN.
    pub(crate) name: Node,
    /// Attributes that everything generated takes over.
    pub(crate) attributes: Dict,
}

impl Target {
    pub(crate) fn of(resource: &Resource) -> Self {
        Self {
            id: resource.id.clone(),
            arn: resource.arn(),
            name: resource.reference(),
            attributes: resource.passed_through(),
        }
    }

    pub(crate) fn condition(&self) -> Option<&Node> {
        self.attributes.get("Condition")
    }
}

/// One event, its properties checked.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    /// The logical id of what it becomes: the owner's and its own.
    pub(crate) id: Text,
    /// Its own name.
    pub(crate) name: String,
    pub(crate) kind: &'static str,
    pub(crate) properties: Dict,
    /// By which events of one function are ordered.
    path: String,
}

impl Event {
    pub(crate) fn at(&self, key: &str) -> &Node {
        self.properties.at(key)
    }

    pub(crate) fn text(&self, key: &str) -> Text {
        self.at(key).as_text().cloned().unwrap_or_else(|| "".into())
    }

    /// A fault told of its own name.
    pub(crate) fn fault(&self, message: impl Into<String>) -> Fault {
        Fault::event(&self.name, message)
    }
}

/// The kinds of events of one type of resource: name and properties.
pub(crate) type Kinds = &'static [(&'static str, &'static [Property])];

/// Events of functions.
pub(crate) const FUNCTION: Kinds = &[
    ("Kinesis", mapping::STREAM),
    ("DynamoDB", mapping::STREAM),
    ("SQS", mapping::QUEUE),
    ("MSK", mapping::STREAM),
    ("MQ", mapping::BROKER),
    ("SelfManagedKafka", mapping::KAFKA),
    ("DocumentDB", mapping::CLUSTER),
    ("Schedule", rule::SCHEDULE),
    ("CloudWatchEvent", rule::PATTERN),
    ("EventBridgeRule", rule::PATTERN),
    ("S3", bucket::SCHEMA),
    ("SNS", topic::SCHEMA),
    ("Api", api::SCHEMA),
    ("HttpApi", http_api::SCHEMA),
    ("AlexaSkill", small::ALEXA_SKILL),
    ("IoTRule", small::IOT_RULE),
    ("CloudWatchLogs", small::LOGS),
    ("Cognito", user_pool::SCHEMA),
    ("ScheduleV2", scheduler::SCHEMA),
];

/// Events of state machines.
pub(crate) const STATE_MACHINE: Kinds = &[
    ("Schedule", state_machine::SCHEDULE),
    ("CloudWatchEvent", state_machine::PATTERN),
    ("EventBridgeRule", state_machine::PATTERN),
    ("Api", state_machine::API),
    ("ScheduleV2", scheduler::SCHEMA),
];

/// Reads the events of a resource and checks that what they name exists.
pub(crate) fn read(
    state: &State<'_>,
    owner: &SamResource,
    kinds: Kinds,
) -> Result<Vec<Event>, Fault> {
    let Some(events) = owner.at("Events").as_map() else { return Ok(Vec::new()) };
    let mut result = Vec::new();
    for (name, event) in events.iter() {
        let event = read_one(owner, name, event, kinds)?;
        match event.kind {
            "Api" => api::check_api(state, &event)?,
            "HttpApi" => http_api::check_api(state, &event)?,
            "S3" => bucket::check_bucket(state, &event)?,
            "Cognito" => user_pool::check_pool(state, &event)?,
            _ => {}
        }
        result.push(event);
    }
    Ok(result)
}

fn read_one(owner: &SamResource, name: &str, event: &Node, kinds: Kinds) -> Result<Event, Fault> {
    if !event.is_map() {
        // In AWS's words, which are Python's.
        let kind = event.type_name();
        return Err(Fault::event(name, format!("'{kind}' object has no attribute 'get'")));
    }
    let kind = event.at("Type").as_str().and_then(|kind| kinds.iter().find(|one| one.0 == kind));
    let Some((kind, schema)) = kind else {
        let given = crate::python::str(event.at("Type"));
        return Err(Fault::event(
            name,
            format!(
                "Resource dict has missing or invalid value for key Type. Event Type is: {given}."
            ),
        ));
    };
    let id = format!("{}{name}", owner.id.text);
    schema::check_id(&id)?;
    let properties = match event.as_map().and_then(|dict| dict.get("Properties")) {
        None => Dict::default(),
        Some(Node::Map(properties)) => properties.clone(),
        Some(_) => {
            return Err(Fault::resource(&id, "Properties of a resource must be an object."));
        }
    };
    schema::check(&id, kind, schema, &properties)?;
    let path = event.at("Properties").at("Path").as_str().unwrap_or(name).to_owned();
    Ok(Event { id: id.into(), name: name.to_owned(), kind, properties, path })
}

/// What the events of a function become.
pub(crate) fn generate(
    state: &mut State<'_>,
    target: &Target,
    role: &mut Resource,
    mut events: Vec<Event>,
) -> Result<Vec<Resource>, Fault> {
    events.sort_by(|a, b| a.path.cmp(&b.path));
    let mut resources = Vec::new();
    for event in &events {
        resources.extend(match event.kind {
            "Schedule" | "CloudWatchEvent" | "EventBridgeRule" => rule::generate(event, target)?,
            "ScheduleV2" => scheduler::generate(event, target, false)?,
            "S3" => bucket::generate(state, event, target)?,
            "SNS" => topic::generate(state, event, target, role)?,
            "Api" => api::generate(state, event, target)?,
            "HttpApi" => http_api::generate(state, event, target)?,
            "AlexaSkill" => small::alexa_skill(event, target),
            "IoTRule" => small::iot_rule(state, event, target),
            "CloudWatchLogs" => small::logs(state, event, target),
            "Cognito" => user_pool::generate(state, event, target)?,
            _ => mapping::generate(state, event, target, Some(role))?,
        });
    }
    Ok(resources)
}

/// What the events of a state machine become.
pub(crate) fn generate_for_state_machine(
    state: &mut State<'_>,
    target: &Target,
    boundary: &Node,
    events: &[Event],
) -> Result<Vec<Resource>, Fault> {
    let mut resources = Vec::new();
    for event in events {
        resources.extend(match event.kind {
            "Api" => state_machine::api(state, event, target, boundary)?,
            "ScheduleV2" => scheduler::generate(event, target, true)?,
            _ => state_machine::rule(event, target, boundary)?,
        });
    }
    Ok(resources)
}

/// Lets a service invoke the target.
pub(crate) fn permission(
    prefix: &str,
    suffix: &str,
    target: &Target,
    principal: &str,
    source_arn: Node,
) -> Resource {
    let id = logical_id::with_suffix(&format!("{prefix}Permission"), suffix);
    Resource::new(id, "AWS::Lambda::Permission", &target.attributes)
        .with("Action", "lambda:InvokeFunction")
        .with("FunctionName", target.name.clone())
        .with("Principal", principal)
        .with("SourceArn", source_arn)
}
