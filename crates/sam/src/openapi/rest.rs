//! The definition of a REST API.

use super::authorizer::Authorizer;
use super::paths::{
    ANY_METHOD, INTEGRATION, Paths, conditional, is_version_3, normalized, wrong_path,
};
use crate::fault::Fault;
use crate::intrinsics::{if_only, reference};
use crate::node::{Dict, Node, Text, list, python};

const ENDPOINT: &str = "x-amazon-apigateway-endpoint-configuration";
const GATEWAY_RESPONSES: &str = "x-amazon-apigateway-gateway-responses";
const BINARY_MEDIA_TYPES: &str = "x-amazon-apigateway-binary-media-types";
pub(super) const POLICY: &str = "x-amazon-apigateway-policy";

/// Edits a copy of a definition.
#[derive(Debug)]
pub(crate) struct RestEditor {
    pub(super) doc: Dict,
    pub(super) paths: Dict,
    pub(super) security_definitions: Node,
    pub(super) resource_policy: Node,
    gateway_responses: Node,
    definitions: Node,
}

/// A Lambda function behind a method.
#[derive(Debug)]
pub(crate) struct LambdaIntegration<'a> {
    pub(crate) uri: Node,
    pub(crate) method_auth: &'a Node,
    pub(crate) api_auth: &'a Node,
    pub(crate) condition: Option<&'a Node>,
    pub(crate) streams: bool,
    pub(crate) partition: &'a str,
}

/// A state machine behind a method.
#[derive(Debug)]
pub(crate) struct StateMachineIntegration<'a> {
    pub(crate) uri: Node,
    pub(crate) credentials: Node,
    pub(crate) templates: Node,
    pub(crate) condition: Option<&'a Node>,
}

impl RestEditor {
    pub(crate) fn new(doc: &Node) -> Result<Self, Fault> {
        if !Self::is_valid(doc) {
            return Err(Fault::structure(
                "Invalid Swagger document or the Swagger document is not explicitly defined in \
                 'DefinitionBody'.",
            ));
        }
        let Node::Map(mut doc) = doc.deep_copy() else {
            return Err(Fault::structure("'DefinitionBody' must be a map."));
        };
        let Some(Node::Map(paths)) = doc.get_mut("paths").map(std::mem::take) else {
            return Err(Fault::structure("'paths' must be a map."));
        };
        for (path, item) in paths.iter() {
            for item in conditional(item)? {
                item.as_map().ok_or_else(|| wrong_path(path))?;
            }
        }
        let or_empty = |key: &str| {
            let value = doc.at(key);
            if value.truthy() { value.clone() } else { Dict::python().into() }
        };
        Ok(Self {
            security_definitions: or_empty("securityDefinitions"),
            resource_policy: or_empty(POLICY),
            gateway_responses: or_empty(GATEWAY_RESPONSES),
            definitions: or_empty("definitions"),
            paths,
            doc,
        })
    }

    /// Whether this is a definition that can be edited.
    pub(crate) fn is_valid(doc: &Node) -> bool {
        doc.at("paths").is_map()
            && (doc.at("swagger").truthy()
                || (doc.at("openapi").truthy() && is_version_3(doc.at("openapi"))))
    }

    /// The definition that SAM starts from where the author gives none.
    pub(crate) fn skeleton() -> Node {
        python! {
            "swagger" => "2.0",
            "info" => python! { "version" => "1.0", "title" => reference("AWS::StackName") },
            "paths" => Dict::python(),
        }
    }

    /// The edited definition.
    pub(crate) fn finish(mut self) -> Node {
        if self.doc.contains("paths") {
            self.doc.insert("paths", self.paths);
        }
        for (key, value) in [
            ("securityDefinitions", self.security_definitions),
            (GATEWAY_RESPONSES, self.gateway_responses),
            ("definitions", self.definitions),
        ] {
            if value.truthy() {
                self.doc.insert(key, value);
            }
        }
        Node::Map(self.doc).deep_copy()
    }

