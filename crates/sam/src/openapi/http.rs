//! The definition of an HTTP API.

use super::paths::{
    ANY_METHOD, INTEGRATION, Paths, conditional, each_conditional, is_version_3, normalized,
    wrong_method, wrong_security,
};
use crate::fault::Fault;
use crate::intrinsics::{if_only, is_intrinsic, reference};
use crate::node::{Dict, Node, Text, dict, list, python};
use crate::python;

const CORS: &str = "x-amazon-apigateway-cors";
const ENDPOINT: &str = "x-amazon-apigateway-endpoint-configuration";
const TAG_VALUE: &str = "x-amazon-apigateway-tag-value";
pub(crate) const DEFAULT_PATH: &str = "$default";

/// Edits a copy of a definition.
#[derive(Debug)]
pub(crate) struct HttpEditor {
    doc: Dict,
    paths: Dict,
    security_schemes: Node,
    tags: Node,
    info: Node,
}

impl HttpEditor {
    pub(crate) fn new(doc: &Node) -> Result<Self, Fault> {
        if !Self::is_valid(doc) {
            return Err(Fault::structure(
                "Invalid OpenApi document. Invalid values or missing keys for 'openapi' or \
                 'paths' in 'DefinitionBody'.",
            ));
        }
        let Node::Map(mut doc) = doc.deep_copy() else {
            return Err(Fault::structure("'DefinitionBody' must be a map."));
        };
        let Some(Node::Map(paths)) = doc.get_mut("paths").map(std::mem::take) else {
            return Err(Fault::structure("'paths' must be a map."));
        };
        let components = doc.at("components");
        if !components.is_null() && !components.is_map() {
            return Err(Fault::structure(
                "Invalid OpenApi document: The value of 'components' should be a map",
            ));
        }
        let or = |value: &Node, empty: Node| if value.truthy() { value.clone() } else { empty };
        Ok(Self {
            security_schemes: or(components.at("securitySchemes"), Dict::python().into()),
            tags: or(doc.at("tags"), list![]),
            info: or(doc.at("info"), Dict::python().into()),
            paths,
            doc,
        })
    }

    pub(crate) fn is_valid(doc: &Node) -> bool {
        doc.at("paths").is_map() && doc.at("openapi").truthy() && is_version_3(doc.at("openapi"))
    }

    /// The title that SAM gives, by which it knows that the author has given none.
    pub(crate) fn default_title() -> Node {
        reference("AWS::StackName")
    }

    pub(crate) fn skeleton() -> Node {
        python! {
            "openapi" => "3.0.1",
            "info" => python! { "version" => "1.0", "title" => Self::default_title() },
            "paths" => Dict::python(),
        }
    }

    /// The edited definition.
    pub(crate) fn finish(mut self) -> Node {
        self.doc.insert("paths", self.paths);
        if self.tags.truthy() {
            self.doc.insert("tags", self.tags);
        }
        if self.security_schemes.truthy() {
            let components = self.doc.entry("components", || Dict::python().into());
            if !components.truthy() {
                *components = Dict::python().into();
            }
            if let Node::Map(components) = components {
                components.insert("securitySchemes", self.security_schemes);
            }
        }
        if self.info.truthy() {
            self.doc.insert("info", self.info);
        }
        Node::Map(self.doc).deep_copy()
    }

