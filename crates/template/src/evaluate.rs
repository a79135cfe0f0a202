//! The evaluator: walks a value and replaces intrinsic functions by what they give.

use std::cell::Cell;
use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::dynamic::{self, DynamicReference};
use crate::error::Error;
use crate::functions;

/// Bytes that one evaluation may produce: functions can name the same value many times over.
const MAX_PRODUCED: usize = 16 << 20;

/// What is known of a resource, an attribute or a dynamic reference.
#[derive(Debug, Clone, PartialEq)]
pub enum Lookup {
    /// The value.
    Value(Value),
    /// There will be one, but not yet (a preview): the function stays in the result.
    Later,
    /// There is no such thing; for an attribute: this type has none of that name.
    Unknown,
}

/// What the evaluator asks of the world outside the template.
pub trait Context {
    /// What `Ref` gives for this resource.
    fn reference(&self, resource: &str) -> Lookup;
    /// What `Fn::GetAtt` gives.
    fn attribute(&self, resource: &str, attribute: &str) -> Lookup;
    /// The value that some stack of this account and region exports under this name.
    fn import(&self, name: &str) -> Option<Value>;
    /// The availability zones of a region.
    fn zones(&self, region: &str) -> Vec<String>;
    /// What a dynamic reference stands for. `Later` leaves it in the string.
    fn dynamic(&self, reference: &DynamicReference) -> Lookup;
}

/// The values of the pseudo parameters.
#[derive(Debug, Clone, Default)]
pub struct Pseudo {
    /// `AWS::AccountId`.
    pub account_id: String,
    /// `AWS::Region`.
    pub region: String,
    /// `AWS::Partition`.
    pub partition: String,
    /// `AWS::URLSuffix`.
    pub url_suffix: String,
    /// `AWS::StackId`.
    pub stack_id: String,
    /// `AWS::StackName`.
    pub stack_name: String,
    /// `AWS::NotificationARNs`.
    pub notification_arns: Vec<String>,
}

impl Pseudo {
    fn get(&self, name: &str) -> Option<Value> {
        Some(Value::String(match name {
            "AWS::AccountId" => self.account_id.clone(),
            "AWS::Region" => self.region.clone(),
            "AWS::Partition" => self.partition.clone(),
            "AWS::URLSuffix" => self.url_suffix.clone(),
            "AWS::StackId" => self.stack_id.clone(),
            "AWS::StackName" => self.stack_name.clone(),
            "AWS::NotificationARNs" => return Some(self.notification_arns.clone().into()),
            _ => return None,
        }))
    }
}

/// What a value is evaluated against.
pub(crate) struct Evaluator<'s> {
    pub(crate) parameters: &'s Map<String, Value>,
    pub(crate) mappings: &'s Map<String, Value>,
    pub(crate) pseudo: &'s Pseudo,
    /// Conditions by name, as far as they are decided.
    pub(crate) conditions: &'s BTreeMap<String, bool>,
    /// The resources; `None` in the Conditions and Rules sections, which cannot see them.
    pub(crate) context: Option<&'s dyn Context>,
    /// The block of the template that messages name.
    pub(crate) block: &'s str,
    produced: Cell<usize>,
}

impl<'s> Evaluator<'s> {
    pub(crate) fn new(
        parameters: &'s Map<String, Value>,
        mappings: &'s Map<String, Value>,
        pseudo: &'s Pseudo,
        conditions: &'s BTreeMap<String, bool>,
        context: Option<&'s dyn Context>,
        block: &'s str,
    ) -> Self {
        Self { parameters, mappings, pseudo, conditions, context, block, produced: Cell::new(0) }
    }

    /// The value with its functions replaced; `None` is `AWS::NoValue`.
    pub(crate) fn value(&self, value: &Value) -> Result<Option<Value>, Error> {
        match value {
            Value::Object(map) => match function(map) {
                Some((name, argument)) => {
                    let result = functions::call(self, name, argument)?;
                    self.charge(result.as_ref())?;
                    Ok(result)
                }
                None => self.object(map).map(|map| Some(Value::Object(map))),
            },
            Value::Array(items) => self.list(items).map(|items| Some(Value::Array(items))),
            Value::String(text) => self.string(text).map(Some),
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(Some(value.clone())),
        }
    }

    pub(crate) fn object(&self, map: &Map<String, Value>) -> Result<Map<String, Value>, Error> {
        let mut result = Map::new();
        for (key, child) in map {
            if let Some(child) = self.value(child)? {
                result.insert(key.clone(), child);
            }
        }
        Ok(result)
    }

    pub(crate) fn list(&self, items: &[Value]) -> Result<Vec<Value>, Error> {
        items.iter().filter_map(|item| self.value(item).transpose()).collect()
    }

    /// A string, its dynamic references replaced.
    fn string(&self, text: &str) -> Result<Value, Error> {
        let (Some(context), Some(parts)) = (self.context, dynamic::parts(text)) else {
            return Ok(Value::String(text.to_owned()));
        };
        let mut result = String::new();
        for part in parts {
            match part {
                dynamic::Part::Text(text) => result.push_str(text),
                dynamic::Part::Reference(reference) => match context.dynamic(&reference) {
                    Lookup::Value(value) => result.push_str(&scalar(&value).unwrap_or_default()),
                    Lookup::Later => return Ok(Value::String(text.to_owned())),
                    Lookup::Unknown => {
                        return Err(Error::Function(format!(
                            "Could not resolve the following dynamic reference: {text}"
                        )));
                    }
                },
            }
        }
        Ok(Value::String(result))
    }

    /// What a name stands for: a pseudo parameter, a parameter, a resource.
    pub(crate) fn name(&self, name: &str) -> Lookup {
        match self.pseudo.get(name).or_else(|| self.parameters.get(name).cloned()) {
            Some(value) => Lookup::Value(value),
            None => self.context.map_or(Lookup::Unknown, |context| context.reference(name)),
        }
    }

    fn charge(&self, value: Option<&Value>) -> Result<(), Error> {
        let produced = self.produced.get().saturating_add(value.map_or(0, size));
        self.produced.set(produced);
        if produced > MAX_PRODUCED {
            return Err(Error::function(format!(
                "the functions of one resource produce more than {MAX_PRODUCED} bytes"
            )));
        }
        Ok(())
    }
}

/// The function that a mapping stands for: one key, `Ref` or `Fn::…`.
pub(crate) fn function(map: &Map<String, Value>) -> Option<(&str, &Value)> {
    let (name, argument) = map.iter().next().filter(|_| map.len() == 1)?;
    (name == "Ref" || name.starts_with("Fn::")).then_some((name.as_str(), argument))
}

/// A scalar as text.
pub(crate) fn scalar(value: &Value) -> Option<String> {
    crate::model::text(Some(value))
}

fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len() + 8,
        Value::Array(items) => 8 + items.iter().map(size).sum::<usize>(),
        Value::Object(map) => 8 + map.iter().map(|(k, v)| k.len() + size(v)).sum::<usize>(),
        _ => 8,
    }
}