    pub(crate) fn paths(&mut self) -> Paths<'_> {
        Paths(&mut self.paths)
    }

    pub(crate) fn path_names(&self) -> Vec<Text> {
        self.paths.keys()
    }

    pub(crate) fn disable_execute_api_endpoint(&mut self, disable: &Node) -> Result<(), Fault> {
        let set = |config: &mut Node, prefix: &str| {
            let wrong = |at: &str| {
                Fault::structure(format!(
                    "Invalid OpenAPI definition{prefix}: {}.",
                    if at.is_empty() {
                        "It should be a map".to_owned()
                    } else {
                        format!("The value of '{at}' should be a map")
                    }
                ))
            };
            let config = config.as_map_mut().ok_or_else(|| wrong(""))?;
            let endpoint = config.entry(ENDPOINT, || Dict::default().into());
            let endpoint = endpoint.as_map_mut().ok_or_else(|| wrong(ENDPOINT))?;
            endpoint.insert("disableExecuteApiEndpoint", disable.clone());
            Ok(())
        };
        if self.doc.at("openapi").truthy() && is_version_3(self.doc.at("openapi")) {
            let mut servers = match self.doc.get("servers") {
                Some(Node::List(servers)) => servers.clone(),
                _ => vec![Dict::python().into()],
            };
            for (at, config) in servers.iter_mut().enumerate() {
                set(config, &format!(" of 'servers[{at}]'"))?;
            }
            self.doc.insert("servers", servers);
            return Ok(());
        }
        let mut doc = Node::Map(std::mem::take(&mut self.doc));
        let result = set(&mut doc, "");
        if let Node::Map(doc) = doc {
            self.doc = doc;
        }
        result
    }

    pub(crate) fn add_lambda_integration(
        &mut self,
        path: &Text,
        method: &Text,
        lambda: &LambdaIntegration<'_>,
    ) -> Result<(), Fault> {
        if self.paths().has_integration(&path.text, method)? {
            return Err(Fault::structure(format!(
                "Lambda integration already exists on Path={}, Method={}",
                path.text,
                normalized(method).text
            )));
        }
        self.paths().add(path, method)?;
        let method = normalized(method);
        let uri = conditional_uri(lambda.condition, &lambda.uri);
        let credentials = lambda.credentials();
        self.paths().each_item(&path.text, &mut |item| {
            let mut integration = Dict::python();
            integration.insert("type", "aws_proxy");
            integration.insert("httpMethod", "POST");
            integration.insert("uri", uri.clone());
            if lambda.streams {
                integration.insert("responseTransferMode", "STREAM");
            }
            if let Some(credentials) = &credentials {
                integration.insert("credentials", credentials.clone());
            }
            integrate(item, &method, integration, Dict::python().into(), lambda.condition)
        })
    }

    pub(crate) fn add_state_machine_integration(
        &mut self,
        path: &Text,
        method: &Text,
        machine: &StateMachineIntegration<'_>,
    ) -> Result<(), Fault> {
        if self.paths().has_integration(&path.text, method)? {
            return Err(Fault::structure(format!(
                "Integration already exists on Path={}, Method={}",
                path.text,
                normalized(method).text
            )));
        }
        self.paths().add(path, method)?;
        let method = normalized(method);
        let uri = conditional_uri(machine.condition, &machine.uri);
        self.paths().each_item(&path.text, &mut |item| {
            let responses = python! {
                "200" => python! { "statusCode" => "200" },
                "400" => python! { "statusCode" => "400" },
            };
            let described = python! {
                "200" => python! { "description" => "OK" },
                "400" => python! { "description" => "Bad Request" },
            };
            let mut integration = Dict::python();
            integration.insert("type", "aws");
            integration.insert("httpMethod", "POST");
            integration.insert("uri", uri.clone());
            integration.insert("responses", responses);
            integration.insert("credentials", machine.credentials.clone());
            if machine.templates.truthy() {
                let mut more = Dict::default();
                more.insert("requestTemplates", machine.templates.clone());
                integration.update(&more);
            }
            integrate(item, &method, integration, described, machine.condition)
        })
    }

    pub(crate) fn add_binary_media_types(&mut self, types: &Node) {
        self.doc.insert(BINARY_MEDIA_TYPES, unescaped(types));
    }

    pub(crate) fn add_gateway_responses(&mut self, responses: &Dict) {
        if let Node::Map(all) = &mut self.gateway_responses {
            for (name, unicode, response) in responses.iter_flavoured() {
                all.insert(Text { text: name.to_owned(), unicode }, response.clone());
            }
        }
    }

    pub(crate) fn add_models(&mut self, models: &Dict) -> Result<(), Fault> {
        for (name, unicode, schema) in models.iter_flavoured() {
            if !schema.at("type").truthy() {
                return Err(Fault::structure("'Models' schema is missing 'type'."));
            }
            if let Node::Map(definitions) = &mut self.definitions {
                let name = Text { text: name.to_lowercase(), unicode };
                definitions.insert(name, schema.clone());
            }
        }
        Ok(())
    }

    pub(crate) fn add_security_definitions(
        &mut self,
        authorizers: &[Authorizer],
        partition: &str,
    ) -> Result<(), Fault> {
        for authorizer in authorizers {
            let definition = authorizer.definition(partition)?;
            self.security_map()?.insert(&authorizer.name, definition);
        }
        Ok(())
    }

    pub(super) fn security_map(&mut self) -> Result<&mut Dict, Fault> {
        self.security_definitions
            .as_map_mut()
            .ok_or_else(|| Fault::Template("securityDefinitions must be a dictionary.".to_owned()))
    }
}

