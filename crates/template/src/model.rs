//! A template's sections, checked for form.
//!
//! Property values stay as they are written; [`crate::Stack`] evaluates them.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::error::Error;
use crate::graph;

/// CloudFormation quotas: resources, parameters, outputs and mappings of one template.
const MAX_RESOURCES: usize = 500;
const MAX_PARAMETERS: usize = 200;
const MAX_OUTPUTS: usize = 200;
const MAX_MAPPINGS: usize = 200;

const SECTIONS: [&str; 11] = [
    "AWSTemplateFormatVersion",
    "Conditions",
    "Description",
    "Hooks",
    "Mappings",
    "Metadata",
    "Outputs",
    "Parameters",
    "Resources",
    "Rules",
    "Transform",
];

const RESOURCE_ATTRIBUTES: [&str; 10] = [
    "Condition",
    "CreationPolicy",
    "DeletionPolicy",
    "DependsOn",
    "Description",
    "Metadata",
    "Properties",
    "Type",
    "UpdatePolicy",
    "UpdateReplacePolicy",
];

/// A template whose sections have the form that CloudFormation wants.
#[derive(Debug, Clone)]
pub struct Template {
    /// The description, empty where there is none.
    pub description: String,
    /// The macros named under `Transform`, outermost first.
    pub transforms: Vec<String>,
    /// In the order of the template.
    pub parameters: Vec<Parameter>,
    /// In the order of the template.
    pub resources: Vec<Resource>,
    /// In the order of the template.
    pub outputs: Vec<Output>,
    pub(crate) mappings: Map<String, Value>,
    pub(crate) conditions: Map<String, Value>,
    pub(crate) rules: Map<String, Value>,
}

/// A member of `Parameters`.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Its logical name.
    pub name: String,
    /// What it holds.
    pub kind: ParameterType,
    /// The type as the template writes it.
    pub type_name: String,
    /// The value where the caller gives none.
    pub default: Option<String>,
    /// Whether its value is a secret: masked in every answer.
    pub no_echo: bool,
    /// Free text.
    pub description: Option<String>,
    /// What is said when a constraint fails.
    pub constraint_description: Option<String>,
    /// The only values allowed, when not empty.
    pub allowed_values: Vec<String>,
    /// A regular expression that the whole value matches.
    pub allowed_pattern: Option<String>,
    /// Characters of a string.
    pub min_length: Option<u64>,
    /// Characters of a string.
    pub max_length: Option<u64>,
    /// Least number.
    pub min_value: Option<f64>,
    /// Greatest number.
    pub max_value: Option<f64>,
}

/// What a parameter holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterType {
    /// One string (also `AWS::EC2::KeyPair::KeyName` and the like).
    String,
    /// One number.
    Number,
    /// Numbers separated by commas.
    NumberList,
    /// Strings separated by commas (`CommaDelimitedList`, `List<…>`).
    StringList,
    /// The name of an SSM parameter whose value is one string.
    Ssm,
    /// The name of an SSM parameter whose value is a list.
    SsmList,
}

/// A member of `Resources`.
#[derive(Debug, Clone)]
pub struct Resource {
    /// Logical id.
    pub id: String,
    /// Resource type, such as `AWS::DynamoDB::Table`.
    pub type_name: String,
    /// Properties, not yet evaluated.
    pub properties: Map<String, Value>,
    /// The condition under which it exists.
    pub condition: Option<String>,
    /// Logical ids it waits for, beside those it refers to.
    pub depends_on: Vec<String>,
    /// Every attribute as written, `Properties` and `Type` aside.
    pub attributes: Map<String, Value>,
}

/// A member of `Outputs`.
#[derive(Debug, Clone)]
pub struct Output {
    /// Logical name.
    pub name: String,
    /// Value, not yet evaluated.
    pub value: Value,
    /// Free text.
    pub description: Option<String>,
    /// The name under which other stacks import it, not yet evaluated.
    pub export: Option<Value>,
    /// The condition under which it exists.
    pub condition: Option<String>,
}

