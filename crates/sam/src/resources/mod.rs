//! SAM's resource types, one file each.

pub(crate) mod api;
mod api_domain;
mod api_v2;
pub(crate) mod application;
mod capacity_provider;
mod code;
pub(crate) mod connector;
mod connector_end;
mod connector_profile;
pub(crate) mod deployment;
mod function;
mod function_url;
mod http_api;
mod http_authorizer;
mod invoke_config;
mod layer_version;
mod rest_definition;
mod route53;
mod simple_table;
mod state_machine;
pub(crate) mod usage_plan;
mod version;
mod websocket_api;

use crate::fault::Fault;
use crate::node::{Dict, Node, Text};
use crate::resource::{Resource, handed_on, passed_through};
use crate::schema::{self, Property};
use crate::state::State;

const SERVERLESS: &str = "AWS::Serverless::";

/// The order in which resources are transformed: functions complete the definitions of APIs, so
/// they come before them; connectors look at everything, so they come last.
pub(crate) fn order(state: &State<'_>) -> Vec<Text> {
    let mut ids: Vec<(u8, Text)> = Vec::new();
    for (id, unicode, resource) in state.resources().iter_flavoured() {
        let kind = resource.at("Type").as_str().unwrap_or_default();
        let rank = match kind.strip_prefix(SERVERLESS) {
            Some("Function") => 0,
            Some("StateMachine") => 1,
            Some("Api" | "HttpApi" | "WebSocketApi") => 2,
            Some("SimpleTable" | "LayerVersion" | "Application" | "CapacityProvider") => 3,
            Some("Connector") => 4,
            _ => continue,
        };
        ids.push((rank, Text { text: id.to_owned(), unicode }));
    }
    ids.sort_by_key(|(rank, _)| *rank);
    ids.into_iter().map(|(_, id)| id).collect()
}

/// Transforms one resource and puts the results in its place.
pub(crate) fn transform(state: &mut State<'_>, id: &Text) -> Result<(), Fault> {
    let node = state.resources().at(&id.text).clone();
    let kind = node.at("Type").as_str().unwrap_or_default().to_owned();
    let mut resource = SamResource::read(id, &node)?;
    let resources = match kind.strip_prefix(SERVERLESS).unwrap_or_default() {
        "Function" => function::transform(state, &mut resource)?,
        "StateMachine" => state_machine::transform(state, &mut resource)?,
        "Api" => api::transform(state, &mut resource)?,
        "HttpApi" => http_api::transform(state, &mut resource)?,
        "WebSocketApi" => websocket_api::transform(state, &mut resource)?,
        "SimpleTable" => simple_table::transform(&resource)?,
        "CapacityProvider" => capacity_provider::transform(state, &resource)?,
        "Connector" => connector::transform(state, &resource)?,
        "LayerVersion" => layer_version::transform(state, &mut resource)?,
        "Application" => application::transform(state, &mut resource)?,
        _ => return Ok(()),
    };
    state.emit(&id.text, &resources)
}

/// A SAM resource as its author wrote it.
#[derive(Debug)]
pub(crate) struct SamResource {
    pub(crate) id: Text,
    pub(crate) properties: Dict,
    /// Attributes that its CloudFormation resource takes over.
    pub(crate) attributes: Dict,
    pub(crate) depends_on: Node,
}

impl SamResource {
    fn read(id: &Text, node: &Node) -> Result<Self, Fault> {
        schema::check_id(&id.text)?;
        let properties = match node.as_map().and_then(|dict| dict.get("Properties")) {
            None => Dict::default(),
            Some(Node::Map(properties)) => properties.clone(),
            Some(_) => {
                return Err(Fault::resource(
                    &id.text,
                    "Properties of a resource must be an object.",
                ));
            }
        };
        Ok(Self {
            id: id.clone(),
            properties,
            attributes: handed_on(node),
            depends_on: node.at("DependsOn").clone(),
        })
    }

    pub(crate) fn check(&self, kind: &str, schema: &[Property]) -> Result<(), Fault> {
        schema::check(&self.id.text, kind, schema, &self.properties)
    }

    pub(crate) fn at(&self, key: &str) -> &Node {
        self.properties.at(key)
    }

    /// Attributes that everything generated takes over.
    pub(crate) fn passed(&self) -> Dict {
        passed_through(&self.attributes)
    }

    pub(crate) fn fault(&self, message: impl Into<String>) -> Fault {
        Fault::resource(&self.id.text, message)
    }

    /// The CloudFormation resource of the same id.
    pub(crate) fn becomes(&self, kind: &'static str) -> Resource {
        Resource::new(&self.id, kind, &self.attributes).after(self.depends_on.clone())
    }

    /// A string property, which may be named by a parameter.
    pub(crate) fn resolve(&mut self, state: &State<'_>, key: &str) -> Result<(), Fault> {
        if self.at(key).is_null() {
            return Ok(());
        }
        let value = state.resolved(self.at(key))?;
        self.properties.insert(key, value);
        Ok(())
    }
}

/// Lets authors name what a resource became: `!Ref MyFunction.Version`.
pub(crate) fn refer(
    state: &mut State<'_>,
    id: &str,
    resources: &[Resource],
    properties: &[(&str, &str)],
) {
    for (property, kind) in properties {
        if let Some(resource) = resources.iter().rev().find(|resource| resource.kind == *kind) {
            state
                .generated_ids
                .insert((id.to_owned(), (*property).to_owned()), resource.id.text.clone());
        }
    }
}
