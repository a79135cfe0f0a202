//! The `Policies` property: managed policies, statements, and SAM's policy templates.

use std::sync::LazyLock;

use crate::fault::Fault;
use crate::intrinsics::{WRONG_IF, if_items, is_if, is_intrinsic, is_no_value, sub, sub_with};
use crate::node::{Dict, Node, dict};
use crate::python;

/// What one entry of `Policies` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Managed,
    Statement,
    Template,
    Unknown,
}

/// The entries, as a list whatever form the property has.
pub(crate) fn entries(policies: &Node) -> Vec<Node> {
    match policies {
        other if !other.truthy() => Vec::new(),
        Node::List(items) => items.clone(),
        one => vec![one.clone()],
    }
}

/// What an entry is. Both branches of an `Fn::If` must be of one kind.
pub(crate) fn kind(entry: &Node, with_templates: bool) -> Result<Kind, Fault> {
    if entry.as_str().is_some() {
        return Ok(Kind::Managed);
    }
    if is_if(entry) {
        let Some([_, yes, no]) = if_items(entry) else {
            return Err(Fault::Template(WRONG_IF.to_owned()));
        };
        let (one, other) = (kind(yes, with_templates)?, kind(no, with_templates)?);
        return match () {
            () if one == other || is_no_value(no) => Ok(one),
            () if is_no_value(yes) => Ok(other),
            () => Err(Fault::Template(
                "Different policy types within the same Fn::If statement is unsupported. Separate \
                 different policy types into different Fn::If statements"
                    .to_owned(),
            )),
        };
    }
    if is_intrinsic(entry) {
        return Ok(Kind::Managed);
    }
    let Some(entry) = entry.as_map() else { return Ok(Kind::Unknown) };
    if entry.contains("Statement") {
        return Ok(Kind::Statement);
    }
    match entry.single() {
        Some((name, _)) if with_templates && TEMPLATES.contains_key(name) => Ok(Kind::Template),
        _ => Ok(Kind::Unknown),
    }
}

/// Replaces policy templates by the statements they stand for.
pub(crate) fn expand_templates(id: &str, properties: &mut Dict) -> Result<(), Fault> {
    let mut result = Vec::new();
    for entry in entries(properties.at("Policies")) {
        if kind(&entry, true)? != Kind::Template {
            result.push(entry);
        } else if let Some([condition, yes, no]) = if_items(&entry) {
            let branch = |node: &Node| {
                if is_no_value(node) { Ok(node.clone()) } else { expand(id, node) }
            };
            let branches = vec![condition.clone(), branch(yes)?, branch(no)?];
            result.push(dict! { "Fn::If" => branches });
        } else {
            result.push(expand(id, &entry)?);
        }
    }
    if !result.is_empty() {
        properties.insert("Policies", result);
    }
    Ok(())
}

static TEMPLATES: LazyLock<toml::Table> =
    LazyLock::new(|| include_str!("templates.toml").parse().unwrap_or_default());

/// One template with the author's values.
fn expand(id: &str, entry: &Node) -> Result<Node, Fault> {
    let Some((name, values)) = entry.as_map().and_then(Dict::single) else {
        return Ok(entry.clone());
    };
    let Some(template) = TEMPLATES.get(name) else { return Ok(entry.clone()) };
    let Some(values) = values.as_map() else {
        return Err(Fault::resource(
            id,
            format!("Must specify valid parameter values for policy template '{name}'"),
        ));
    };
    let strings = |value: Option<&toml::Value>| -> Vec<String> {
        let items = value.and_then(toml::Value::as_array).into_iter().flatten();
        items.filter_map(toml::Value::as_str).map(str::to_owned).collect()
    };
    let parameters = strings(template.get("parameters"));
    let missing: Vec<Node> = parameters
        .iter()
        .filter(|parameter| !values.contains(parameter))
        .map(|parameter| parameter.as_str().into())
        .collect();
    if !missing.is_empty() {
        return Err(Fault::resource(
            id,
            format!(
                "Following required parameters of template '{name}' don't have values: {}",
                python::repr(&missing.into())
            ),
        ));
    }
    let text = |text: &str| substituted(text, &parameters, values);
    let texts = |value: Option<&toml::Value>, read: &dyn Fn(&str) -> Node| match value {
        Some(toml::Value::String(one)) => read(one),
        other => strings(other).iter().map(|one| read(one)).collect::<Vec<_>>().into(),
    };
    let statements = template.get("statements").and_then(toml::Value::as_array);
    let statements: Vec<Node> = statements
        .into_iter()
        .flatten()
        .map(|statement| {
            let mut result = Dict::default();
            result.insert("Effect", "Allow");
            result.insert("Action", texts(statement.get("action"), &|one| one.into()));
            result.insert("Resource", texts(statement.get("resource"), &text));
            if let [operator, key, value] = strings(statement.get("condition")).as_slice() {
                let condition = dict! { key.as_str() => text(value) };
                result.insert("Condition", dict! { operator.as_str() => condition });
            }
            result.into()
        })
        .collect();
    Ok(dict! { "Statement" => statements })
}

/// A resource pattern as `Fn::Sub` with the parameters' values.
fn substituted(text: &str, parameters: &[String], values: &Dict) -> Node {
    let mut variables = Dict::default();
    for piece in text.split("${").skip(1) {
        let name = piece.split('}').next().unwrap_or_default();
        let parameter = parameters.iter().find(|one| one.eq_ignore_ascii_case(name));
        if let Some(value) = parameter.and_then(|parameter| values.get(parameter)) {
            variables.insert(name, value.clone());
        }
    }
    match (text.contains("${"), variables.is_empty()) {
        (false, _) => text.into(),
        (true, true) => sub(text),
        (true, false) => sub_with(text, variables.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_reads() {
        assert_eq!(TEMPLATES.len(), 81);
        for (name, template) in TEMPLATES.iter() {
            let mut values = Dict::default();
            for parameter in template["parameters"].as_array().unwrap() {
                values.insert(parameter.as_str().unwrap(), "value");
            }
            let expanded = expand("F", &dict! { name.as_str() => values }).unwrap();
            let statements = expanded.at("Statement").as_list().unwrap();
            assert!(!statements.is_empty(), "{name}");
            for statement in statements {
                assert!(statement.at("Action").truthy(), "{name}");
                assert!(statement.at("Resource").truthy(), "{name}");
                // Every variable is a parameter or one of CloudFormation's own.
                let printed = python::repr(statement.at("Resource"));
                for piece in printed.split("${").skip(1) {
                    let variable = piece.split('}').next().unwrap();
                    let known = variable.starts_with("AWS::")
                        || printed.contains(&format!("'{variable}': 'value'"));
                    assert!(known, "{name}: {variable}");
                }
            }
        }
    }
}
