//! AWS::ApiGateway::RestApi: of its document, where the template gives one, and of its other
//! properties, which win over what the document says.

use cumulet_api_apigateway::ops::{
    CreateRestApi, DeleteRestApi, GetRestApi, GetTags, PutRestApi, PutRestApiRequest, TagResource,
    UntagResource, UntagResourceRequest, UpdateRestApi,
};
use cumulet_api_apigateway::types::{Op, PatchOperation, PutMode};
use cumulet_api_s3::ops::{GetObject, GetObjectRequest};
use cumulet_service::{Actual, BoxFuture, Changed, Cx, Desired, Error, Resource, Result};
use serde_json::{Map, Value, json};

use super::{
    Members, call, lowered, make, operation, pairs, patch, patch_text, refuse, remove, tags, text,
};
use crate::carry;

const NAME: &str = "AWS::ApiGateway::RestApi";
/// "OpenAPI file size".
const MOST_BYTES: usize = 6 << 20;

#[derive(Debug)]
pub(super) struct RestApi;

/// What CloudFormation does with a document, and not with the API.
const OF_DOCUMENT: [&str; 6] =
    ["Body", "BodyS3Location", "FailOnWarnings", "Mode", "Parameters", "Tags"];

/// Properties that are changed by patches, and where they lie.
const PATCHED: [(&str, &str); 7] = [
    ("Name", "/name"),
    ("Description", "/description"),
    ("ApiKeySourceType", "/apiKeySource"),
    ("DisableExecuteApiEndpoint", "/disableExecuteApiEndpoint"),
    ("MinimumCompressionSize", "/minimumCompressionSize"),
    ("SecurityPolicy", "/securityPolicy"),
    ("EndpointAccessMode", "/endpointAccessMode"),
];

impl Resource for RestApi {
    fn type_name(&self) -> &'static str {
        NAME
    }

    fn replaces(&self, _: &str) -> bool {
        false
    }

    fn create<'a>(&'a self, cx: &'a Cx, desired: Desired<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(async move {
            let properties = desired.properties;
            refuse(NAME, properties, &["CloneFrom"])?;
            let body = document(cx, properties).await?;
            let mut members = properties.clone();
            members.retain(|name, _| !OF_DOCUMENT.contains(&name.as_str()));
            let mut members = lowered(&members);
            if let Some(source) = members.shift_remove("apiKeySourceType") {
                members.insert("apiKeySource".to_owned(), source);
            }
            members.shift_remove("binaryMediaTypes");
            members.entry("name").or_insert_with(|| desired.name.into());
            if let Some(Value::Object(policy)) = members.get("policy") {
                let policy = Value::Object(policy.clone()).to_string();
                members.insert("policy".to_owned(), policy.into());
            }
            let tags = tags(properties.get("Tags"), desired.tags);
            members.insert("tags".to_owned(), tags.into());
            let id = make::<CreateRestApi>(cx, members, "id").await?;
            put(cx, &id, properties, body).await?;
            settle(cx, &id, &Map::new(), properties).await?;
            actual(cx, &id).await
        })
    }

    fn update<'a>(&'a self, cx: &'a Cx, changed: Changed<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(async move {
            let (id, properties) = (changed.physical_id, changed.after.properties);
            let body = document(cx, properties).await?;
            put(cx, id, properties, body).await?;
            settle(cx, id, changed.before, properties).await?;
            retag(cx, id, &tags(properties.get("Tags"), changed.after.tags)).await?;
            actual(cx, id).await
        })
    }

    fn delete<'a>(&'a self, cx: &'a Cx, physical_id: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(remove::<DeleteRestApi>(cx, named(physical_id)))
    }
}

fn named(id: &str) -> Members {
    pairs([("restapi_id", id.into())])
}

async fn actual(cx: &Cx, id: &str) -> Result<Actual> {
    let api = call::<GetRestApi>(cx, named(id)).await?;
    let attributes = pairs([
        ("RestApiId", id.into()),
        ("RootResourceId", api.get("rootResourceId").cloned().unwrap_or_default()),
    ]);
    Ok(Actual { physical_id: id.to_owned(), attributes })
}