impl LambdaIntegration<'_> {
    /// The role that API Gateway takes on, where IAM authorizes the caller.
    fn credentials(&self) -> Option<Node> {
        let by_method = self.method_auth.at("Authorizer").is("AWS_IAM");
        let by_api =
            self.api_auth.at("DefaultAuthorizer").is("AWS_IAM") && !self.method_auth.truthy();
        if !by_method && !by_api {
            return None;
        }
        let role = |auth: &Node| {
            let role = auth.at("InvokeRole");
            let given = auth.as_map().is_some_and(|auth| auth.contains("InvokeRole"));
            if !role.truthy() && given { Node::from("NONE") } else { role.clone() }
        };
        let (method, api) = (role(self.method_auth), role(self.api_auth));
        let role = if method.truthy() { method } else { api };
        if role.is("NONE") {
            return None;
        }
        if role.truthy() && !role.is("CALLER_CREDENTIALS") {
            return Some(role);
        }
        Some(format!("arn:{}:iam::*:user/*", self.partition).into())
    }
}

fn conditional_uri(condition: Option<&Node>, uri: &Node) -> Node {
    condition.map_or_else(|| uri.clone(), |condition| if_only(condition, uri.clone()))
}

fn integrate(
    item: &mut Dict,
    method: &Text,
    integration: Dict,
    responses: Node,
    condition: Option<&Node>,
) -> Result<(), Fault> {
    let definition = item.entry(method, || Dict::python().into());
    if definition.is_null() {
        *definition = Dict::python().into();
    }
    let Node::Map(members) = definition else {
        return Err(Fault::structure(format!(
            "Definition of method '{}' should be a map.",
            method.text
        )));
    };
    members.insert(INTEGRATION, integration);
    members.entry("responses", || responses);
    if let Some(condition) = condition {
        *definition = if_only(condition, definition.clone());
    }
    Ok(())
}

/// `image~1gif` stands for `image/gif`, in keys as in values.
fn unescaped(node: &Node) -> Node {
    let text = |text: &str| Text { text: text.replace("~1", "/"), unicode: true };
    match node {
        Node::Text(one) => text(&one.text).into(),
        Node::List(items) => Node::List(items.iter().map(unescaped).collect()),
        Node::Map(dict) => {
            let mut result = Dict::python();
            for (key, value) in dict.iter() {
                result.insert(text(key), unescaped(value));
            }
            result.into()
        }
        other => other.clone(),
    }
}

/// The methods of a path as CORS names them.
pub(super) fn allowed_methods(item: &Dict) -> String {
    const ALL: [&str; 7] = ["OPTIONS", "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"];
    let mut methods: Vec<String> = if item.contains(ANY_METHOD) {
        ALL.iter().map(|method| (*method).to_owned()).collect()
    } else {
        let names = item.iter().map(|(name, _)| name.to_uppercase());
        names.chain(std::iter::once("OPTIONS".to_owned())).collect()
    };
    methods.sort();
    methods.dedup();
    methods.join(",")
}

pub(super) fn application_json() -> Node {
    list!["application/json"]
}
