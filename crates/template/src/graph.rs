//! Which resource waits for which.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::error::Error;
use crate::model::{Resource, Template};
use crate::sub::{self, Part};

/// What a value refers to by name.
#[derive(Debug, Default)]
pub(crate) struct References {
    /// Names under `Ref` and in `Fn::Sub`: parameters, pseudo parameters, resources.
    pub(crate) names: BTreeSet<String>,
    /// Resources whose attributes are read.
    pub(crate) attributes: BTreeSet<String>,
    /// Conditions named by `Fn::If`.
    pub(crate) conditions: BTreeSet<String>,
}

impl References {
    /// Collects what `value` refers to, in every branch of every condition.
    pub(crate) fn collect(&mut self, value: &Value) -> Result<(), Error> {
        match value {
            Value::Array(items) => items.iter().try_for_each(|item| self.collect(item)),
            Value::Object(map) => {
                if let (1, Some((name, argument))) = (map.len(), map.iter().next()) {
                    self.function(name, argument)?;
                }
                map.values().try_for_each(|child| self.collect(child))
            }
            _ => Ok(()),
        }
    }

    fn function(&mut self, name: &str, argument: &Value) -> Result<(), Error> {
        match (name, argument) {
            ("Ref", Value::String(name)) => {
                self.names.insert(name.clone());
            }
            ("Fn::GetAtt", Value::String(path)) => {
                let (resource, _) = path.split_once('.').unwrap_or((path, ""));
                self.attributes.insert(resource.to_owned());
            }
            ("Fn::GetAtt", Value::Array(items)) => {
                if let Some(Value::String(resource)) = items.first() {
                    self.attributes.insert(resource.clone());
                }
            }
            ("Fn::If", Value::Array(items)) => {
                if let Some(Value::String(condition)) = items.first() {
                    self.conditions.insert(condition.clone());
                }
            }
            ("Fn::Sub", Value::String(text)) => self.substitution(text, None)?,
            ("Fn::Sub", Value::Array(items)) => {
                if let (Some(Value::String(text)), map) = (items.first(), items.get(1)) {
                    self.substitution(text, map.and_then(Value::as_object))?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn substitution(&mut self, text: &str, own: Option<&Map<String, Value>>) -> Result<(), Error> {
        for part in sub::parts(text)? {
            let Part::Variable(name) = part else { continue };
            if own.is_some_and(|own| own.contains_key(name)) {
                continue;
            }
            match name.split_once('.') {
                Some((resource, _)) => self.attributes.insert(resource.to_owned()),
                None => self.names.insert(name.to_owned()),
            };
        }
        Ok(())
    }

    /// What a resource refers to: in its properties, and in its policies and metadata (an alias
    /// names in its UpdatePolicy the CodeDeploy resources that must be there first).
    fn of(resource: &Resource) -> Result<Self, Error> {
        let mut references = Self::default();
        let values = resource.properties.values().chain(resource.attributes.values());
        for value in values {
            references.collect(value)?;
        }
        Ok(references)
    }
}

/// Every name that the resources and outputs use exists.
pub(crate) fn check_references(template: &Template) -> Result<(), Error> {
    let resources: BTreeSet<_> = template.resources.iter().map(|r| r.id.as_str()).collect();
    let parameters = template.parameter_names();
    let known = |name: &String| {
        resources.contains(name.as_str())
            || parameters.contains(name.as_str())
            || name.starts_with("AWS::")
    };
    let check = |references: &References, block: &str| {
        let unknown: Vec<_> =
            references.names.iter().filter(|name| !known(name)).cloned().collect();
        if !unknown.is_empty() {
            return Err(unresolved(&unknown, block));
        }
        if let Some(name) =
            references.attributes.iter().find(|name| !resources.contains(name.as_str()))
        {
            return Err(Error::function(format!(
                "instance of Fn::GetAtt references undefined resource {name}"
            )));
        }
        if let Some(name) =
            references.conditions.iter().find(|name| !template.conditions.contains_key(*name))
        {
            return Err(undefined_condition(name, block));
        }
        Ok(())
    };
    for resource in &template.resources {
        let mut references = References::of(resource)?;
        references.names.extend(resource.depends_on.iter().cloned());
        references.conditions.extend(resource.condition.iter().cloned());
        check(&references, "Resources")?;
    }
    for output in &template.outputs {
        let mut references = References::default();
        references.collect(&output.value)?;
        output.export.iter().try_for_each(|name| references.collect(name))?;
        references.conditions.extend(output.condition.iter().cloned());
        check(&references, "Outputs")?;
    }
    Ok(())
}

pub(crate) fn unresolved(names: &[String], block: &str) -> Error {
    Error::format(format!(
        "Unresolved resource dependencies [{}] in the {block} block of the template",
        names.join(", ")
    ))
}

pub(crate) fn undefined_condition(name: &str, block: &str) -> Error {
    Error::format(format!(
        "Unresolved condition dependency {name} in the {block} block of the template"
    ))
}

/// The dependencies of a template's resources.
#[derive(Debug, Clone)]
pub struct Graph {
    /// Logical ids, in an order in which each comes after what it waits for, level by level.
    levels: Vec<Vec<String>>,
    edges: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    /// The graph of the resources named in `active` (those whose condition holds).
    ///
    /// Refused where resources wait for each other in a circle.
    pub fn new(template: &Template, active: &BTreeSet<String>) -> Result<Self, Error> {
        let mut edges = BTreeMap::new();
        for resource in template.resources.iter().filter(|one| active.contains(&one.id)) {
            let references = References::of(resource)?;
            let mut targets: BTreeSet<String> = references
                .names
                .into_iter()
                .chain(references.attributes)
                .chain(resource.depends_on.iter().cloned())
                .filter(|name| active.contains(name))
                .collect();
            if targets.remove(&resource.id) {
                return Err(circle(std::slice::from_ref(&resource.id)));
            }
            edges.insert(resource.id.clone(), targets);
        }
        let order: Vec<_> = template.resources.iter().map(|one| one.id.clone()).collect();
        let levels = levels(&edges, &order)?;
        Ok(Self { levels, edges })
    }

    /// Groups to create one after the other; the members of a group do not wait for each other.
    pub fn creation(&self) -> &[Vec<String>] {
        &self.levels
    }

    /// The same, for deletion.
    pub fn deletion(&self) -> impl Iterator<Item = &Vec<String>> {
        self.levels.iter().rev()
    }

    /// What this resource waits for.
    pub fn dependencies(&self, id: &str) -> impl Iterator<Item = &str> {
        self.edges.get(id).into_iter().flatten().map(String::as_str)
    }
}

fn circle(names: &[String]) -> Error {
    Error::Format(format!("Circular dependency between resources: [{}]", names.join(", ")))
}

fn levels(
    edges: &BTreeMap<String, BTreeSet<String>>,
    order: &[String],
) -> Result<Vec<Vec<String>>, Error> {
    let mut waiting: BTreeMap<&str, usize> =
        edges.iter().map(|(id, targets)| (id.as_str(), targets.len())).collect();
    let mut levels = Vec::new();
    loop {
        let ready: Vec<String> =
            order.iter().filter(|id| waiting.get(id.as_str()) == Some(&0)).cloned().collect();
        if ready.is_empty() {
            break;
        }
        for id in &ready {
            waiting.remove(id.as_str());
        }
        for (id, count) in &mut waiting {
            let targets = edges.get(*id);
            *count -=
                targets.map_or(0, |set| ready.iter().filter(|one| set.contains(*one)).count());
        }
        levels.push(ready);
    }
    if waiting.is_empty() {
        return Ok(levels);
    }
    Err(circle(&on_a_circle(edges, waiting.into_keys().collect())))
}

/// Leaves out what only waits for the circle, and is not part of it.
fn on_a_circle<'e>(
    edges: &'e BTreeMap<String, BTreeSet<String>>,
    mut left: BTreeSet<&'e str>,
) -> Vec<String> {
    loop {
        let awaited: BTreeSet<&str> = left
            .iter()
            .filter_map(|id| edges.get(*id))
            .flatten()
            .map(String::as_str)
            .filter(|id| left.contains(id))
            .collect();
        if awaited.len() == left.len() {
            return left.into_iter().map(str::to_owned).collect();
        }
        left = awaited;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn graph(resources: &Value) -> Result<Graph, String> {
        let template =
            Template::new(&json!({"Resources": resources})).map_err(|error| error.to_string())?;
        let active = template.resources.iter().map(|one| one.id.clone()).collect();
        Graph::new(&template, &active).map_err(|error| error.to_string())
    }

    #[test]
    fn levels_and_reverse() {
        let graph = graph(&json!({
            "C": {"Type": "T", "Properties": {"x": {"Fn::Sub": "${B.Arn}-${A}"}}},
            "A": {"Type": "T"},
            "B": {"Type": "T", "DependsOn": "A"},
            "D": {"Type": "T", "UpdatePolicy": {"x": {"Fn::GetAtt": ["A", "Arn"]}}},
        }))
        .expect("no circle");
        assert_eq!(graph.creation(), [vec!["A"], vec!["B", "D"], vec!["C"]]);
        assert_eq!(graph.deletion().next(), Some(&vec!["C".to_owned()]));
        assert_eq!(graph.dependencies("C").collect::<Vec<_>>(), ["A", "B"]);
    }

    #[test]
    fn errors() {
        let cases = [
            (
                json!({"A": {"Type": "T", "DependsOn": "B"}, "B": {"Type": "T", "DependsOn": "A"},
                       "C": {"Type": "T", "DependsOn": "A"}}),
                "Circular dependency between resources: [A, B]",
            ),
            (
                json!({"A": {"Type": "T", "Properties": {"x": {"Ref": "A"}}}}),
                "Circular dependency between resources: [A]",
            ),
            (
                json!({"A": {"Type": "T", "Properties": {"x": {"Ref": "N"}}}}),
                "Template format error: Unresolved resource dependencies [N] in the Resources \
                 block of the template",
            ),
            (
                json!({"A": {"Type": "T", "DependsOn": ["N"]}}),
                "Template format error: Unresolved resource dependencies [N] in the Resources \
                 block of the template",
            ),
            (
                json!({"A": {"Type": "T", "Properties": {"x": {"Fn::GetAtt": ["N", "Arn"]}}}}),
                "Template error: instance of Fn::GetAtt references undefined resource N",
            ),
            (
                json!({"A": {"Type": "T", "Condition": "N"}}),
                "Template format error: Unresolved condition dependency N in the Resources block \
                 of the template",
            ),
        ];
        for (resources, expected) in cases {
            assert_eq!(graph(&resources).map(|_| ()), Err(expected.to_owned()));
        }
    }
}
