//! Who may call the methods of a REST API: authorizers and API keys in `security`.

use super::authorizer::Authorizers;
use super::paths::{INTEGRATION, each_conditional, normalized, wrong_method, wrong_security};
use super::rest::RestEditor;
use crate::fault::Fault;
use crate::node::{Dict, Node, Text, list, python};
use crate::python;

/// Members of a path item that are no methods.
const NO_METHODS: [&str; 3] = ["summary", "description", "parameters"];

const API_KEY: &str = "api_key";
/// Marks a method for which the API's default is off.
const API_KEY_FALSE: &str = "api_key_false";

fn names_any(requirement: &Dict, names: &[&str]) -> bool {
    names.iter().any(|name| requirement.contains(name))
}

/// A security requirement: one name and its scopes.
fn requirement(name: &Text, scopes: Node) -> Node {
    let mut dict = Dict::python();
    dict.insert(name, scopes);
    dict.into()
}

fn existing(definition: &Dict, path: &str, method: &str) -> Result<Vec<Node>, Fault> {
    match definition.get("security") {
        None => Ok(Vec::new()),
        Some(Node::List(items)) => Ok(items.clone()),
        Some(_) => Err(wrong_security(path, method)),
    }
}

/// Splits requirements into those that name one of `names` and the others: (others, named).
fn split(
    security: &[Node],
    names: &[&str],
    path: &str,
    method: &str,
) -> Result<(Vec<Node>, Vec<Node>), Fault> {
    let mut others = Vec::new();
    let mut named = Vec::new();
    for one in security {
        let Some(requirement) = one.as_map() else {
            return Err(Fault::structure(format!(
                "{} in Security for path {path} method {method} is not a valid dictionary.",
                python::str(one)
            )));
        };
        if names_any(requirement, names) { &mut named } else { &mut others }.push(one.clone());
    }
    Ok((others, named))
}

impl RestEditor {
    /// Visits every method of a path that has an integration.
    fn each_method(
        &mut self,
        path: &str,
        visit: &mut dyn FnMut(&str, &mut Dict) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.paths().each_item(path, &mut |item| {
            for method in item.keys() {
                if NO_METHODS.contains(&method.text.as_str()) {
                    continue;
                }
                let Some(node) = item.get_mut(&method.text) else { continue };
                each_conditional(node, &mut |definition| {
                    let definition =
                        definition.as_map_mut().ok_or_else(|| wrong_method(path, &method.text))?;
                    if !definition.at(INTEGRATION).truthy() {
                        return Ok(());
                    }
                    visit(&normalized(&method).text, definition)
                })?;
            }
            Ok(())
        })
    }

    pub(crate) fn set_default_authorizer(
        &mut self,
        path: &str,
        default: &Text,
        authorizers: &Authorizers,
        on_preflight: bool,
    ) -> Result<(), Fault> {
        let mut names: Vec<&str> = vec!["AWS_IAM"];
        names.extend(authorizers.list.iter().map(|one| one.name.text.as_str()));
        let scopes = authorizers.scopes(&default.text);
        let mut iam = false;
        self.each_method(path, &mut |method, definition| {
            if !on_preflight && method == "options" {
                return Ok(());
            }
            let security = existing(definition, path, method)?;
            let (mut others, named) = split(&security, &names, path, method)?;
            let none =
                others.iter().position(|one| one.as_map().is_some_and(|d| d.contains("NONE")));
            if let Some(none) = none {
                others.remove(none);
            } else if named.is_empty() {
                others.push(requirement(default, scopes.clone()));
            } else {
                others.extend(named);
            }
            if !others.is_empty() {
                iam |= starts_with_iam(&others);
                definition.insert("security", others);
            }
            Ok(())
        })?;
        if iam { self.add_iam_definition() } else { Ok(()) }
    }

