//! What an OpenAPI document (2.0 or 3.0) says of a REST API, with the `x-amazon-apigateway-*`
//! extensions ("OpenAPI extensions for API Gateway"). Pure: nothing is stored here.
//!
//! Top-level `security` is ignored, as REST APIs ignore it. Not here: YAML, `basepath=split`, and
//! integrations that are only referred to.

use std::collections::BTreeMap;

use cumulet_base::Ids;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::model::{
    AuthorizerRecord, Endpoint, GatewayResponseRecord, MethodRecord, ModelRecord, ValidatorRecord,
};
use super::operation;
use super::part::Named as _;
use crate::error::Error;
use crate::store;

/// "OpenAPI file size": 6 MB.
const MOST_BYTES: usize = 6 << 20;
/// Levels of a document; schemas are deep.
const DEPTH: usize = 128;
const AUTHORIZER: &str = "x-amazon-apigateway-authorizer";
const AUTHTYPE: &str = "x-amazon-apigateway-authtype";

/// A document's methods by resource path and by `GET` … or `ANY`.
pub(crate) type Methods = BTreeMap<String, BTreeMap<String, MethodRecord>>;

/// What a document says.
#[derive(Debug, Default)]
pub(crate) struct Document {
    pub(crate) title: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) binary_media_types: Option<Vec<String>>,
    pub(crate) minimum_compression_size: Option<i32>,
    pub(crate) api_key_source: Option<String>,
    pub(crate) policy: Option<String>,
    pub(crate) endpoint: Option<Endpoint>,
    pub(crate) disable_execute_api_endpoint: Option<bool>,
    pub(crate) methods: Methods,
    pub(crate) authorizers: Vec<AuthorizerRecord>,
    pub(crate) validators: Vec<ValidatorRecord>,
    pub(crate) models: Vec<ModelRecord>,
    pub(crate) gateway_responses: Vec<GatewayResponseRecord>,
    /// What of it is left out.
    pub(crate) warnings: Vec<String>,
}

/// What a security scheme asks of a caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// The method's authorization type, and the authorizer's id where it has one.
    Authorizer(&'static str, String),
    Iam,
    ApiKey,
}

/// Where a method's description finds what it refers to.
pub(crate) struct Definitions<'a> {
    pub(crate) document: &'a Value,
    pub(crate) schemes: BTreeMap<String, Scheme>,
    /// Ids by name.
    pub(crate) validators: BTreeMap<String, String>,
    /// The validator of methods that name none.
    pub(crate) validator: Option<String>,
}

pub(crate) fn wrong(words: impl std::fmt::Display) -> Error {
    Error::BadRequest(format!("Invalid OpenAPI input: {words}"))
}

/// Reads a document. `base_path` is the import's parameter `basepath`.
pub(crate) fn read(body: &[u8], base_path: &str, ids: &dyn Ids) -> Result<Document, Error> {
    if body.len() > MOST_BYTES {
        return Err(wrong("the document has more than 6 MB."));
    }
    let source = cumulet_wire::json::document(body, DEPTH)
        .map_err(|_| wrong("the document is not JSON. YAML cannot be imported yet."))?;
    let version = text(&source, "swagger").or_else(|| text(&source, "openapi"));
    if !version.is_some_and(|version| version == "2.0" || version.starts_with("3.")) {
        return Err(wrong("the document is neither Swagger 2.0 nor OpenAPI 3.0."));
    }
    let mut document = Document::default();
    let info = source.get("info").unwrap_or(&Value::Null);
    document.title = text(info, "title").map(str::to_owned);
    document.version = text(info, "version").map(str::to_owned);
    document.description = text(info, "description").map(str::to_owned);
    document.settings(&source)?;
    let schemes = document.schemes(&source, ids)?;
    let validators = document.validators(&source, ids)?;
    document.models(&source, ids);
    document.gateway_responses(&source)?;
    let known = Definitions {
        document: &source,
        schemes,
        validator: text(&source, "x-amazon-apigateway-request-validator")
            .and_then(|name| validators.get(name).cloned()),
        validators,
    };
    let base = match base_path {
        "" | "ignore" => "",
        "prepend" => base(&source).trim_matches('/'),
        "split" => return Err(Error::NotHere("imports with basepath=split")),
        other => return Err(wrong(format_args!("basepath {other} is not known."))),
    };
    for (path, item) in object(&source, "paths") {
        let path = path.trim_matches('/');
        let parts = [base, path].into_iter().filter(|part| !part.is_empty());
        let path = format!("/{}", parts.collect::<Vec<_>>().join("/"));
        let methods = document.methods.entry(path).or_default();
        for (name, described) in item.as_object().into_iter().flatten() {
            let Some(method) = method_name(name) else { continue };
            let shared = item.get("parameters");
            let record = operation::method(method, described, shared, &known)?;
            methods.insert(method.to_owned(), record);
        }
    }
    Ok(document)
}

