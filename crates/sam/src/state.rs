//! The transform under way.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde_json::{Map, Value};

use crate::Context;
use crate::fault::{Fault, Of};
use crate::intrinsics::{self, GeneratedIds};
use crate::node::{Dict, Node, Text};
use crate::prepare;
use crate::python::Json;
use crate::resource::Resource;
use crate::resources::deployment::Preference;
use crate::resources::usage_plan::SharedUsagePlan;
use crate::schema;

/// SAM's resource types whose properties Globals and the implicit APIs look at.
pub(crate) const TYPES: [&str; 9] = [
    "AWS::Serverless::Api",
    "AWS::Serverless::Function",
    "AWS::Serverless::SimpleTable",
    "AWS::Serverless::Application",
    "AWS::Serverless::LayerVersion",
    "AWS::Serverless::HttpApi",
    "AWS::Serverless::WebSocketApi",
    "AWS::Serverless::StateMachine",
    "AWS::Serverless::CapacityProvider",
];

/// Resources of a template (CloudFormation's quota; each becomes one at least).
const MAX_RESOURCES: usize = 500;

/// Events of a template. Each becomes a resource as a rule, so that more cannot be deployed.
const MAX_EVENTS: usize = 1000;

/// Bytes of a parameter's value (CloudFormation's quota). A longer default is not resolved here;
/// CloudFormation refuses it.
const MAX_PARAMETER: usize = 4096;

/// Everything that the steps share.
pub(crate) struct State<'c> {
    pub(crate) context: &'c Context<'c>,
    /// Parameter values: given, defaulted, and the region and partition.
    pub(crate) parameters: Dict,
    pub(crate) mappings: Dict,
    /// The template as the author wrote it. Events complete the definitions of its APIs.
    pub(crate) source: Dict,
    /// The template that is becoming the result.
    pub(crate) output: Dict,
    pub(crate) generated_ids: GeneratedIds,
    pub(crate) renamed: BTreeMap<String, String>,
    /// Names of the functions behind each API, which are part of its deployment's hash.
    pub(crate) function_names: IndexMap<String, String>,
    pub(crate) deployments: IndexMap<String, Preference>,
    pub(crate) usage_plan: SharedUsagePlan,
    /// Record set groups by logical id: APIs of one hosted zone share theirs.
    pub(crate) record_sets: BTreeMap<String, Resource>,
    /// Locations of applications: template URL or fault.
    pub(crate) applications: BTreeMap<String, Result<String, Fault>>,
    faults: Vec<Fault>,
}

impl<'c> State<'c> {
    pub(crate) fn new(
        template: &Value,
        parameters: &Map<String, Value>,
        context: &'c Context<'c>,
    ) -> Result<Self, Fault> {
        let Node::Map(mut source) = Node::plain(template) else {
            return Err(Fault::structure("'Resources' section is required"));
        };
        check_structure(&source)?;
        let mut parameters = match Node::plain(&Value::Object(parameters.clone())) {
            Node::Map(parameters) => parameters,
            _ => Dict::default(),
        };
        if prepare::emulates_python(&source) {
            prepare::to_python(&mut source, &mut parameters);
        }
        add_defaults(&mut parameters, &source);
        for (name, value) in
            [("AWS::Region", context.region), ("AWS::Partition", context.partition)]
        {
            if !parameters.contains(name) {
                parameters.insert(name, value);
            }
        }
        let mappings = match source.get("Mappings") {
            None => Dict::default(),
            Some(Node::Map(mappings)) => mappings.clone(),
            Some(_) => {
                return Err(Fault::structure(
                    "'Mappings' or 'Parameters' is either null or not a valid dictionary.",
                ));
            }
        };
        Ok(Self {
            context,
            parameters,
            mappings,
            source,
            output: Dict::default(),
            generated_ids: BTreeMap::new(),
            renamed: BTreeMap::new(),
            function_names: IndexMap::new(),
            deployments: IndexMap::new(),
            usage_plan: SharedUsagePlan::default(),
            record_sets: BTreeMap::new(),
            applications: BTreeMap::new(),
            faults: Vec::new(),
        })
    }

    /// The output begins as the source, as the steps before the transform proper left it.
    pub(crate) fn begin_output(&mut self) {
        self.output = self.source.clone();
    }

    /// Keeps a fault of one resource; one of the document ends the transform.
    pub(crate) fn note(&mut self, fault: Fault) -> Result<(), Fault> {
        if matches!(fault, Fault::Document(_)) {
            return Err(fault);
        }
        self.faults.push(fault);
        Ok(())
    }