    pub(crate) fn set_default_api_key(
        &mut self,
        path: &str,
        on_preflight: bool,
    ) -> Result<(), Fault> {
        self.each_method(path, &mut |method, definition| {
            let security = existing(definition, path, method)?;
            let names = [API_KEY, API_KEY_FALSE];
            let (others, named) = split(&security, &names, path, method)?;
            let off =
                named.iter().any(|one| one.as_map().is_some_and(|d| d.contains(API_KEY_FALSE)));
            let mut result = others;
            if !off && (on_preflight || method != "options") {
                result.push(requirement(&API_KEY.into(), list![]));
            }
            if result != security {
                definition.insert("security", result);
            }
            Ok(())
        })
    }

    /// The method's own `Auth`: its authorizer and whether it wants an API key.
    pub(crate) fn add_auth_to_method(
        &mut self,
        path: &str,
        method: &Text,
        auth: &Node,
        authorizers: &Node,
    ) -> Result<(), Fault> {
        if let Some(name) = auth.at("Authorizer").as_text().filter(|name| !name.text.is_empty()) {
            let scopes = auth.at("AuthorizationScopes");
            self.set_method_authorizer(path, method, name, authorizers, scopes)?;
        }
        match auth.at("ApiKeyRequired") {
            Node::Null => Ok(()),
            wanted => self.set_method_api_key(path, method, wanted.truthy()),
        }
    }

    fn set_method_authorizer(
        &mut self,
        path: &str,
        method: &Text,
        name: &Text,
        authorizers: &Node,
        own_scopes: &Node,
    ) -> Result<(), Fault> {
        let mut iam = false;
        self.paths().each_definition(path, method, false, &mut |definition| {
            let mut security = existing(definition, path, &method.text)?;
            let mut scopes = list![];
            if name.text != "NONE" && authorizers.truthy() {
                let authorizer = authorizers.at(&name.text);
                let wrong = || {
                    Fault::structure(format!(
                        "Type of authorizer '{}' must be a dictionary",
                        name.text
                    ))
                };
                let given = authorizers.as_map().is_some_and(|all| all.contains(&name.text));
                if given && !authorizer.is_map() {
                    return Err(wrong());
                }
                let wanted = own_scopes.some().unwrap_or(authorizer.at("AuthorizationScopes"));
                if given && !wanted.is_null() {
                    scopes = wanted.clone();
                }
            }
            security.push(requirement(name, scopes));
            iam |= starts_with_iam(&security);
            definition.insert("security", security);
            Ok(())
        })?;
        if iam { self.add_iam_definition() } else { Ok(()) }
    }

    fn set_method_api_key(&mut self, path: &str, method: &Text, wanted: bool) -> Result<(), Fault> {
        let name = if wanted { API_KEY } else { API_KEY_FALSE };
        let mut found = false;
        self.paths().each_definition(path, method, false, &mut |definition| {
            found = true;
            let mut security = existing(definition, path, &method.text)?;
            security.push(requirement(&name.into(), list![]));
            definition.insert("security", security);
            Ok(())
        })?;
        if wanted && found { self.add_api_key_definition() } else { Ok(()) }
    }

    fn add_iam_definition(&mut self) -> Result<(), Fault> {
        self.add_definition(
            "AWS_IAM",
            python! {
                "x-amazon-apigateway-authtype" => "awsSigv4",
                "type" => "apiKey",
                "name" => "Authorization",
                "in" => "header",
            },
        )
    }

    pub(crate) fn add_api_key_definition(&mut self) -> Result<(), Fault> {
        self.add_definition(
            API_KEY,
            python! {
                "type" => "apiKey",
                "name" => "x-api-key",
                "in" => "header",
            },
        )
    }

    fn add_definition(&mut self, name: &str, definition: Node) -> Result<(), Fault> {
        let all = self.security_map()?;
        if !all.contains(name) {
            let mut one = Dict::python();
            one.insert(name, definition);
            all.update(&one);
        }
        Ok(())
    }
}

fn starts_with_iam(security: &[Node]) -> bool {
    security.first().and_then(Node::as_map).is_some_and(|first| first.contains("AWS_IAM"))
}
