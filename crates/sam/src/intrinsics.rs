//! Intrinsic functions: building them, recognising them, and resolving those that the transform
//! resolves itself (parameters, mappings, ids of generated resources).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

use crate::fault::Fault;
use crate::node::{Dict, Node, Text, dict, list};
use crate::python;

pub(crate) fn reference(id: impl Into<Text>) -> Node {
    dict! { "Ref" => id.into() }
}

pub(crate) fn get_att(id: impl Into<Text>, attribute: &str) -> Node {
    dict! { "Fn::GetAtt" => list![id.into(), attribute] }
}

pub(crate) fn sub(text: impl Into<Text>) -> Node {
    dict! { "Fn::Sub" => text.into() }
}

pub(crate) fn sub_with(text: impl Into<Text>, values: Node) -> Node {
    dict! { "Fn::Sub" => list![text.into(), values] }
}

pub(crate) fn no_value() -> Node {
    reference("AWS::NoValue")
}

pub(crate) fn if_else(condition: &Node, yes: Node, no: Node) -> Node {
    dict! { "Fn::If" => list![condition, yes, no] }
}

pub(crate) fn if_only(condition: &Node, yes: Node) -> Node {
    if_else(condition, yes, no_value())
}

/// `{"Fn::Or": [{"Condition": name}, …]}`
pub(crate) fn any_of(names: &[Node]) -> Node {
    let conditions: Vec<Node> = names.iter().map(|name| dict! { "Condition" => name }).collect();
    dict! { "Fn::Or" => conditions }
}

pub(crate) fn not(name: &Node) -> Node {
    dict! { "Fn::Not" => list![dict! { "Condition" => name }] }
}

/// An ARN with the region and account of the stack.
pub(crate) fn arn(partition: &str, service: &str, resource: &str) -> String {
    format!("arn:{partition}:{service}:${{AWS::Region}}:${{AWS::AccountId}}:{resource}")
}

/// Conditions joined by `Fn::Or`, ten at most in each, the rest in conditions of their own.
pub(crate) fn combined(names: &[Node], name: &str) -> Vec<(String, Node)> {
    const MOST: usize = 10;
    let mut left = names.to_vec();
    let mut result = Vec::new();
    let mut number = left.len().saturating_sub(2) / (MOST - 1);
    while left.len() > 1 {
        let new = if number > 0 { format!("{name}{number}") } else { name.to_owned() };
        number = number.saturating_sub(1);
        let rest = left.split_off(MOST.min(left.len()));
        result.push((new.clone(), any_of(&left)));
        left = rest;
        left.push(new.into());
    }
    result
}

/// A mapping with one key that names a function.
pub(crate) fn is_intrinsic(node: &Node) -> bool {
    node.as_map()
        .and_then(Dict::single)
        .is_some_and(|(key, _)| key == "Ref" || key == "Condition" || key.starts_with("Fn::"))
}

pub(crate) fn is_if(node: &Node) -> bool {
    node.as_map().and_then(Dict::single).is_some_and(|(key, _)| key == "Fn::If")
}

pub(crate) fn is_no_value(node: &Node) -> bool {
    is_intrinsic(node) && node.at("Ref").is("AWS::NoValue")
}

/// The three arguments of an `Fn::If`.
pub(crate) fn if_items(node: &Node) -> Option<[&Node; 3]> {
    match node.at("Fn::If").as_list() {
        Some([condition, yes, no]) => Some([condition, yes, no]),
        _ => None,
    }
}

pub(crate) const WRONG_IF: &str = "Fn::If requires 3 arguments";

/// The logical id that a `Ref` or `Fn::GetAtt` names.
pub(crate) fn logical_id(node: &Node) -> Option<&str> {
    if !is_intrinsic(node) {
        return None;
    }
    if let Some(id) = node.at("Ref").as_str() {
        return Some(id);
    }
    match node.at("Fn::GetAtt") {
        Node::List(items) if items.len() == 2 => items.first().and_then(Node::as_str),
        Node::Text(text) => match text.text.split('.').collect::<Vec<_>>().as_slice() {
            [id, _] => text.text.get(..id.len()),
            _ => None,
        },
        _ => None,
    }
}

