//! A template with values for its parameters: conditions decided, ready to evaluate.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::error::Error;
use crate::evaluate::{Context, Evaluator, Lookup, Pseudo};
use crate::graph::{Graph, undefined_condition};
use crate::model::{Output, Resource, Template};
use crate::{dynamic, rules};

/// How many conditions may lean on one another in a row. AWS documents no number.
const MAX_CONDITION_CHAIN: usize = 64;

/// A template together with its parameters.
#[derive(Debug)]
pub struct Stack<'t> {
    template: &'t Template,
    parameters: Map<String, Value>,
    pseudo: Pseudo,
    conditions: BTreeMap<String, bool>,
}

impl<'t> Stack<'t> {
    /// Decides the conditions and checks the rules.
    ///
    /// `parameters` is what [`crate::parameter_values`] gave.
    pub fn new(
        template: &'t Template,
        parameters: Map<String, Value>,
        pseudo: Pseudo,
    ) -> Result<Self, Error> {
        let mut stack = Self { template, parameters, pseudo, conditions: BTreeMap::new() };
        for name in template.conditions.keys() {
            stack.decide(name, &mut Vec::new())?;
        }
        rules::check(&stack.evaluator(None, "Rules"), &template.rules)?;
        Ok(stack)
    }

    /// Whether a condition holds; `None` where there is none of that name.
    pub fn condition(&self, name: &str) -> Option<bool> {
        self.conditions.get(name).copied()
    }

    /// Whether this resource exists: it has no condition, or its condition holds.
    pub fn is_active(&self, resource: &Resource) -> bool {
        resource.condition.as_ref().is_none_or(|name| self.condition(name) == Some(true))
    }

    /// The resources whose condition holds, and what waits for what among them.
    pub fn graph(&self) -> Result<Graph, Error> {
        let active: BTreeSet<String> = self
            .template
            .resources
            .iter()
            .filter(|resource| self.is_active(resource))
            .map(|resource| resource.id.clone())
            .collect();
        Graph::new(self.template, &active)
    }

    /// The properties of a resource, evaluated.
    pub fn properties(
        &self,
        resource: &Resource,
        context: &dyn Context,
    ) -> Result<Map<String, Value>, Error> {
        let context = ActiveOnly { stack: self, inner: context };
        self.evaluator(Some(&context), "Resources").object(&resource.properties)
    }

    /// Every resource that exists, evaluated with its attributes: what [`crate::diff`] compares.
    ///
    /// Keys are logical ids; members are `Type`, `Properties`, `DeletionPolicy` and the like.
    pub fn resources(&self, context: &dyn Context) -> Result<Map<String, Value>, Error> {
        let context = ActiveOnly { stack: self, inner: context };
        let mut result = Map::new();
        for resource in self.template.resources.iter().filter(|one| self.is_active(one)) {
            let on = self.evaluator(Some(&context), "Resources");
            let mut one = on.object(&resource.attributes)?;
            one.insert("Type".to_owned(), resource.type_name.clone().into());
            one.insert("Properties".to_owned(), on.object(&resource.properties)?.into());
            result.insert(resource.id.clone(), one.into());
        }
        Ok(result)
    }

    /// An output's value and export name, evaluated; `None` where its condition does not hold.
    pub fn output(
        &self,
        output: &Output,
        context: &dyn Context,
    ) -> Result<Option<(Value, Option<String>)>, Error> {
        if output.condition.as_ref().is_some_and(|name| self.condition(name) != Some(true)) {
            return Ok(None);
        }
        let context = ActiveOnly { stack: self, inner: context };
        let on = self.evaluator(Some(&context), "Outputs");
        let Some(value) = on.value(&output.value)? else { return Ok(None) };
        let export = match &output.export {
            None => None,
            Some(name) => on.value(name)?.as_ref().and_then(crate::evaluate::scalar),
        };
        Ok(Some((value, export)))
    }

    /// Any value of the template (a policy, metadata), evaluated; `None` is `AWS::NoValue`.
    pub fn value(&self, value: &Value, context: &dyn Context) -> Result<Option<Value>, Error> {
        let context = ActiveOnly { stack: self, inner: context };
        self.evaluator(Some(&context), "Resources").value(value)
    }

    fn evaluator<'s>(&'s self, context: Option<&'s dyn Context>, block: &'s str) -> Evaluator<'s> {
        Evaluator::new(
            &self.parameters,
            &self.template.mappings,
            &self.pseudo,
            &self.conditions,
            context,
            block,
        )
    }

    /// Decides a condition, those that it names first.
    fn decide(&mut self, name: &str, chain: &mut Vec<String>) -> Result<(), Error> {
        if self.conditions.contains_key(name) {
            return Ok(());
        }
        if chain.iter().any(|one| one == name) || chain.len() >= MAX_CONDITION_CHAIN {
            return Err(Error::format(format!(
                "Circular dependency between conditions: [{}]",
                chain.join(", ")
            )));
        }
        let value = self
            .template
            .conditions
            .get(name)
            .ok_or_else(|| undefined_condition(name, "Conditions"))?;
        chain.push(name.to_owned());
        let mut named = BTreeSet::new();
        named_conditions(value, &mut named);
        for other in named {
            self.decide(&other, chain)?;
        }
        chain.pop();
        // A condition may be another one by name: {"A": {"Condition": "B"}}.
        let holds = match value.get("Condition").and_then(Value::as_str) {
            Some(other) => self.condition(other).unwrap_or(false),
            None => match self.evaluator(None, "Conditions").value(value)? {
                Some(Value::Bool(flag)) => flag,
                _ => {
                    return Err(Error::format(format!(
                        "Every Conditions member must be a condition function. ({name})"
                    )));
                }
            },
        };
        self.conditions.insert(name.to_owned(), holds);
        Ok(())
    }
}

fn named_conditions(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| named_conditions(item, names)),
        Value::Object(map) => {
            if let Some(Value::String(name)) = map.get("Condition") {
                names.insert(name.clone());
            }
            if let Some(Value::String(name)) = map.get("Fn::If").and_then(|list| list.get(0)) {
                names.insert(name.clone());
            }
            map.values().for_each(|child| named_conditions(child, names));
        }
        _ => {}
    }
}

/// Hides the resources whose condition does not hold: whoever names one is in error.
struct ActiveOnly<'s> {
    stack: &'s Stack<'s>,
    inner: &'s dyn Context,
}

impl ActiveOnly<'_> {
    fn exists(&self, id: &str) -> bool {
        self.stack.template.resource(id).is_some_and(|resource| self.stack.is_active(resource))
    }
}

impl Context for ActiveOnly<'_> {
    fn reference(&self, resource: &str) -> Lookup {
        if self.exists(resource) { self.inner.reference(resource) } else { Lookup::Unknown }
    }

    fn attribute(&self, resource: &str, attribute: &str) -> Lookup {
        if self.exists(resource) {
            self.inner.attribute(resource, attribute)
        } else {
            Lookup::Unknown
        }
    }

    fn import(&self, name: &str) -> Option<Value> {
        self.inner.import(name)
    }

    fn zones(&self, region: &str) -> Vec<String> {
        self.inner.zones(region)
    }

    fn dynamic(&self, reference: &dynamic::DynamicReference) -> Lookup {
        self.inner.dynamic(reference)
    }
}