/// The document's text: in the template, or in a bucket.
async fn document(cx: &Cx, properties: &Members) -> Result<Option<Vec<u8>>> {
    if let Some(body) = properties.get("Body") {
        return Ok(Some(body.to_string().into_bytes()));
    }
    let Some(place) = properties.get("BodyS3Location").and_then(Value::as_object) else {
        return Ok(None);
    };
    let input = GetObjectRequest {
        bucket: text(place, "Bucket").to_owned(),
        key: text(place, "Key").to_owned(),
        version_id: carry::text(place, "Version").map(str::to_owned),
        ..GetObjectRequest::default()
    };
    let body = cx.call::<GetObject>(input).await?.body.map(|body| body.0).unwrap_or_default();
    let too_large = |_| Error::validation("The OpenAPI document has more than 6 MB.");
    Ok(Some(body.collect(MOST_BYTES).await.map_err(too_large)?.to_vec()))
}

async fn put(cx: &Cx, id: &str, properties: &Members, body: Option<Vec<u8>>) -> Result<()> {
    let Some(body) = body else { return Ok(()) };
    let merge = carry::text(properties, "Mode").is_some_and(|m| m.eq_ignore_ascii_case("merge"));
    let parameters = properties.get("Parameters").and_then(Value::as_object);
    let fails = lowered(properties).get("failOnWarnings").and_then(Value::as_bool);
    let input = PutRestApiRequest {
        rest_api_id: id.to_owned(),
        mode: Some(if merge { PutMode::Merge } else { PutMode::Overwrite }),
        fail_on_warnings: fails,
        parameters: parameters
            .map(|all| all.iter().map(|(k, v)| (k.clone(), patch_text(v))).collect()),
        body: body.into(),
    };
    cx.call::<PutRestApi>(input).await.map(drop)
}

/// The properties that stand beside a document, over what it says.
async fn settle(cx: &Cx, id: &str, before: &Members, after: &Members) -> Result<()> {
    let api = call::<GetRestApi>(cx, named(id)).await?;
    let mut operations = Vec::new();
    for (name, path) in PATCHED {
        match (before.get(name), after.get(name)) {
            (_, Some(value)) => operations.push(operation(path, Some(patch_text(value)))),
            // An API has a name, whatever its template says no more.
            (Some(_), None) if name != "Name" => operations.push(operation(path, None)),
            _ => {}
        }
    }
    match (before.get("Policy"), after.get("Policy")) {
        (_, Some(policy)) => operations.push(operation("/policy", Some(patch_text(policy)))),
        (Some(_), None) => operations.push(operation("/policy", None)),
        _ => {}
    }
    let types = |properties: &Members| -> Vec<String> {
        let all = properties.get("BinaryMediaTypes").and_then(Value::as_array);
        // As patches have them: `image~1png`.
        let plain = |value: &Value| patch_text(value).replace("~1", "/").replace("~0", "~");
        all.into_iter().flatten().map(plain).collect()
    };
    let there = api.get("binaryMediaTypes").and_then(Value::as_array).cloned().unwrap_or_default();
    let is_there = |kind: &String| there.iter().any(|one| one.as_str() == Some(kind));
    let (had, has) = (types(before), types(after));
    let gone = had.iter().filter(|kind| !has.contains(kind) && is_there(kind));
    let new = has.iter().filter(|kind| !is_there(kind));
    let patched = |op| {
        move |kind: &String| {
            let path = Some(format!("/binaryMediaTypes/{}", super::escaped(kind)));
            PatchOperation { op: Some(op), path, ..PatchOperation::default() }
        }
    };
    operations.extend(gone.map(patched(Op::Remove)));
    operations.extend(new.map(patched(Op::Add)));
    let kind = |properties: &Members| {
        let types = properties.get("EndpointConfiguration").and_then(|it| it.get("Types"));
        types.and_then(|types| types.get(0)).map(patch_text)
    };
    if let Some(kind) = kind(after) {
        operations.push(operation("/endpointConfiguration/types/0", Some(kind)));
    }
    patch::<UpdateRestApi>(cx, named(id), operations).await
}

async fn retag(cx: &Cx, id: &str, tags: &Members) -> Result<()> {
    let arn = format!("arn:aws:apigateway:{}::/restapis/{id}", cx.region());
    let had = call::<GetTags>(cx, pairs([("resource_arn", arn.clone().into())])).await?;
    let had = had.get("tags").and_then(Value::as_object).cloned().unwrap_or_default();
    let gone: Vec<String> = had.keys().filter(|key| !tags.contains_key(*key)).cloned().collect();
    if !gone.is_empty() {
        let untag = UntagResourceRequest { resource_arn: arn.clone(), tag_keys: gone };
        cx.call::<UntagResource>(untag).await?;
    }
    if !tags.is_empty() {
        let new = pairs([("resource_arn", arn.into()), ("tags", json!(tags))]);
        call::<TagResource>(cx, new).await?;
    }
    Ok(())
}
