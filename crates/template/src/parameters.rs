//! The values of parameters: given, defaulted, looked up, checked.

use std::collections::BTreeMap;

use regex::RegexBuilder;
use serde_json::{Map, Value};

use crate::error::Error;
use crate::model::{Parameter, ParameterType};

/// What the caller gave: parameter name → value, `UsePreviousValue` already filled in.
pub type Given = BTreeMap<String, String>;

/// Bytes of one parameter value (CloudFormation: 4,096).
const MAX_VALUE: usize = 4096;

/// Bytes a compiled `AllowedPattern` may take.
const MAX_PATTERN: usize = 1 << 20;

/// The value of every parameter: a string, or an array of strings for the list types.
///
/// `ssm` gives the value of an SSM parameter by its name, for the types that name one.
/// Errors speak of every parameter that is missing at once, as AWS does.
pub fn parameter_values(
    parameters: &[Parameter],
    given: &Given,
    ssm: &dyn Fn(&str) -> Option<String>,
) -> Result<Map<String, Value>, Error> {
    let known = |name: &str| parameters.iter().any(|parameter| parameter.name == name);
    let unknown: Vec<_> = given.keys().filter(|key| !known(key)).collect();
    if !unknown.is_empty() {
        return Err(Error::Parameters(format!(
            "Parameters: [{}] do not exist in the template",
            joined(unknown)
        )));
    }
    let mut missing = Vec::new();
    let mut values = Map::new();
    for parameter in parameters {
        match given.get(&parameter.name).or(parameter.default.as_ref()) {
            None => missing.push(&parameter.name),
            Some(text) => {
                values.insert(parameter.name.clone(), parameter.value(text, ssm)?);
            }
        }
    }
    if missing.is_empty() {
        return Ok(values);
    }
    Err(Error::Parameters(format!("Parameters: [{}] must have values", joined(missing))))
}

