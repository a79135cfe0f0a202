//! What operations read from their requests alike.

use cumulet_api_cloudformation::types::{Capability, OnFailure as AskedOnFailure};
use cumulet_service::{Error as ServiceError, Result};
use cumulet_template::{Limits, Parameter, Template, parse};
use serde_json::{Map, Value};

use crate::capabilities;
use crate::error::Error;
use crate::model::{OnFailure, Revision, Settings};
use crate::source;

/// A stack's name has up to 128 letters, digits and hyphens and begins with a letter (CreateStack).
pub(crate) fn check_name(name: &str) -> Result<()> {
    let letter = name.starts_with(|c: char| c.is_ascii_alphabetic());
    let rest = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if letter && rest && name.len() <= 128 {
        return Ok(());
    }
    Err(Error::Validation(format!(
        "1 validation error detected: Value '{name}' at 'stackName' failed to satisfy constraint: \
         Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*"
    ))
    .into())
}

/// Stack policies are not enforced here, so none is taken.
pub(crate) fn refuse_policies(given: bool) -> Result<()> {
    if given {
        Err(ServiceError::not_implemented("cloudformation", "stack policies"))
    } else {
        Ok(())
    }
}

/// What becomes of a stack whose creation fails.
pub(crate) fn on_failure(
    asked: Option<AskedOnFailure>,
    disable_rollback: Option<bool>,
) -> Result<OnFailure> {
    match (asked, disable_rollback) {
        (Some(_), Some(true)) => {
            let text = "You can specify either DisableRollback or OnFailure, but not both.";
            Err(Error::invalid(text).into())
        }
        (Some(AskedOnFailure::DoNothing), _) | (None, Some(true)) => Ok(OnFailure::DoNothing),
        (Some(AskedOnFailure::Delete), _) => Ok(OnFailure::Delete),
        _ => Ok(OnFailure::Rollback),
    }
}

pub(crate) fn settings(
    role_arn: Option<String>,
    capabilities: Option<&[Capability]>,
    notification_arns: Option<Vec<String>>,
) -> Settings {
    let capabilities = capabilities.unwrap_or_default().iter().map(|one| one.as_str().to_owned());
    Settings {
        role_arn,
        capabilities: capabilities.collect(),
        notification_arns: notification_arns.unwrap_or_default(),
        ..Settings::default()
    }
}

/// A template's description.
pub(crate) fn description(revision: &Revision) -> Option<String> {
    revision.processed.get("Description").and_then(Value::as_str).map(str::to_owned)
}

/// What is read of a template without carrying it out.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) description: Option<String>,
    pub(crate) needed: Option<(Capability, String)>,
    pub(crate) transforms: Vec<String>,
    pub(crate) types: Vec<String>,
    pub(crate) version: Option<String>,
    pub(crate) metadata: Option<String>,
}

/// Reads a template. One with macros is read as far as it is a template: `Globals` is SAM's.
pub(crate) fn read(text: &str) -> Result<Read> {
    let document = parse(text, &Limits::default()).map_err(Error::from)?;
    let transforms = source::transforms(&document);
    let plain = |name: &str| document.get(name).and_then(Value::as_str).map(str::to_owned);
    let template = if transforms.is_empty() {
        Template::new(&document).map_err(Error::from)?
    } else {
        // Only the parameters are final before macros have run.
        let parts = ["Parameters", "Description", "AWSTemplateFormatVersion"];
        let kept = parts
            .iter()
            .filter_map(|part| Some(((*part).to_owned(), document.get(*part)?.clone())));
        let mut kept: Map<String, Value> = kept.collect();
        kept.insert("Resources".to_owned(), serde_json::json!({"Any": {"Type": "AWS::Any"}}));
        Template::new(&Value::Object(kept)).map_err(Error::from)?
    };
    let mut types: Vec<String> = document
        .get("Resources")
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(Map::values)
        .filter_map(|resource| resource.get("Type")?.as_str().map(str::to_owned))
        .collect();
    types.sort();
    types.dedup();
    Ok(Read {
        needed: capabilities::needed(&template),
        description: plain("Description"),
        version: plain("AWSTemplateFormatVersion"),
        metadata: document.get("Metadata").map(Value::to_string),
        parameters: template.parameters,
        transforms,
        types,
    })
}
