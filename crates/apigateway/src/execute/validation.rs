//! Whether a request has what its method asks for ("Request validation for REST APIs"): required
//! parameters that are there and not blank, and a body that fits the model that the method has for
//! its media type.

use serde_json::Value;

use super::gateway_response::Refusal;
use super::incoming::Incoming;
use super::mock::media_type;
use super::rest::Compiled;
use super::routing::Parameters;
use super::schema;
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
    // `Empty` and `Error`, which AWS makes with every API, ask for nothing.
    let known = model.filter(|name| compiled.models.contains_key(*name));
    let Some(model) = known else { return Ok(()) };
    let body: Value = serde_json::from_slice(&incoming.body).map_err(|_| Refusal::body())?;
    if schema::fits(&body, model, &compiled.models) { Ok(()) } else { Err(Refusal::body()) }
}
