//! What an OpenAPI document's operation object says of a method.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::integration;
use super::model::{IntegrationRecord, IntegrationResponse, MethodRecord, MethodResponse};
use super::openapi::{Definitions, Scheme, object, part, status, text, wrong};
use crate::error::Error;

const INTEGRATION: &str = "x-amazon-apigateway-integration";
const JSON: &str = "application/json";

/// The method that `described` is; `shared` are the parameters of its path.
pub(crate) fn method(
    name: &str,
    described: &Value,
    shared: Option<&Value>,
    known: &Definitions<'_>,
) -> Result<MethodRecord, Error> {
    let mut method = MethodRecord {
        http_method: name.to_owned(),
        authorization_type: "NONE".to_owned(),
        operation_name: text(described, "operationId").map(str::to_owned),
        ..MethodRecord::default()
    };
    security(&mut method, described, known)?;
    method.request_validator_id = match text(described, "x-amazon-apigateway-request-validator") {
        Some(name) => {
            let id = known.validators.get(name).cloned();
            Some(id.ok_or_else(|| wrong(format_args!("{name} is no request validator.")))?)
        }
        None => known.validator.clone(),
    };
    for list in [shared, described.get("parameters")].into_iter().flatten() {
        for parameter in list.as_array().into_iter().flatten() {
            add_parameter(&mut method, described, resolved(parameter, known.document));
        }
    }
    let content = described.pointer("/requestBody/content").and_then(Value::as_object);
    for (media, content) in content.into_iter().flatten() {
        if let Some(model) = content.get("schema").and_then(model) {
            method.request_models.get_or_insert_default().insert(media.clone(), model);
        }
    }
    for (code, response) in object(described, "responses") {
        // `default` stands for no status of its own.
        if code.len() == 3 && code.bytes().all(|b| b.is_ascii_digit()) {
            let response = resolved(response, known.document);
            let response = method_response(code, described, response);
            method.method_responses.get_or_insert_default().insert(code.clone(), response);
        }
    }
    if described.get(INTEGRATION).is_some() {
        let integration = read_integration(described)?;
        integration::check(&integration)?;
        method.method_integration = Some(integration);
    }
    Ok(method)
}

/// What `$ref` leads to within the document, one step far.
fn resolved<'a>(value: &'a Value, document: &'a Value) -> &'a Value {
    let pointer = text(value, "$ref").and_then(|reference| reference.strip_prefix('#'));
    pointer.and_then(|pointer| document.pointer(pointer)).unwrap_or(value)
}

fn security(
    method: &mut MethodRecord,
    described: &Value,
    known: &Definitions<'_>,
) -> Result<(), Error> {
    let auth = described.get("x-amazon-apigateway-auth").and_then(|auth| text(auth, "type"));
    if auth.is_some_and(|auth| auth.eq_ignore_ascii_case("AWS_IAM")) {
        "AWS_IAM".clone_into(&mut method.authorization_type);
    }
    let required = described.get("security").and_then(Value::as_array).into_iter().flatten();
    for (name, scopes) in required.filter_map(Value::as_object).flatten() {
        match known.schemes.get(name) {
            // SAM's word for a method that the default authorizer does not guard.
            None if name == "NONE" => {}
            None => return Err(wrong(format_args!("{name} is no security scheme."))),
            Some(Scheme::ApiKey) => method.api_key_required = true,
            Some(Scheme::Iam) => "AWS_IAM".clone_into(&mut method.authorization_type),
            Some(Scheme::Authorizer(kind, id)) => {
                (*kind).clone_into(&mut method.authorization_type);
                method.authorizer_id = Some(id.clone());
                let scopes = scopes.as_array().into_iter().flatten();
                let scopes: Vec<_> = scopes.filter_map(Value::as_str).map(str::to_owned).collect();
                method.authorization_scopes = (!scopes.is_empty()).then_some(scopes);
            }
        }
    }
    Ok(())
}

