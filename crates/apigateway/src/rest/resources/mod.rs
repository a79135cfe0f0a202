//! AWS::ApiGateway::RestApi, Resource, Method, Deployment, Stage, Authorizer, Model,
//! RequestValidator, GatewayResponse and Account.
//!
//! A template's properties are the members of the API's requests with a capital letter, so a
//! request is filled from them by name; what a request of creation does not take is patched after.

mod account;
mod deployment;
mod method;
mod part;
mod rest_api;
mod stage;

use cumulet_api_apigateway::types::{Op, PatchOperation};
use cumulet_service::{Cx, Error, Resource, Result};
use cumulet_shape::Operation;
use serde_json::{Map, Value};

use crate::carry;

type Members = Map<String, Value>;

/// The resource types of REST APIs.
pub(crate) fn all() -> Vec<&'static dyn Resource> {
    let mut all: Vec<&'static dyn Resource> = vec![
        &rest_api::RestApi,
        &stage::Stage,
        &deployment::Deployment,
        &method::Method,
        &account::Account,
    ];
    all.extend(part::all());
    all
}

/// Calls an operation with a request of these members; gives the members of its answer.
async fn call<O: Operation>(cx: &Cx, members: Members) -> Result<Members> {
    let input = carry::shape::<O::Input>(&members);
    let input = input.map_err(|why| Error::validation(why.cause.unwrap_or(why.message)))?;
    carry::members(&cx.call::<O>(input).await?)
}

/// `call`, to make what the resource is: its id, which answers have as `id`. What an earlier run of
/// the attempt has made is not made again.
async fn make<O: Operation>(cx: &Cx, members: Members, id: &str) -> Result<String> {
    match cx.made_before().await? {
        Some(made) => Ok(made),
        None => Ok(text(&call::<O>(cx, members).await?, id).to_owned()),
    }
}

/// `call`, to remove: what is gone already is no error.
async fn remove<O: Operation>(cx: &Cx, members: Members) -> Result<()> {
    match call::<O>(cx, members).await {
        Err(error) if error.code != "NotFoundException" => Err(error),
        _ => Ok(()),
    }
}

/// Changes what `members` name.
async fn patch<O: Operation>(
    cx: &Cx,
    mut members: Members,
    operations: Vec<PatchOperation>,
) -> Result<()> {
    if operations.is_empty() {
        return Ok(());
    }
    let operations = operations.iter().map(carry::members).collect::<Result<Vec<_>>>()?;
    let operations = operations.into_iter().map(Value::Object).collect::<Vec<_>>();
    members.insert("patchOperations".to_owned(), operations.into());
    call::<O>(cx, members).await.map(drop)
}

/// One operation; without a value it removes.
fn operation(path: impl Into<String>, value: Option<String>) -> PatchOperation {
    let op = if value.is_some() { Op::Replace } else { Op::Remove };
    PatchOperation { op: Some(op), path: Some(path.into()), value, from: None }
}

/// A segment of a patch's path.
fn escaped(segment: &str) -> String {
    segment.replace('~', "~0").replace('/', "~1")
}

/// A property's value as patches have it.
fn patch_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The operations that make texts by name at `path` those of `after`.
fn changed_texts(path: &str, before: Option<&Value>, after: Option<&Value>) -> Vec<PatchOperation> {
    let object = |value: Option<&Value>| value.and_then(Value::as_object).cloned();
    let (before, after) = (object(before).unwrap_or_default(), object(after).unwrap_or_default());
    let at = |name: &str| format!("{path}/{}", escaped(name));
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    let mut operations: Vec<_> = gone.map(|name| operation(at(name), None)).collect();
    let new = after.iter().filter(|(name, value)| before.get(*name) != Some(*value));
    operations.extend(new.map(|(name, value)| operation(at(name), Some(patch_text(value)))));
    operations
}