/// `get` as `GET`; what describes the path (`parameters`, `summary`) is no method.
fn method_name(name: &str) -> Option<&'static str> {
    Some(match name {
        "get" => "GET",
        "put" => "PUT",
        "post" => "POST",
        "delete" => "DELETE",
        "options" => "OPTIONS",
        "head" => "HEAD",
        "patch" => "PATCH",
        "x-amazon-apigateway-any-method" => "ANY",
        _ => return None,
    })
}

/// The path that all of the document's paths lie below: 2.0's `basePath`, 3.0's first server's.
fn base(source: &Value) -> &str {
    let server = source.pointer("/servers/0/url").and_then(Value::as_str).unwrap_or_default();
    let path = server.split_once("://").map_or(server, |(_, rest)| {
        rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default()
    });
    text(source, "basePath").unwrap_or(path)
}

impl Document {
    /// The extensions that say something of the whole API.
    fn settings(&mut self, source: &Value) -> Result<(), Error> {
        self.binary_media_types = part(source, "x-amazon-apigateway-binary-media-types")?;
        self.minimum_compression_size =
            part(source, "x-amazon-apigateway-minimum-compression-size")?;
        self.api_key_source = part(source, "x-amazon-apigateway-api-key-source")?;
        self.policy = match source.get("x-amazon-apigateway-policy") {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.clone()),
            Some(policy) => Some(policy.to_string()),
        };
        if let Some(settings) = source.get("x-amazon-apigateway-endpoint-configuration") {
            self.disable_execute_api_endpoint =
                settings.get("disableExecuteApiEndpoint").and_then(truth);
            let endpoint: Endpoint =
                part(source, "x-amazon-apigateway-endpoint-configuration")?.unwrap_or_default();
            let said = !endpoint.types.is_empty() || endpoint.vpc_endpoint_ids.is_some();
            self.endpoint = said.then_some(endpoint);
        }
        for tag in source.get("tags").and_then(Value::as_array).into_iter().flatten() {
            let value = text(tag, "x-amazon-apigateway-tag-value");
            if let (Some(name), Some(value)) = (text(tag, "name"), value) {
                self.tags.insert(name.to_owned(), value.to_owned());
            }
        }
        Ok(())
    }

    /// The security schemes by name; those with an authorizer become one.
    fn schemes(
        &mut self,
        source: &Value,
        ids: &dyn Ids,
    ) -> Result<BTreeMap<String, Scheme>, Error> {
        let mut schemes = BTreeMap::new();
        let second = object(source, "securityDefinitions");
        let third = source.pointer("/components/securitySchemes").and_then(Value::as_object);
        for (name, scheme) in second.chain(third.into_iter().flatten()) {
            let known = if scheme.get(AUTHORIZER).is_some() {
                let mut authorizer: AuthorizerRecord =
                    part(scheme, AUTHORIZER)?.unwrap_or_default();
                authorizer.id = store::id(ids, 6);
                name.clone_into(&mut authorizer.name);
                authorizer.kind = authorizer.kind.to_uppercase();
                authorizer.auth_type = text(scheme, AUTHTYPE).map(str::to_owned);
                // A REQUEST authorizer's scheme has a name that means nothing.
                if authorizer.identity_source.is_none()
                    && authorizer.kind != "REQUEST"
                    && let Some(header) = text(scheme, "name")
                {
                    authorizer.identity_source = Some(format!("method.request.header.{header}"));
                }
                let kind = match authorizer.kind.as_str() {
                    "COGNITO_USER_POOLS" => "COGNITO_USER_POOLS",
                    _ => "CUSTOM",
                };
                let id = authorizer.id.clone();
                authorizer.fill(id.clone());
                self.authorizers.push(authorizer);
                Scheme::Authorizer(kind, id)
            } else if text(scheme, AUTHTYPE).is_some_and(|t| t.eq_ignore_ascii_case("awsSigv4")) {
                Scheme::Iam
            } else if text(scheme, "name").is_some_and(|n| n.eq_ignore_ascii_case("x-api-key")) {
                Scheme::ApiKey
            } else {
                self.warnings.push(format!("Security scheme {name} has no authorizer."));
                continue;
            };
            schemes.insert(name.clone(), known);
        }
        Ok(schemes)
    }

    fn validators(
        &mut self,
        source: &Value,
        ids: &dyn Ids,
    ) -> Result<BTreeMap<String, String>, Error> {
        let mut by_name = BTreeMap::new();
        let all = "x-amazon-apigateway-request-validators";
        for (name, _) in object(source, all) {
            let mut validator: ValidatorRecord =
                part(source.get(all).unwrap_or(&Value::Null), name)?.unwrap_or_default();
            validator.id = store::id(ids, 6);
            name.clone_into(&mut validator.name);
            by_name.insert(name.clone(), validator.id.clone());
            self.validators.push(validator);
        }
        Ok(by_name)
    }

    fn models(&mut self, source: &Value, ids: &dyn Ids) {
        let second = object(source, "definitions");
        let third = source.pointer("/components/schemas").and_then(Value::as_object);
        for (name, schema) in second.chain(third.into_iter().flatten()) {
            if !super::part::is_model_name(name) {
                self.warnings.push(format!("Model name {name} is not alphanumeric."));
                continue;
            }
            self.models.push(ModelRecord {
                id: store::id(ids, 6),
                name: name.clone(),
                description: None,
                schema: Some(schema.to_string()),
                content_type: "application/json".to_owned(),
            });
        }
    }

    fn gateway_responses(&mut self, source: &Value) -> Result<(), Error> {
        let all = "x-amazon-apigateway-gateway-responses";
        for (name, described) in object(source, all) {
            // The status may stand there as a number.
            let status = described.get("statusCode").and_then(status);
            let mut described = described.clone();
            if let Some(described) = described.as_object_mut() {
                described.shift_remove("statusCode");
                described.retain(|_, value| !value.is_null());
            }
            let read = serde_json::from_value(described);
            let mut response: GatewayResponseRecord =
                read.map_err(|why| wrong(format_args!("gateway response {name}: {why}")))?;
            name.clone_into(&mut response.response_type);
            response.status_code = status;
            super::gateway_response::check(&response)?;
            self.gateway_responses.push(response);
        }
        Ok(())
    }
}