    /// Keeps a fault, whatever it is.
    pub(crate) fn note_all(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    /// The resources as the author wrote them.
    pub(crate) fn resources(&self) -> &Dict {
        static EMPTY: std::sync::LazyLock<Dict> = std::sync::LazyLock::new(Dict::default);
        self.source.at("Resources").as_map().unwrap_or(&EMPTY)
    }

    pub(crate) fn resources_mut(&mut self) -> Option<&mut Dict> {
        self.source.get_mut("Resources").and_then(Node::as_map_mut)
    }

    pub(crate) fn resource_mut(&mut self, id: &str) -> Option<&mut Dict> {
        self.resources_mut()?.get_mut(id)?.as_map_mut()
    }

    pub(crate) fn properties(&self, id: &str) -> &Node {
        self.resources().at(id).at("Properties")
    }

    /// The properties of a resource, made where there are none.
    pub(crate) fn properties_mut(&mut self, id: &str) -> Option<&mut Dict> {
        let resource = self.resource_mut(id)?;
        resource.entry("Properties", || Dict::default().into()).as_map_mut()
    }

    /// Ids of SAM's own resources of these types (all where none is named), in order.
    ///
    /// A condition that is no name is a fault of the document.
    pub(crate) fn ids_of(&self, types: &[&str]) -> Result<Vec<Text>, Fault> {
        let mut ids = Vec::new();
        for (id, unicode, resource) in self.resources().iter_flavoured() {
            let condition = resource.at("Condition");
            if condition.truthy() && condition.as_str().is_none() {
                return Err(Fault::structure("Every Condition member must be a string."));
            }
            let kind = resource.at("Type").as_str().unwrap_or_default();
            if TYPES.contains(&kind) && (types.is_empty() || types.contains(&kind)) {
                ids.push(Text { text: id.to_owned(), unicode });
            }
        }
        Ok(ids)
    }

    /// A copy with references to parameters resolved.
    pub(crate) fn resolved(&self, node: &Node) -> Result<Node, Fault> {
        intrinsics::resolved(node, &self.parameters)
    }

    /// A copy with references to parameters and mappings resolved.
    pub(crate) fn resolved_with_mappings(&self, node: &Node) -> Result<Node, Fault> {
        let mut copy = self.resolved(node)?;
        intrinsics::resolve_mappings(&mut copy, &self.mappings)?;
        Ok(copy)
    }

    /// The ARN of one of AWS's managed policies.
    pub(crate) fn managed_policy(&self, path: &str) -> String {
        format!("arn:{}:iam::aws:policy/{path}", self.context.partition)
    }

    pub(crate) fn output_resources(&mut self) -> Option<&mut Dict> {
        self.output.get_mut("Resources").and_then(Node::as_map_mut)
    }

    /// The Conditions of the result, where the template has that section.
    pub(crate) fn output_conditions(&mut self) -> Option<&mut Dict> {
        self.output.get_mut("Conditions").and_then(Node::as_map_mut)
    }

    /// Puts what a SAM resource became in its place.
    pub(crate) fn emit(&mut self, id: &str, resources: &[Resource]) -> Result<(), Fault> {
        resources.iter().try_for_each(|resource| schema::check_id(&resource.id.text))?;
        if let Some(output) = self.output_resources() {
            output.remove(id);
        }
        for resource in resources {
            if self.collides(resource) {
                self.faults.push(Fault::Duplicate {
                    id: id.to_owned(),
                    generated: resource.id.text.clone(),
                    kind: resource.kind.to_owned(),
                });
            } else if let Some(output) = self.output_resources() {
                output.insert(&resource.id, resource.to_node());
            }
        }
        Ok(())
    }

    /// Whether the author wrote a resource of that id which is not the one it comes from.
    fn collides(&self, resource: &Resource) -> bool {
        let Some(existing) = self.resources().get(&resource.id.text) else { return false };
        let written = existing.at("Type").as_str().unwrap_or_default();
        let before: &[&str] = match resource.kind {
            "AWS::Lambda::Function" => &["AWS::Serverless::Function"],
            "AWS::Lambda::LayerVersion" => &["AWS::Serverless::LayerVersion"],
            "AWS::Lambda::CapacityProvider" => &["AWS::Serverless::CapacityProvider"],
            "AWS::ApiGateway::RestApi" => &["AWS::Serverless::Api"],
            "AWS::ApiGatewayV2::Api" => {
                &["AWS::Serverless::HttpApi", "AWS::Serverless::WebSocketApi"]
            }
            "AWS::DynamoDB::Table" => &["AWS::Serverless::SimpleTable"],
            "AWS::CloudFormation::Stack" => &["AWS::Serverless::Application"],
            "AWS::StepFunctions::StateMachine" => &["AWS::Serverless::StateMachine"],
            "AWS::AppSync::GraphQLApi" => &["AWS::Serverless::GraphQLApi"],
            "AWS::S3::Bucket"
            | "AWS::SNS::Topic"
            | "AWS::Cognito::UserPool"
            | "AWS::ApiGateway::DomainName"
            | "AWS::ApiGateway::BasePathMapping"
            | "AWS::ApiGateway::DomainNameV2"
            | "AWS::ApiGateway::BasePathMappingV2" => &[resource.kind],
            _ => &[],
        };
        !before.contains(&written)
    }

    /// Resolves what refers to generated resources, and gives the result or the faults.
    pub(crate) fn finish(mut self) -> Result<Value, Fault> {
        if !self.faults.is_empty() {
            return Err(Fault::Document(self.faults));
        }
        self.output.remove("Transform");
        let mut result = Node::Map(self.output);
        rename_dependencies(&mut result, &self.renamed);
        if !self.renamed.is_empty() {
            intrinsics::resolve_renamed(&mut result, &self.renamed)?;
        }
        intrinsics::resolve_generated(&mut result, &self.generated_ids)?;
        Ok(result.to_value())
    }
}

fn check_structure(source: &Dict) -> Result<(), Fault> {
    let Some(resources) = source.at("Resources").as_map().filter(|dict| !dict.is_empty()) else {
        return Err(Fault::structure("'Resources' section is required"));
    };
    if resources.iter().any(|(_, resource)| !resource.is_map()) {
        return Err(Fault::structure(
            "All 'Resources' must be Objects. If you're using YAML, this may be an indentation \
             issue.",
        ));
    }
    check_size(resources)?;
    for (id, resource) in resources.iter() {
        let condition = resource.at("Condition");
        if condition.truthy() && condition.as_str().is_none() {
            return Err(Fault::structure("Every Condition member must be a string."));
        }
        let kind = resource.at("Type").as_str().unwrap_or_default();
        if TYPES.contains(&kind)
            && let Some(properties) = resource.as_map().and_then(|dict| dict.get("Properties"))
        {
            let checked = Of::Attribute(id).map("Properties", properties);
            checked.map_err(|fault| Fault::Document(vec![fault]))?;
        }
    }
    Ok(())
}

fn check_size(resources: &Dict) -> Result<(), Fault> {
    let events =
        |resource: &Node| resource.at("Properties").at("Events").as_map().map_or(0, Dict::len);
    let count = resources.iter().map(|(_, resource)| events(resource)).sum::<usize>();
    for (what, count, most) in
        [("resources", resources.len(), MAX_RESOURCES), ("events", count, MAX_EVENTS)]
    {
        if count > most {
            return Err(Fault::structure(format!(
                "Number of {what}, {count}, is greater than maximum allowed, {most}."
            )));
        }
    }
    Ok(())
}

fn add_defaults(parameters: &mut Dict, source: &Dict) {
    let Some(declared) = source.at("Parameters").as_map() else { return };
    for (name, parameter) in declared.iter() {
        if let Some(default) = parameter.as_map().and_then(|dict| dict.get("Default"))
            && !parameters.contains(name)
            && Json::CANONICAL.write(default).len() <= MAX_PARAMETER
        {
            parameters.insert(name, default.clone());
        }
    }
}

/// `DependsOn` follows resources whose logical id changed.
fn rename_dependencies(node: &mut Node, renamed: &BTreeMap<String, String>) {
    match node {
        Node::List(items) => {
            for item in items {
                rename_dependencies(item, renamed);
            }
        }
        Node::Map(dict) => {
            let rename = |node: &mut Node| {
                if let Some(new) = node.as_str().and_then(|id| renamed.get(id)) {
                    *node = new.as_str().into();
                }
            };
            match dict.get_mut("DependsOn") {
                Some(Node::List(items)) => items.iter_mut().for_each(rename),
                Some(one) => rename(one),
                None => {}
            }
            for child in dict.values_mut() {
                rename_dependencies(child, renamed);
            }
        }
        _ => {}
    }
}