impl Template {
    /// Checks a document that [`crate::parse`] gave, and that no macro is left to transform.
    pub fn new(document: &Value) -> Result<Self, Error> {
        let Value::Object(root) = document else {
            return Err(Error::format("unsupported structure."));
        };
        let unknown: Vec<_> =
            root.keys().filter(|key| !SECTIONS.contains(&key.as_str())).cloned().collect();
        if !unknown.is_empty() {
            return Err(Error::Format(format!(
                "Invalid template property or properties [{}]",
                unknown.join(", ")
            )));
        }
        refuse_null(document, &mut String::new())?;
        check_version(root.get("AWSTemplateFormatVersion"))?;
        let template = Self {
            description: text(root.get("Description")).unwrap_or_default(),
            transforms: transforms(root.get("Transform"))?,
            parameters: members(root, "Parameters", MAX_PARAMETERS, parameter)?,
            resources: members(root, "Resources", MAX_RESOURCES, resource)?,
            outputs: members(root, "Outputs", MAX_OUTPUTS, output)?,
            mappings: section(root, "Mappings", MAX_MAPPINGS)?,
            conditions: section(root, "Conditions", usize::MAX)?,
            rules: section(root, "Rules", usize::MAX)?,
        };
        if template.resources.is_empty() {
            return Err(Error::format("At least one Resources member must be defined."));
        }
        graph::check_references(&template)?;
        Ok(template)
    }

    /// The parameters that a document declares. A document that a macro is still to transform is
    /// no template yet, and its macros want to know the values first.
    pub fn declared_parameters(document: &Value) -> Result<Vec<Parameter>, Error> {
        match document {
            Value::Object(root) => members(root, "Parameters", MAX_PARAMETERS, parameter),
            _ => Err(Error::format("unsupported structure.")),
        }
    }

    /// The macros that a document names under `Transform`, outermost first.
    pub fn declared_transforms(document: &Value) -> Result<Vec<String>, Error> {
        transforms(document.get("Transform"))
    }

    /// The resource with this logical id.
    pub fn resource(&self, id: &str) -> Option<&Resource> {
        self.resources.iter().find(|resource| resource.id == id)
    }

    pub(crate) fn parameter_names(&self) -> BTreeSet<&str> {
        self.parameters.iter().map(|parameter| parameter.name.as_str()).collect()
    }
}

