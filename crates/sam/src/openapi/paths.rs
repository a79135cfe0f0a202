//! What is common to all editors: the walk over paths and methods, either of which may stand
//! under an `Fn::If`.

use std::sync::LazyLock;

use regex::Regex;

use crate::fault::Fault;
use crate::intrinsics::{if_only, is_no_value};
use crate::node::{Dict, Node, Text};
use crate::python;

pub(crate) const INTEGRATION: &str = "x-amazon-apigateway-integration";
pub(crate) const ANY_METHOD: &str = "x-amazon-apigateway-any-method";

type Visit<'v, T> = &'v mut dyn FnMut(&mut T) -> Result<(), Fault>;

/// Whether a version is one of OpenAPI 3.
pub(crate) fn is_version_3(version: &Node) -> bool {
    matches_version(version, &['3'])
}

/// `3`, `3.0`, `3.0.1`: one of the majors, then up to two dots with one digit each.
pub(crate) fn matches_version(version: &Node, majors: &[char]) -> bool {
    let text = python::str(version);
    // Python's `$` matches before a final newline too.
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let mut characters = text.chars();
    let major = characters.next().is_some_and(|first| majors.contains(&first));
    let rest: Vec<char> = characters.collect();
    let parts = rest.chunks(2).all(|part| matches!(part, ['.', digit] if digit.is_ascii_digit()));
    major && parts && (2..=4).contains(&rest.len())
}

/// The method's name as definitions write it.
pub(crate) fn normalized(method: &Text) -> Text {
    let lower = method.text.to_lowercase();
    if lower == "any" { ANY_METHOD.into() } else { Text { text: lower, unicode: method.unicode } }
}

/// The alternatives that an `Fn::If` leaves, or the value itself.
pub(crate) fn conditional(node: &Node) -> Result<Vec<&Node>, Fault> {
    match node.as_map().and_then(|dict| dict.get("Fn::If")) {
        None => Ok(vec![node]),
        Some(Node::List(items)) => {
            Ok(items.iter().skip(1).filter(|item| !is_no_value(item)).collect())
        }
        Some(_) => Err(wrong_if()),
    }
}

/// Visits each alternative that an `Fn::If` leaves, or the value itself.
pub(crate) fn each_conditional(node: &mut Node, visit: Visit<'_, Node>) -> Result<(), Fault> {
    if !node.as_map().is_some_and(|dict| dict.contains("Fn::If")) {
        return visit(node);
    }
    let items = node.as_map_mut().and_then(|dict| dict.get_mut("Fn::If"));
    let Some(items) = items.and_then(Node::as_list_mut) else { return Err(wrong_if()) };
    items.iter_mut().skip(1).filter(|item| !is_no_value(item)).try_for_each(visit)
}

fn wrong_if() -> Fault {
    Fault::structure("Value of Fn::If must be a list.")
}

pub(crate) fn wrong_path(path: &str) -> Fault {
    Fault::structure(format!(
        "Value of '{path}' path must be a dictionary according to Swagger spec."
    ))
}

pub(crate) fn wrong_method(path: &str, method: &str) -> Fault {
    Fault::structure(format!("Definition of method '{method}' for path '{path}' should be a map."))
}

pub(crate) fn wrong_security(path: &str, method: &str) -> Fault {
    Fault::structure(format!("Type of security for path {path} method {method} must be a list"))
}

/// The `paths` of a definition.
#[derive(Debug)]
pub(crate) struct Paths<'d>(pub(crate) &'d mut Dict);

impl Paths<'_> {
    /// Visits the path's items.
    pub(crate) fn each_item(&mut self, path: &str, visit: Visit<'_, Dict>) -> Result<(), Fault> {
        let Some(node) = self.0.get_mut(path) else { return Err(wrong_path(path)) };
        each_conditional(node, &mut |item| {
            visit(item.as_map_mut().ok_or_else(|| wrong_path(path))?)
        })
    }

    /// Visits the definitions of one method that have an integration (or all of them).
    pub(crate) fn each_definition(
        &mut self,
        path: &str,
        method: &Text,
        all: bool,
        visit: Visit<'_, Dict>,
    ) -> Result<(), Fault> {
        let name = normalized(method);
        self.each_item(path, &mut |item| {
            let wrong = || wrong_method(path, &method.text);
            let Some(node) = item.get_mut(&name.text) else { return Err(wrong()) };
            each_conditional(node, &mut |definition| {
                let definition = definition.as_map_mut().ok_or_else(wrong)?;
                if all || definition.at(INTEGRATION).truthy() { visit(definition) } else { Ok(()) }
            })
        })
    }

    /// Whether the path has this method in every alternative.
    pub(crate) fn has(&self, path: &str, method: &str) -> Result<bool, Fault> {
        let Some(node) = self.0.get(path) else { return Ok(false) };
        Ok(conditional(node)?
            .into_iter()
            .all(|item| item.as_map().is_some_and(|item| item.contains(method))))
    }

    /// Whether every alternative of the path has an integration for this method.
    pub(crate) fn has_integration(&self, path: &str, method: &Text) -> Result<bool, Fault> {
        let method = normalized(method).text;
        if !self.has(path, &method)? {
            return Ok(false);
        }
        for item in self.0.get(path).map(conditional).transpose()?.unwrap_or_default() {
            let item = item.as_map().ok_or_else(|| wrong_path(path))?;
            let definition = item.at(&method);
            if !definition.is_map() {
                return Ok(false);
            }
            let mut any = false;
            for definition in conditional(definition)? {
                let definition = definition.as_map().ok_or_else(|| wrong_method(path, &method))?;
                any |= definition.at(INTEGRATION).truthy();
            }
            if !any {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Makes room for a method of a path.
    pub(crate) fn add(&mut self, path: &Text, method: &Text) -> Result<(), Fault> {
        let name = normalized(method);
        let node = self.0.entry(path, || Dict::python().into());
        if !node.is_map() {
            return Err(wrong_path(&path.text));
        }
        each_conditional(node, &mut |item| {
            let item = item.as_map_mut().ok_or_else(|| wrong_path(&path.text))?;
            item.entry(&name, || Dict::python().into());
            Ok(())
        })
    }

    /// Puts a path under a condition.
    pub(crate) fn make_conditional(&mut self, path: &str, condition: &Node) {
        if let Some(node) = self.0.get_mut(path) {
            *node = if_only(condition, node.clone());
        }
    }

    pub(crate) fn set_timeout(
        &mut self,
        path: &str,
        method: &Text,
        timeout: &Node,
    ) -> Result<(), Fault> {
        self.each_definition(path, method, false, &mut |definition| {
            if let Some(Node::Map(integration)) = definition.get_mut(INTEGRATION) {
                integration.insert("timeoutInMillis", timeout.clone());
            }
            Ok(())
        })
    }
}

/// The path as it stands in an ARN: variables become `*`.
pub(crate) fn wildcard(path: &str, greedy: bool) -> String {
    static ANY: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"\{([a-zA-Z0-9._-]+|[a-zA-Z0-9._-]+\+)\}").ok());
    static PROXY: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"\{([a-zA-Z0-9._-]+|proxy\+)\}").ok());
    let pattern = if greedy { &ANY } else { &PROXY };
    pattern
        .as_ref()
        .map_or_else(|| path.to_owned(), |regex| regex.replace_all(path, "*").into_owned())
}