    pub(crate) fn paths(&mut self) -> Paths<'_> {
        Paths(&mut self.paths)
    }

    pub(crate) fn path_names(&self) -> Vec<Text> {
        self.paths.keys()
    }

    /// Whether the default route leads to this function: then it has its permission already.
    pub(crate) fn default_route_leads_to(&mut self, function: &str) -> Result<bool, Fault> {
        let method = Text::from(ANY_METHOD);
        if !self.paths().has_integration(DEFAULT_PATH, &method)? {
            return Ok(false);
        }
        let mut leads = true;
        self.paths().each_definition(DEFAULT_PATH, &method, true, &mut |definition| {
            let integration = definition.at(INTEGRATION);
            if !integration.is_null() && !integration.is_map() {
                return Err(Fault::structure(format!(
                    "Value of '{INTEGRATION}' must be a dictionary according to Swagger spec."
                )));
            }
            let uri = integration.at("uri");
            if !uri.is_map() {
                leads = false;
                return Ok(());
            }
            for content in conditional(uri)? {
                let arn = content.at("Fn::Sub").as_str().unwrap_or_default();
                leads &= attribute_owner(arn) == Some(function);
            }
            Ok(())
        })?;
        Ok(leads)
    }

    pub(crate) fn add_lambda_integration(
        &mut self,
        path: &Text,
        method: &Text,
        uri: &Node,
        condition: Option<&Node>,
    ) -> Result<(), Fault> {
        if self.paths().has_integration(&path.text, method)? {
            return Ok(());
        }
        self.paths().add(path, method)?;
        let method = normalized(method);
        let uri = condition.map_or_else(|| uri.clone(), |name| if_only(name, uri.clone()));
        self.paths().each_item(&path.text, &mut |item| {
            let definition = item.entry(&method, || Dict::python().into());
            if definition.is_null() {
                *definition = Dict::python().into();
            }
            let Node::Map(members) = definition else {
                return Err(wrong_method(&path.text, &method.text));
            };
            members.insert(
                INTEGRATION,
                python! {
                    "type" => "aws_proxy",
                    "httpMethod" => "POST",
                    "payloadFormatVersion" => "2.0",
                    "uri" => uri.clone(),
                },
            );
            if path.text == DEFAULT_PATH && method.text == ANY_METHOD {
                members.insert("isDefaultRoute", true);
            }
            members.entry("responses", || Dict::python().into());
            if let Some(condition) = condition {
                *definition = if_only(condition, definition.clone());
            }
            Ok(())
        })
    }

    pub(crate) fn add_path_parameters(
        &mut self,
        path: &str,
        method: &Text,
        names: &[&str],
    ) -> Result<(), Fault> {
        self.paths().each_definition(path, method, false, &mut |definition| {
            let parameters = definition.entry("parameters", || Node::List(Vec::new()));
            let Node::List(parameters) = parameters else { return Ok(()) };
            for name in names {
                let existing = parameters.iter_mut().find(|one| one.at("name").is(name));
                if let Some(Node::Map(existing)) = existing {
                    existing.insert("in", "path");
                    existing.insert("required", true);
                } else {
                    parameters
                        .push(python! { "name" => *name, "in" => "path", "required" => true });
                }
            }
            Ok(())
        })
    }

    pub(crate) fn set_payload_version(
        &mut self,
        path: &str,
        method: &Text,
        version: &Node,
    ) -> Result<(), Fault> {
        self.paths().each_definition(path, method, false, &mut |definition| {
            if let Some(Node::Map(integration)) = definition.get_mut(INTEGRATION) {
                integration.insert("payloadFormatVersion", version.clone());
            }
            Ok(())
        })
    }

    pub(crate) fn add_security_scheme(&mut self, name: &Text, scheme: Node) {
        if let Node::Map(schemes) = &mut self.security_schemes {
            schemes.insert(name, scheme);
        }
    }

    pub(crate) fn set_default_authorizer(
        &mut self,
        path: &str,
        default: &Text,
        scopes: &Node,
    ) -> Result<(), Fault> {
        self.paths().each_item(path, &mut |item| {
            for method in item.keys() {
                let name = normalized(&method).text;
                if name == "parameters" || name == "options" {
                    continue;
                }
                if !item.contains(&name) {
                    return Err(Fault::structure(format!(
                        "Could not find {name} in {path} within DefinitionBody."
                    )));
                }
                let Some(node) = item.get_mut(&method.text) else { continue };
                each_conditional(node, &mut |definition| {
                    let definition =
                        definition.as_map_mut().ok_or_else(|| wrong_method(path, &method.text))?;
                    if definition.at(INTEGRATION).truthy() && !definition.at("security").truthy() {
                        let requirement = dict! { default => scopes.clone() };
                        definition.insert("security", list![requirement]);
                    }
                    Ok(())
                })?;
            }
            Ok(())
        })
    }

    pub(crate) fn add_auth_to_method(
        &mut self,
        path: &str,
        method: &Text,
        auth: &Node,
        authorizers: &Node,
    ) -> Result<(), Fault> {
        let Some(name) = auth.at("Authorizer").as_text() else { return Ok(()) };
        self.paths().each_definition(path, method, false, &mut |definition| {
            let mut scopes = list![];
            if name.text != "NONE" && name.text != "AWS_IAM" {
                let authorizer = authorizers.at(&name.text);
                if !authorizer.is_null() && !authorizer.is_map() {
                    return Err(Fault::structure(format!(
                        "Type of authorizer '{}' must be a dictionary",
                        name.text
                    )));
                }
                let own = auth.at("AuthorizationScopes");
                let wanted = if own.truthy() { own } else { authorizer.at("AuthorizationScopes") };
                if authorizer.truthy() && wanted.truthy() {
                    scopes = wanted.clone();
                }
            }
            let mut security = match definition.get("security") {
                None => Vec::new(),
                Some(Node::List(items)) => items.clone(),
                Some(_) => return Err(wrong_security(path, &method.text)),
            };
            security.push(dict! { name => scopes });
            definition.insert("security", security);
            Ok(())
        })
    }

    pub(crate) fn add_tags(&mut self, tags: &Dict) -> Result<(), Fault> {
        for (name, value) in tags.iter() {
            let (printed, kind) = (python::str(&self.tags), self.tags.type_name());
            let Node::List(all) = &mut self.tags else {
                return Err(Fault::structure(format!(
                    "Tags in OpenApi DefinitionBody needs to be a list. {printed} is a {kind} \
                     not a list."
                )));
            };
            match all.iter_mut().find(|one| one.at("name").is(name)) {
                Some(Node::Map(existing)) => existing.insert(TAG_VALUE, value.clone()),
                _ => all.push(python! { "name" => name, TAG_VALUE => value.clone() }),
            }
        }
        Ok(())
    }

    pub(crate) fn set_endpoint(&mut self, disable: &Node) -> Result<(), Fault> {
        let mut servers = match self.doc.get("servers") {
            Some(Node::List(servers)) => servers.clone(),
            _ => vec![Dict::python().into()],
        };
        for config in &mut servers {
            let Node::Map(config) = config else {
                return Err(Fault::structure(
                    "Value of 'servers' item must be a dictionary according to Swagger spec.",
                ));
            };
            let endpoint = config.entry(ENDPOINT, || Dict::default().into());
            if let Node::Map(endpoint) = endpoint {
                endpoint.insert("disableExecuteApiEndpoint", disable.clone());
            }
        }
        self.doc.insert("servers", servers);
        Ok(())
    }

    /// `cors` is the property as a mapping; an intrinsic function stands under AllowOrigins.
    pub(crate) fn add_cors(&mut self, cors: &Dict) -> Result<(), Fault> {
        let mut result = match self.doc.get(CORS) {
            None => Dict::default(),
            Some(Node::Map(existing)) => existing.clone(),
            Some(_) => {
                return Err(Fault::structure(format!(
                    "Value of '{CORS}' must be a dictionary according to Swagger spec."
                )));
            }
        };
        let origins = cors.at("AllowOrigins");
        if is_intrinsic(origins) {
            if let Node::Map(renamed) = renamed(origins) {
                result.update(&renamed);
            }
        } else {
            for (key, name) in [
                ("AllowOrigins", "allowOrigins"),
                ("AllowHeaders", "allowHeaders"),
                ("AllowMethods", "allowMethods"),
                ("ExposeHeaders", "exposeHeaders"),
            ] {
                if cors.at(key).truthy() {
                    result.insert(name, cors.at(key).clone());
                }
            }
            result.insert_some("maxAge", cors.at("MaxAge"));
            if *cors.at("AllowCredentials") == Node::Bool(true) {
                result.insert("allowCredentials", true);
            }
        }
        self.doc.insert(CORS, result);
        Ok(())
    }

    pub(crate) fn set_info(&mut self, key: &str, value: &Node) {
        if let Node::Map(info) = &mut self.info {
            info.insert(key, value.clone());
        }
    }
}

/// `AllowOrigins` → `allowOrigins`, wherever the words stand (AWS replaces them in the JSON text).
fn renamed(node: &Node) -> Node {
    let rename = |text: &str| {
        ["Origins", "Headers", "Methods", "Credentials"]
            .iter()
            .fold(text.to_owned(), |text, word| {
                text.replace(&format!("Allow{word}"), &format!("allow{word}"))
            })
            .replace("ExposeHeaders", "exposeHeaders")
            .replace("MaxAge", "maxAge")
    };
    match node {
        Node::Text(text) => rename(&text.text).into(),
        Node::List(items) => Node::List(items.iter().map(renamed).collect()),
        Node::Map(dict) => {
            let mut result = Dict::default();
            for (key, value) in dict.iter() {
                result.insert(rename(key), renamed(value));
            }
            result.into()
        }
        other => other.clone(),
    }
}

/// The resource before the first `.Arn` of a string.
fn attribute_owner(text: &str) -> Option<&str> {
    let before = text.get(..text.find(".Arn")?)?;
    let start = before.rfind(|c: char| !c.is_ascii_alphanumeric()).map_or(0, |at| at + 1);
    before.get(start..).filter(|name| !name.is_empty())
}
