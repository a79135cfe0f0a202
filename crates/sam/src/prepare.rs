//! What is done to a template before its resources are looked at one by one.

use crate::fault::Fault;
use crate::node::{Dict, Node, Text};
use crate::openapi::{HttpEditor, RestEditor};
use crate::state::State;

const REST_API: &str = "AWS::Serverless::Api";
const HTTP_API: &str = "AWS::Serverless::HttpApi";

/// Whether AWS emulates Python 2.7 for this template: it has a REST API, or an HTTP API with a
/// default authorizer.
pub(crate) fn emulates_python(source: &Dict) -> bool {
    has_rest_api(source) || has_default_authorizer(source)
}

fn resources(source: &Dict) -> impl Iterator<Item = &Node> {
    source.at("Resources").as_map().into_iter().flat_map(Dict::iter).map(|(_, resource)| resource)
}

fn has_event(resource: &Node, kind: &str) -> bool {
    let events = resource.at("Properties").at("Events").as_map();
    events.is_some_and(|events| events.iter().any(|(_, event)| event.at("Type").is(kind)))
}

fn has_rest_api(source: &Dict) -> bool {
    resources(source).any(|resource| match resource.at("Type").as_str() {
        Some(REST_API) => true,
        Some("AWS::Serverless::Function" | "AWS::Serverless::StateMachine") => {
            has_event(resource, "Api")
        }
        _ => false,
    })
}

fn has_default_authorizer(source: &Dict) -> bool {
    let global = source.at("Globals").at("HttpApi").at("Auth").at("DefaultAuthorizer").truthy();
    resources(source).any(|resource| match resource.at("Type").as_str() {
        Some(HTTP_API) => {
            global || resource.at("Properties").at("Auth").at("DefaultAuthorizer").truthy()
        }
        Some("AWS::Serverless::Function") => global && has_event(resource, "HttpApi"),
        _ => false,
    })
}

/// Marks what AWS marks as values of Python 2.7.
pub(crate) fn to_python(source: &mut Dict, parameters: &mut Dict) {
    let convert = |dict: Option<&mut Node>, key: &str| {
        if let Some(Node::Map(dict)) = dict
            && let Some(value) = dict.get_mut(key)
        {
            *value = value.to_python();
        }
    };
    convert(source.get_mut("Globals"), "Api");
    if let Some(Node::Map(declared)) = source.get_mut("Parameters") {
        for parameter in declared.values_mut() {
            convert(Some(parameter), "Default");
        }
    }
    for value in parameters.values_mut() {
        *value = value.to_python();
    }
    let Some(Node::Map(resources)) = source.get_mut("Resources") else { return };
    let mut converted = Dict::python();
    for key in resources.keys() {
        let Some(mut resource) = resources.remove(&key.text) else { continue };
        match resource.at("Type").as_str() {
            Some(REST_API | HTTP_API) => convert(Some(&mut resource), "Properties"),
            Some("AWS::Serverless::Function" | "AWS::Serverless::StateMachine")
                if resource.at("Properties").is_map() =>
            {
                convert(Some(&mut resource), "Condition");
                if let Node::Map(dict) = &mut resource {
                    convert(dict.get_mut("Properties"), "FunctionName");
                    convert(dict.get_mut("Properties"), "Events");
                }
            }
            _ => {}
        }
        converted.insert(Text { text: key.text, unicode: true }, resource);
    }
    *resources = converted;
}

/// APIs without a definition get an empty one, which SAM fills from the events.
pub(crate) fn default_definitions(state: &mut State<'_>) -> Result<(), Fault> {
    for kind in [REST_API, HTTP_API] {
        for id in state.ids_of(&[kind])? {
            let given = state.properties(&id.text);
            if given.at("DefinitionBody").truthy() || given.at("DefinitionUri").truthy() {
                continue;
            }
            let body =
                if kind == HTTP_API { HttpEditor::skeleton() } else { RestEditor::skeleton() };
            if let Some(properties) = state.properties_mut(&id.text) {
                properties.insert("DefinitionBody", body);
                properties.insert("__MANAGE_SWAGGER", true);
            }
        }
    }
    Ok(())
}
