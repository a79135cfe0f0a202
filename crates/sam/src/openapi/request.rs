//! What a method of a REST API expects of a request: models, validators, parameters.

use super::paths::{INTEGRATION, is_version_3};
use super::rest::RestEditor;
use crate::fault::Fault;
use crate::node::{Dict, Node, Text, dict, python};

const VALIDATORS: &str = "x-amazon-apigateway-request-validators";
const VALIDATOR: &str = "x-amazon-apigateway-request-validator";

/// One of a method's parameters: `method.request.<location>.<name>`.
#[derive(Debug)]
pub(crate) struct RequestParameter {
    pub(crate) name: Text,
    pub(crate) required: Node,
    pub(crate) caching: Node,
}

impl RestEditor {
    pub(crate) fn add_request_validator(
        &mut self,
        path: &str,
        method: &Text,
        body: bool,
        parameters: bool,
    ) -> Result<(), Fault> {
        let name = match (body, parameters) {
            (true, true) => "body-and-params",
            (true, false) => "body-only",
            (false, true) => "params-only",
            (false, false) => "no-validation",
        };
        let mut definition = Dict::python();
        definition.insert(
            name,
            python! {
                "validateRequestBody" => body,
                "validateRequestParameters" => parameters,
            },
        );
        if !self.doc.at(VALIDATORS).truthy() {
            self.doc.insert(VALIDATORS, Dict::python());
        }
        if let Some(Node::Map(all)) = self.doc.get_mut(VALIDATORS)
            && !all.at(name).truthy()
        {
            all.update(&definition);
        }
        self.paths().each_definition(path, method, false, &mut |definition| {
            let mut chosen = Dict::python();
            chosen.insert(VALIDATOR, name);
            definition.update(&chosen);
            Ok(())
        })
    }

    pub(crate) fn add_request_model(
        &mut self,
        path: &str,
        method: &Text,
        model: &Text,
        required: &Node,
    ) -> Result<(), Fault> {
        let name = Text { text: model.text.to_lowercase(), unicode: model.unicode };
        let swagger = !self.doc.at("swagger").is_null();
        let openapi = self.doc.at("openapi").truthy() && is_version_3(self.doc.at("openapi"));
        self.paths().each_definition(path, method, false, &mut |definition| {
            if swagger {
                let mut parameter = Dict::python();
                parameter.insert("in", "body");
                parameter.insert("name", &name);
                let pointer = format!("#/definitions/{}", name.text);
                parameter.insert("schema", dict! { "$ref" => pointer });
                parameter.insert_some("required", required);
                add_parameter(definition, parameter);
            } else if openapi {
                let pointer = format!("#/components/schemas/{}", name.text);
                let mut body = dict! {
                    "content" => dict! {
                        "application/json" =>
                            dict! { "schema" => dict! { "$ref" => pointer } },
                    },
                };
                if let Node::Map(body) = &mut body {
                    body.insert_some("required", required);
                }
                definition.insert("requestBody", body);
            }
            Ok(())
        })
    }

    pub(crate) fn add_request_parameters(
        &mut self,
        path: &str,
        method: &Text,
        parameters: &[RequestParameter],
    ) -> Result<(), Fault> {
        self.paths().each_definition(path, method, false, &mut |definition| {
            for one in parameters {
                let unicode = one.name.unicode;
                let short = one.name.text.replace("method.request.", "");
                let (location, name) = short.split_once('.').unwrap_or((&short, ""));
                let location = match location {
                    "querystring" => Text::from("query"),
                    other => Text { text: other.to_owned(), unicode },
                };
                let mut parameter = Dict::python();
                parameter.insert("in", location);
                parameter.insert("name", Text { text: name.to_owned(), unicode });
                parameter.insert("required", one.required.clone());
                parameter.insert("type", "string");
                add_parameter(definition, parameter);
                if one.caching.truthy()
                    && let Some(Node::Map(integration)) = definition.get_mut(INTEGRATION)
                    && let Node::List(keys) =
                        integration.entry("cacheKeyParameters", || Node::List(Vec::new()))
                {
                    keys.push(Node::from(&one.name));
                }
            }
            Ok(())
        })
    }
}

fn add_parameter(definition: &mut Dict, parameter: Dict) {
    if let Node::List(all) = definition.entry("parameters", || Node::List(Vec::new())) {
        all.push(parameter.into());
    }
}