fn add_parameter(method: &mut MethodRecord, described: &Value, parameter: &Value) {
    let Some(name) = text(parameter, "name") else { return };
    let place = match text(parameter, "in") {
        Some("query") => "querystring",
        Some("header") => "header",
        Some("path") => "path",
        // 2.0's body: a model for each media type that the operation takes.
        Some("body") => {
            let Some(model) = parameter.get("schema").and_then(model) else { return };
            let models = method.request_models.get_or_insert_default();
            let media = media_types(described, "consumes");
            models.extend(media.into_iter().map(|media| (media, model.clone())));
            return;
        }
        _ => return,
    };
    let required = parameter.get("required").and_then(super::openapi::truth).unwrap_or(false);
    let parameters = method.request_parameters.get_or_insert_default();
    parameters.insert(format!("method.request.{place}.{name}"), required);
}

fn media_types(described: &Value, name: &str) -> Vec<String> {
    let all = described.get(name).and_then(Value::as_array).into_iter().flatten();
    let all: Vec<_> = all.filter_map(Value::as_str).map(str::to_owned).collect();
    if all.is_empty() { vec![JSON.to_owned()] } else { all }
}

/// The model that a schema refers to. Schemas in place have no name, and are no models here.
fn model(schema: &Value) -> Option<String> {
    text(schema, "$ref")?.rsplit('/').next().map(str::to_owned)
}

fn method_response(code: &str, described: &Value, response: &Value) -> MethodResponse {
    let headers = object(response, "headers");
    let headers = headers.map(|(name, _)| (format!("method.response.header.{name}"), false));
    let headers: BTreeMap<_, _> = headers.collect();
    let mut models = BTreeMap::new();
    if let Some(model) = response.get("schema").and_then(model) {
        let media = media_types(described, "produces");
        models.extend(media.into_iter().map(|media| (media, model.clone())));
    }
    for (media, content) in object(response, "content") {
        if let Some(model) = content.get("schema").and_then(model) {
            models.insert(media.clone(), model);
        }
    }
    MethodResponse {
        status_code: code.to_owned(),
        response_parameters: (!headers.is_empty()).then_some(headers),
        response_models: (!models.is_empty()).then_some(models),
    }
}

fn read_integration(described: &Value) -> Result<IntegrationRecord, Error> {
    let mut members: Map<String, Value> = part(described, INTEGRATION)?.unwrap_or_default();
    let responses = members.shift_remove("responses").unwrap_or_default();
    let kind = members.get("type").and_then(Value::as_str).unwrap_or_default().to_uppercase();
    members.insert("type".to_owned(), kind.into());
    for name in ["passthroughBehavior", "contentHandling"] {
        let word = members.get(name).and_then(Value::as_str).map(str::to_uppercase);
        word.and_then(|word| members.insert(name.to_owned(), word.into()));
    }
    let wrapped = Value::Object(Map::from_iter([(INTEGRATION.to_owned(), members.into())]));
    let mut integration: IntegrationRecord = part(&wrapped, INTEGRATION)?.unwrap_or_default();
    for (pattern, response) in responses.as_object().into_iter().flatten() {
        let code = response.get("statusCode").and_then(status);
        let code = code.ok_or_else(|| wrong("an integration response has no statusCode."))?;
        let mut members = response.as_object().cloned().unwrap_or_default();
        members.insert("statusCode".to_owned(), code.clone().into());
        // People write numbers there, such as a preflight's age.
        let parameters = members.get_mut("responseParameters").and_then(Value::as_object_mut);
        for (_, value) in parameters.into_iter().flatten() {
            if value.is_number() || value.is_boolean() {
                *value = value.to_string().into();
            }
        }
        let read = serde_json::from_value(Value::Object(members));
        let mut response: IntegrationResponse =
            read.map_err(|why| wrong(format_args!("integration response {pattern}: {why}")))?;
        response.selection_pattern = (pattern != "default").then(|| pattern.clone());
        integration.integration_responses.get_or_insert_default().insert(code, response);
    }
    integration.fill("");
    Ok(integration)
}