/// The operations that make members of their own, and lists, those of `after`: property and path.
/// They can be told to what is as `before` says, and to what never came to be so.
fn changed_members(
    names: &[(&str, &str)],
    before: &Members,
    after: &Members,
) -> Vec<PatchOperation> {
    let mut operations = Vec::new();
    for (name, path) in names {
        match (before.get(*name), after.get(*name)) {
            (was, is) if was == is => {}
            (_, Some(Value::Array(has))) => {
                operations.push(operation(*path, None));
                operations.extend(has.iter().map(|one| entry(Op::Add, path, one)));
            }
            (_, is) => operations.push(operation(*path, is.map(patch_text))),
        }
    }
    operations
}

/// Adds an entry to a list.
fn entry(op: Op, path: &str, entry: &Value) -> PatchOperation {
    let (path, value) = (Some(path.to_owned()), Some(patch_text(entry)));
    PatchOperation { op: Some(op), path, value, from: None }
}

/// Properties as a request's members.
fn lowered(properties: &Members) -> Members {
    let one = |(name, value): (&String, &Value)| {
        let member = match name.as_str() {
            "RestApiId" => "restapi_id".to_owned(),
            name => lower(name),
        };
        let value = match value {
            Value::Object(inner) if STRUCTURES.contains(&member.as_str()) => lowered(inner).into(),
            other => typed(&member, other),
        };
        (member, value)
    };
    properties.iter().map(one).collect()
}

fn lower(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

/// Templates have numbers and truths as texts too, and the other way about.
fn typed(member: &str, value: &Value) -> Value {
    match value {
        Value::String(text) if TRUTHS.contains(&member) => {
            text.parse::<bool>().map_or_else(|_| value.clone(), Value::from)
        }
        Value::String(text) if NUMBERS.contains(&member) => {
            text.parse::<i64>().map_or_else(|_| value.clone(), Value::from)
        }
        Value::Number(number) if member == "statusCode" || member == "cacheClusterSize" => {
            number.to_string().into()
        }
        Value::Object(all) if member == "requestParameters" || member == "responseParameters" => {
            let truth = |value: &Value| match value.as_str() {
                Some("true") => true.into(),
                Some("false") => false.into(),
                _ => value.clone(),
            };
            all.iter().map(|(name, value)| (name.clone(), truth(value))).collect()
        }
        other => other.clone(),
    }
}

const STRUCTURES: [&str; 1] = ["endpointConfiguration"];
const TRUTHS: [&str; 7] = [
    "disableExecuteApiEndpoint",
    "apiKeyRequired",
    "validateRequestBody",
    "validateRequestParameters",
    "tracingEnabled",
    "cacheClusterEnabled",
    "failOnWarnings",
];
const NUMBERS: [&str; 3] =
    ["timeoutInMillis", "minimumCompressionSize", "authorizerResultTtlInSeconds"];

/// The stack's tags beside a resource's own, which win.
fn tags(own: Option<&Value>, of_stack: &[(String, String)]) -> Members {
    let mut tags: Members =
        of_stack.iter().map(|(key, value)| (key.clone(), value.clone().into())).collect();
    for tag in own.and_then(Value::as_array).into_iter().flatten() {
        if let (Some(key), Some(value)) = (tag.get("Key").and_then(Value::as_str), tag.get("Value"))
        {
            tags.insert(key.to_owned(), patch_text(value).into());
        }
    }
    tags
}

fn pairs<const N: usize>(pairs: [(&str, Value); N]) -> Members {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The text of a property.
fn text<'a>(properties: &'a Members, name: &str) -> &'a str {
    carry::text(properties, name).unwrap_or_default()
}

/// Refuses properties that would be ignored.
fn refuse(kind: &str, properties: &Members, names: &[&str]) -> Result<()> {
    match names.iter().find(|name| properties.contains_key(**name)) {
        Some(name) => {
            Err(Error::validation(format!("{kind}: the property {name} is not supported.")))
        }
        None => Ok(()),
    }
}