fn refuse_null(value: &Value, path: &mut String) -> Result<(), Error> {
    let mut step = |name: &str, child: &Value| {
        let length = path.len();
        path.push('/');
        path.push_str(name);
        let result = refuse_null(child, path);
        path.truncate(length);
        result
    };
    match value {
        Value::Null => Err(Error::format(format!(
            "[{}] 'null' values are not allowed in templates",
            if path.is_empty() { "/" } else { path.as_str() }
        ))),
        Value::Array(items) => {
            items.iter().enumerate().try_for_each(|(at, item)| step(&at.to_string(), item))
        }
        Value::Object(map) => map.iter().try_for_each(|(key, child)| step(key, child)),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

fn check_version(version: Option<&Value>) -> Result<(), Error> {
    match version {
        None => Ok(()),
        Some(Value::String(version)) if version == "2010-09-09" => Ok(()),
        Some(_) => Err(Error::format("unsupported value for AWSTemplateFormatVersion.")),
    }
}

/// A scalar as text, as CloudFormation reads numbers and booleans where it wants a string.
pub(crate) fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn transforms(value: Option<&Value>) -> Result<Vec<String>, Error> {
    let one = |value: &Value| match value {
        Value::String(name) => Ok(name.clone()),
        Value::Object(map) => text(map.get("Name"))
            .ok_or_else(|| Error::format("every Transform member must contain a Name.")),
        _ => Err(Error::format("unsupported structure of Transform.")),
    };
    match value {
        None => Ok(Vec::new()),
        Some(Value::Array(items)) => items.iter().map(one).collect(),
        Some(other) => Ok(vec![one(other)?]),
    }
}

fn section(
    root: &Map<String, Value>,
    name: &str,
    most: usize,
) -> Result<Map<String, Value>, Error> {
    match root.get(name) {
        None => Ok(Map::new()),
        Some(Value::Object(map)) if map.len() > most => Err(Error::format(format!(
            "Number of {}, {}, is greater than maximum allowed, {most}",
            name.to_lowercase(),
            map.len()
        ))),
        Some(Value::Object(map)) => Ok(map.clone()),
        Some(_) => Err(Error::format(format!("{name} must be an object."))),
    }
}

fn members<T>(
    root: &Map<String, Value>,
    name: &str,
    most: usize,
    read: fn(&str, &Map<String, Value>) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let map = section(root, name, most)?;
    map.iter()
        .map(|(id, value)| {
            if id.is_empty() || !id.chars().all(|c| c.is_ascii_alphanumeric()) {
                let what = name.strip_suffix('s').unwrap_or(name);
                return Err(Error::format(format!("{what} name {id} is non alphanumeric.")));
            }
            let Value::Object(value) = value else {
                return Err(Error::format(format!("Every {name} member must be an object.")));
            };
            read(id, value)
        })
        .collect()
}

fn parameter(name: &str, value: &Map<String, Value>) -> Result<Parameter, Error> {
    let type_name = text(value.get("Type")).ok_or_else(|| {
        Error::format(format!("Every Parameters object must contain a Type member. ({name})"))
    })?;
    let kind = parameter_type(&type_name)
        .ok_or_else(|| Error::format(format!("Unrecognized parameter type: {type_name}")))?;
    let number = |key: &str| text(value.get(key)).and_then(|text| text.parse::<f64>().ok());
    let length = |key: &str| text(value.get(key)).and_then(|text| text.parse::<u64>().ok());
    let default = match value.get("Default") {
        None => None,
        Some(default) => Some(
            text(Some(default))
                .ok_or_else(|| Error::format("Every Default member must be a string."))?,
        ),
    };
    Ok(Parameter {
        name: name.to_owned(),
        kind,
        type_name,
        default,
        no_echo: text(value.get("NoEcho")).is_some_and(|flag| flag.eq_ignore_ascii_case("true")),
        description: text(value.get("Description")),
        constraint_description: text(value.get("ConstraintDescription")),
        allowed_values: match value.get("AllowedValues") {
            Some(Value::Array(items)) => items.iter().filter_map(|item| text(Some(item))).collect(),
            _ => Vec::new(),
        },
        allowed_pattern: text(value.get("AllowedPattern")),
        min_length: length("MinLength"),
        max_length: length("MaxLength"),
        min_value: number("MinValue"),
        max_value: number("MaxValue"),
    })
}

fn parameter_type(name: &str) -> Option<ParameterType> {
    let inner = |prefix: &str| name.strip_prefix(prefix)?.strip_suffix('>');
    Some(match name {
        "String" | "AWS::SSM::Parameter::Name" => ParameterType::String,
        "Number" => ParameterType::Number,
        "List<Number>" => ParameterType::NumberList,
        "CommaDelimitedList" => ParameterType::StringList,
        _ => {
            if let Some(inner) = inner("AWS::SSM::Parameter::Value<") {
                if inner.starts_with("List<") || inner == "CommaDelimitedList" {
                    ParameterType::SsmList
                } else {
                    ParameterType::Ssm
                }
            } else if inner("List<").is_some() {
                ParameterType::StringList
            } else if name.starts_with("AWS::") {
                ParameterType::String
            } else {
                return None;
            }
        }
    })
}

fn resource(id: &str, value: &Map<String, Value>) -> Result<Resource, Error> {
    if let Some(unknown) = value.keys().find(|key| !RESOURCE_ATTRIBUTES.contains(&key.as_str())) {
        return Err(Error::Format(format!("Invalid template resource property '{unknown}'")));
    }
    let type_name = match value.get("Type") {
        Some(Value::String(name)) => name.clone(),
        _ => {
            return Err(Error::format(format!(
                "[/Resources/{id}] Every Resources object must contain a Type member."
            )));
        }
    };
    let properties = match value.get("Properties") {
        None => Map::new(),
        Some(Value::Object(map)) => map.clone(),
        Some(_) => {
            return Err(Error::format(format!(
                "[/Resources/{id}] Every Properties member must be an object."
            )));
        }
    };
    let depends_on = match value.get("DependsOn") {
        None => Vec::new(),
        Some(Value::String(other)) => vec![other.clone()],
        Some(Value::Array(items)) if items.iter().all(Value::is_string) => {
            items.iter().filter_map(|item| text(Some(item))).collect()
        }
        Some(_) => {
            return Err(Error::format("DependsOn must be a string or list of strings."));
        }
    };
    let mut attributes = value.clone();
    attributes.retain(|key, _| key != "Type" && key != "Properties");
    Ok(Resource {
        id: id.to_owned(),
        type_name,
        properties,
        condition: condition(value)?,
        depends_on,
        attributes,
    })
}

fn condition(value: &Map<String, Value>) -> Result<Option<String>, Error> {
    match value.get("Condition") {
        None => Ok(None),
        Some(Value::String(name)) => Ok(Some(name.clone())),
        Some(_) => Err(Error::format("Every Condition member must be a string.")),
    }
}

fn output(name: &str, value: &Map<String, Value>) -> Result<Output, Error> {
    let Some(content) = value.get("Value") else {
        return Err(Error::format(format!(
            "Output {name} is malformed. Every Outputs member must contain a Value object."
        )));
    };
    let export = match value.get("Export") {
        None => None,
        Some(Value::Object(export)) => Some(export.get("Name").cloned().ok_or_else(|| {
            Error::format(format!("Output {name} is malformed. Export must contain a Name."))
        })?),
        Some(_) => {
            return Err(Error::format(format!("Output {name} is malformed. Export is no object.")));
        }
    };
    Ok(Output {
        name: name.to_owned(),
        value: content.clone(),
        description: text(value.get("Description")),
        export,
        condition: condition(value)?,
    })
}