fn joined(names: Vec<&String>) -> String {
    names.into_iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

fn split(text: &str) -> Vec<String> {
    if text.is_empty() {
        return Vec::new();
    }
    text.split(',').map(|item| item.trim().to_owned()).collect()
}

impl Parameter {
    fn value(&self, text: &str, ssm: &dyn Fn(&str) -> Option<String>) -> Result<Value, Error> {
        if text.len() > MAX_VALUE {
            return Err(Error::Parameters(format!(
                "Parameter '{}' must contain no more than {MAX_VALUE} characters",
                self.name
            )));
        }
        match self.kind {
            ParameterType::String => {
                self.check_text(text)?;
                Ok(Value::String(text.to_owned()))
            }
            ParameterType::Number => {
                self.check_number(text.trim())?;
                Ok(Value::String(text.trim().to_owned()))
            }
            ParameterType::NumberList => {
                let items = split(text);
                items.iter().try_for_each(|item| self.check_number(item))?;
                Ok(items.into())
            }
            ParameterType::StringList => {
                let items = split(text);
                items.iter().try_for_each(|item| self.check_text(item))?;
                Ok(items.into())
            }
            ParameterType::Ssm | ParameterType::SsmList => {
                // The constraints are on the name, not on the value behind it.
                self.check_text(text)?;
                let value = ssm(text).ok_or_else(|| {
                    Error::Parameters(format!(
                        "Unable to fetch parameters [{text}] from parameter store for this account."
                    ))
                })?;
                Ok(if self.kind == ParameterType::Ssm {
                    Value::String(value)
                } else {
                    split(&value).into()
                })
            }
        }
    }

    /// `rule` is what AWS says where the template does not describe the constraint itself.
    fn failed(&self, rule: &str) -> Error {
        Error::Parameters(match &self.constraint_description {
            Some(description) => {
                format!("Parameter {} failed to satisfy constraint: {description}", self.name)
            }
            None => format!("Parameter '{}' {rule}", self.name),
        })
    }

    fn check_allowed(&self, text: &str) -> Result<(), Error> {
        if self.allowed_values.is_empty() || self.allowed_values.iter().any(|one| one == text) {
            return Ok(());
        }
        Err(self.failed("must be one of AllowedValues"))
    }

    fn check_text(&self, text: &str) -> Result<(), Error> {
        self.check_allowed(text)?;
        let length = text.chars().count() as u64;
        if let Some(least) = self.min_length.filter(|least| length < *least) {
            return Err(self.failed(&format!("must contain at least {least} characters")));
        }
        if let Some(most) = self.max_length.filter(|most| length > *most) {
            return Err(self.failed(&format!("must contain no more than {most} characters")));
        }
        let Some(pattern) = &self.allowed_pattern else { return Ok(()) };
        // CloudFormation takes Java's expressions. Look-around and back-references are refused
        // here by name: this engine matches in linear time because it does without them.
        let whole = RegexBuilder::new(&format!("^(?:{pattern})$"))
            .size_limit(MAX_PATTERN)
            .build()
            .map_err(|_| {
                Error::Parameters(format!(
                    "AllowedPattern of parameter '{}' is not supported here: {pattern}",
                    self.name
                ))
            })?;
        if whole.is_match(text) {
            return Ok(());
        }
        Err(self.failed(&format!("must match pattern {pattern}")))
    }

    fn check_number(&self, text: &str) -> Result<(), Error> {
        self.check_allowed(text)?;
        let number: f64 = text
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite())
            .ok_or_else(|| self.failed("must be a number."))?;
        if let Some(least) = self.min_value.filter(|least| number < *least) {
            return Err(self.failed(&format!("must be a number not less than {least}")));
        }
        if let Some(most) = self.max_value.filter(|most| number > *most) {
            return Err(self.failed(&format!("must be a number not greater than {most}")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::Template;

    fn values(parameters: &Value, given: &[(&str, &str)]) -> Result<Value, String> {
        let template = Template::new(&json!({
            "Parameters": parameters, "Resources": {"R": {"Type": "T"}}
        }))
        .map_err(|error| error.to_string())?;
        let given = given.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let ssm = |name: &str| (name == "/known").then(|| "a,b".to_owned());
        parameter_values(&template.parameters, &given, &ssm)
            .map(Value::Object)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn kinds_and_defaults() {
        let parameters = json!({
            "S": {"Type": "String", "Default": 5},
            "N": {"Type": "Number"},
            "L": {"Type": "CommaDelimitedList", "Default": "a, b"},
            "P": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/known"},
            "Q": {"Type": "AWS::SSM::Parameter::Value<List<String>>", "Default": "/known"},
        });
        assert_eq!(
            values(&parameters, &[("N", "2.5")]),
            Ok(json!({"S": "5", "N": "2.5", "L": ["a", "b"], "P": "a,b", "Q": ["a", "b"]}))
        );
        assert_eq!(values(&parameters, &[]), Err("Parameters: [N] must have values".to_owned()));
    }

    #[test]
    fn constraints() {
        let cases = [
            (json!({"Type": "String", "AllowedValues": ["a"]}), "must be one of AllowedValues"),
            (json!({"Type": "String", "AllowedPattern": "[0-9]+"}), "must match pattern [0-9]+"),
            (json!({"Type": "String", "MinLength": 3}), "must contain at least 3 characters"),
            (json!({"Type": "String", "MaxLength": "1"}), "must contain no more than 1 characters"),
            (json!({"Type": "Number"}), "must be a number."),
        ];
        for (parameter, expected) in cases {
            let error = values(&json!({"X": parameter}), &[("X", "bb")]).expect_err(expected);
            assert_eq!(error, format!("Parameter 'X' {expected}"));
        }
        let described =
            json!({"X": {"Type": "Number", "MinValue": 3, "ConstraintDescription": "d"}});
        assert_eq!(
            values(&described, &[("X", "1")]),
            Err("Parameter X failed to satisfy constraint: d".to_owned())
        );
        assert_eq!(
            values(&json!({}), &[("Y", "1")]),
            Err("Parameters: [Y] do not exist in the template".to_owned())
        );
        assert_eq!(
            values(&json!({"X": {"Type": "Strange"}}), &[]),
            Err("Template format error: Unrecognized parameter type: Strange".to_owned())
        );
        let ssm = json!({"X": {"Type": "AWS::SSM::Parameter::Value<String>"}});
        assert!(values(&ssm, &[("X", "/unknown")]).is_err());
    }
}