/// Resolves what refers to parameters, in place.
pub(crate) fn resolve_parameters(node: &mut Node, parameters: &Dict) -> Result<(), Fault> {
    if let Some((key, argument)) = node.as_map().and_then(Dict::single) {
        match (key, argument) {
            ("Ref", Node::Text(name)) => {
                if let Some(value) = parameter(parameters, &name.text) {
                    *node = value.clone();
                }
            }
            ("Fn::Sub", _) => {
                substitute(node, &|whole, name| match parameter(parameters, name) {
                    None => Ok(whole.to_owned()),
                    Some(Node::Text(text)) => Ok(text.text.clone()),
                    Some(other) => Err(Fault::structure(format!(
                        "Invalid Fn::Sub variable value {}. Fn::Sub expects all variables to be \
                         strings.",
                        python::str(other)
                    ))),
                })?;
            }
            _ => {}
        }
    }
    for_each_child(node, &mut |child| resolve_parameters(child, parameters))
}

/// A copy with its parameters resolved.
pub(crate) fn resolved(node: &Node, parameters: &Dict) -> Result<Node, Fault> {
    let mut copy = node.clone();
    resolve_parameters(&mut copy, parameters)?;
    Ok(copy)
}

fn parameter<'p>(parameters: &'p Dict, name: &str) -> Option<&'p Node> {
    // CloudFormation hands an unresolved value over in this form.
    let unresolved = |text: &str| text.starts_with("{{IntrinsicFunction:");
    parameters.get(name).filter(|value| !value.as_str().is_some_and(unresolved))
}

fn for_each_child(
    node: &mut Node,
    visit: &mut dyn FnMut(&mut Node) -> Result<(), Fault>,
) -> Result<(), Fault> {
    match node {
        Node::List(items) => items.iter_mut().try_for_each(visit),
        Node::Map(dict) => dict.values_mut().try_for_each(visit),
        _ => Ok(()),
    }
}

static VARIABLE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\$\{([A-Za-z0-9.]+|AWS::[A-Z][A-Za-z]*)\}").ok());

type Replace<'r> = &'r dyn Fn(&str, &str) -> Result<String, Fault>;

/// Replaces the variables of an `Fn::Sub`, in place.
fn substitute(node: &mut Node, replace: Replace<'_>) -> Result<(), Fault> {
    let Some(argument) = node.as_map_mut().and_then(|dict| dict.get_mut("Fn::Sub")) else {
        return Ok(());
    };
    let text = match argument {
        Node::Text(text) => text,
        Node::List(items) => match items.first_mut() {
            Some(Node::Text(text)) => text,
            _ => return Ok(()),
        },
        _ => return Ok(()),
    };
    let Some(variable) = VARIABLE.as_ref() else { return Ok(()) };
    let mut result = String::new();
    let mut done = 0;
    for captures in variable.captures_iter(&text.text) {
        let (Some(whole), Some(name)) = (captures.get(0), captures.get(1)) else { continue };
        result.push_str(text.text.get(done..whole.start()).unwrap_or_default());
        result.push_str(&replace(whole.as_str(), name.as_str())?);
        done = whole.end();
    }
    result.push_str(text.text.get(done..).unwrap_or_default());
    text.text = result;
    Ok(())
}

/// Resolves `Fn::FindInMap`, in place.
pub(crate) fn resolve_mappings(node: &mut Node, mappings: &Dict) -> Result<(), Fault> {
    if mappings.is_empty() {
        return Ok(());
    }
    if let Some(found) = find_in_map(node, mappings)? {
        *node = found;
    }
    for_each_child(node, &mut |child| resolve_mappings(child, mappings))
}