/// A number or a text of three digits.
pub(crate) fn status(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.clone()),
        _ => None,
    }
}

/// A truth, which documents have as text too.
pub(crate) fn truth(value: &Value) -> Option<bool> {
    value.as_bool().or_else(|| value.as_str()?.parse().ok())
}

/// An extension's value as a type; nulls count as absent.
pub(crate) fn part<T: DeserializeOwned>(value: &Value, name: &str) -> Result<Option<T>, Error> {
    let Some(found) = value.get(name).filter(|found| !found.is_null()) else { return Ok(None) };
    let mut found = found.clone();
    if let Some(members) = found.as_object_mut() {
        members.retain(|_, member| !member.is_null());
        // Truths may be texts.
        for member in ["validateRequestBody", "validateRequestParameters"] {
            if let Some(value) = members.get(member).and_then(truth) {
                members.insert(member.to_owned(), value.into());
            }
        }
    }
    let read = serde_json::from_value(found);
    read.map(Some).map_err(|why| wrong(format_args!("{name}: {why}")))
}

pub(crate) fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str)
}

pub(crate) fn object<'a>(
    value: &'a Value,
    name: &str,
) -> impl Iterator<Item = (&'a String, &'a Value)> {
    static EMPTY: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
    value.get(name).and_then(Value::as_object).unwrap_or_else(|| &EMPTY).iter()
}
