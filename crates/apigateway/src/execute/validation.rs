//! Whether a request has what its method asks for ("Request validation for REST APIs"): required
//! parameters that are there and not blank, and a body that is JSON where the method has a model
//! for it. What a model's schema says beyond `type` and `required` is not checked yet.

use serde_json::Value;

use super::gateway_response::Refusal;
use super::incoming::Incoming;
use super::mock::media_type;
use super::rest::Compiled;
use super::routing::Parameters;
use crate::rest::model::MethodRecord;

pub(crate) fn check(
    method: &MethodRecord,
    compiled: &Compiled,
    incoming: &Incoming,
    path: &Parameters,
) -> Result<(), Refusal> {
    let validator = method.request_validator_id.as_ref();
    let Some(validator) = validator.and_then(|id| compiled.validators.get(id)) else {
        return Ok(());
    };
    if validator.validate_request_parameters {
        check_parameters(method, incoming, path)?;
    }
    if validator.validate_request_body {
        check_body(method, compiled, incoming)?;
    }
    Ok(())
}

fn check_parameters(
    method: &MethodRecord,
    incoming: &Incoming,
    path: &Parameters,
) -> Result<(), Refusal> {
    let required = method.request_parameters.iter().flatten().filter(|(_, required)| **required);
    let missing = |name: &str| {
        let name = name.strip_prefix("method.request.").unwrap_or(name);
        let (place, name) = name.split_once('.').unwrap_or_default();
        let value = match place {
            "header" => incoming.header(name).map(str::to_owned),
            "querystring" => incoming.query_value(name),
            _ => path.get(name).cloned(),
        };
        value.is_none_or(|value| value.trim().is_empty()).then(|| name.to_owned())
    };
    let missing: Vec<String> = required.filter_map(|(name, _)| missing(name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let words = format!("Missing required request parameters: [{}]", missing.join(", "));
    Err(Refusal::parameters(words))
}

fn check_body(
    method: &MethodRecord,
    compiled: &Compiled,
    incoming: &Incoming,
) -> Result<(), Refusal> {
    let models = method.request_models.clone().unwrap_or_default();
    let media = media_type(incoming.header("content-type"));
    let model = models.get(&media).or_else(|| models.get("$default"));
    let Some(model) = model.and_then(|name| compiled.models.get(name)) else { return Ok(()) };
    let body: Value = serde_json::from_slice(&incoming.body).map_err(|_| Refusal::body())?;
    let schema = model.schema.as_deref().and_then(|schema| serde_json::from_str(schema).ok());
    if fits(&body, &schema.unwrap_or_default()) { Ok(()) } else { Err(Refusal::body()) }
}

/// Whether a document's outermost level is as a schema says.
fn fits(body: &Value, schema: &Value) -> bool {
    let kind = match schema.get("type").and_then(Value::as_str) {
        Some("object") => body.is_object(),
        Some("array") => body.is_array(),
        Some("string") => body.is_string(),
        Some("number") => body.is_number(),
        Some("integer") => body.is_i64() || body.is_u64(),
        Some("boolean") => body.is_boolean(),
        Some("null") => body.is_null(),
        _ => true,
    };
    let mut required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    kind && required.all(|name| name.as_str().is_none_or(|name| body.get(name).is_some()))
}