fn find_in_map(node: &Node, mappings: &Dict) -> Result<Option<Node>, Fault> {
    let Some(("Fn::FindInMap", argument)) = node.as_map().and_then(Dict::single) else {
        return Ok(None);
    };
    let Some([map, top, second]) = argument.as_list() else {
        return Err(Fault::structure(format!(
            "Invalid FindInMap value {}. FindInMap expects an array with 3 values.",
            python::str(argument)
        )));
    };
    let (Some(map), Some(top), Some(second)) = (map.as_str(), top.as_str(), second.as_str()) else {
        return Ok(None);
    };
    let flat = || {
        Fault::structure(format!(
            "Cannot use Fn::FindInMap on Mapping '{map}' which is not a a two-level map."
        ))
    };
    let Some(level) = mappings.get(map) else { return Ok(None) };
    let Some(level) = level.as_map().ok_or_else(flat)?.get(top) else { return Ok(None) };
    Ok(level.as_map().ok_or_else(flat)?.get(second).cloned())
}

/// What authors may name of the resources that a SAM resource becomes: (id, property) → id.
pub(crate) type GeneratedIds = BTreeMap<(String, String), String>;

/// Resolves `!Ref MyFunction.Version` and its like, in place.
pub(crate) fn resolve_generated(node: &mut Node, ids: &GeneratedIds) -> Result<(), Fault> {
    let get = |id: &str, property: &str| ids.get(&(id.to_owned(), property.to_owned()));
    if let Some((key, argument)) = node.as_map().and_then(Dict::single) {
        match (key, argument) {
            ("Ref", Node::Text(text)) => {
                let found = text.text.split_once('.').and_then(|(id, name)| get(id, name));
                if let Some(found) = found {
                    *node = reference(found.as_str());
                }
            }
            ("Fn::Sub", _) => substitute(node, &|whole, name| {
                let mut parts = name.split('.');
                let (Some(id), Some(property)) = (parts.next(), parts.next()) else {
                    return Ok(whole.to_owned());
                };
                Ok(get(id, property).map_or_else(
                    || whole.to_owned(),
                    |found| whole.replace(&format!("{id}.{property}"), found),
                ))
            })?,
            ("Fn::GetAtt", Node::List(items)) => {
                if let Some(path) = attribute_path(items)
                    && let [id, property, rest @ ..] = path.as_slice()
                    && let Some(found) = get(id, property)
                {
                    *node = joined_path(found, rest);
                }
            }
            _ => {}
        }
    }
    for_each_child(node, &mut |child| resolve_generated(child, ids))
}

/// Resolves ids of resources whose own logical id changed (layers), in place.
pub(crate) fn resolve_renamed(
    node: &mut Node,
    ids: &BTreeMap<String, String>,
) -> Result<(), Fault> {
    if let Some((key, argument)) = node.as_map().and_then(Dict::single) {
        match (key, argument) {
            ("Ref", Node::Text(text)) => {
                if let Some(found) = ids.get(&text.text) {
                    *node = reference(found.as_str());
                }
            }
            ("Fn::Sub", _) => substitute(node, &|whole, name| {
                let id = name.split('.').next().unwrap_or_default();
                Ok(ids.get(id).map_or_else(|| whole.to_owned(), |new| whole.replace(id, new)))
            })?,
            ("Fn::GetAtt", Node::List(items)) => {
                if let Some(path) = attribute_path(items)
                    && let [id, rest @ ..] = path.as_slice()
                    && let Some(found) = ids.get(id)
                {
                    *node = joined_path(found, rest);
                }
            }
            _ => {}
        }
    }
    for_each_child(node, &mut |child| resolve_renamed(child, ids))
}

fn attribute_path(items: &[Node]) -> Option<Vec<String>> {
    if items.len() < 2 {
        return None;
    }
    let texts: Option<Vec<_>> = items.iter().map(Node::as_str).collect();
    Some(texts?.join(".").split('.').map(str::to_owned).collect())
}

fn joined_path(first: &str, rest: &[String]) -> Node {
    let items: Vec<Node> =
        std::iter::once(first.into()).chain(rest.iter().map(|part| part.as_str().into())).collect();
    dict! { "Fn::GetAtt" => items }
}
