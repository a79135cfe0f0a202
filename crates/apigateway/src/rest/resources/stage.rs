//! AWS::ApiGateway::Stage.

use std::collections::BTreeSet;

use cumulet_api_apigateway::ops::{CreateStage, DeleteStage, UpdateStage};
use cumulet_api_apigateway::types::PatchOperation;
use cumulet_service::{Actual, BoxFuture, Changed, Cx, Desired, Resource, Result};
use serde_json::{Map, Value};

use super::{
    Members, changed_members, changed_texts, lowered, make, operation, pairs, patch, patch_text,
    refuse, remove, tags, text,
};

const NAME: &str = "AWS::ApiGateway::Stage";

#[derive(Debug)]
pub(super) struct Stage;

/// A method's settings: the property, and the end of the path that it is patched at.
const SETTINGS: [(&str, &str); 8] = [
    ("MetricsEnabled", "metrics/enabled"),
    ("LoggingLevel", "logging/loglevel"),
    ("DataTraceEnabled", "logging/dataTrace"),
    ("ThrottlingBurstLimit", "throttling/burstLimit"),
    ("ThrottlingRateLimit", "throttling/rateLimit"),
    ("CachingEnabled", "caching/enabled"),
    ("CacheTtlInSeconds", "caching/ttlInSeconds"),
    ("CacheDataEncrypted", "caching/dataEncrypted"),
];

/// Properties that requests of creation do not take, or that change in place.
const PATCHED: [(&str, &str); 7] = [
    ("DeploymentId", "/deploymentId"),
    ("Description", "/description"),
    ("TracingEnabled", "/tracingEnabled"),
    ("CacheClusterEnabled", "/cacheClusterEnabled"),
    ("CacheClusterSize", "/cacheClusterSize"),
    ("ClientCertificateId", "/clientCertificateId"),
    ("DocumentationVersion", "/documentationVersion"),
];

impl Resource for Stage {
    fn type_name(&self) -> &'static str {
        NAME
    }

    fn replaces(&self, property: &str) -> bool {
        ["RestApiId", "StageName"].contains(&property)
    }

    fn part_of(&self) -> Option<&'static str> {
        Some("RestApiId")
    }

    fn create<'a>(&'a self, cx: &'a Cx, desired: Desired<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(async move {
            let properties = desired.properties;
            refuse(NAME, properties, &["CanarySetting"])?;
            let mut members = lowered(properties);
            for name in ["accessLogSetting", "methodSettings", "clientCertificateId"] {
                members.shift_remove(name);
            }
            // What has no name is called so.
            members.entry("stageName").or_insert_with(|| "default".into());
            members.insert("tags".to_owned(), tags(properties.get("Tags"), desired.tags).into());
            let physical_id = make::<CreateStage>(cx, members, "stageName").await?;
            let mut operations = log(&Map::new(), properties);
            operations.extend(settings(&Map::new(), properties));
            patch::<UpdateStage>(cx, place(properties, &physical_id), operations).await?;
            Ok(Actual { physical_id, attributes: Map::new() })
        })
    }

    fn update<'a>(&'a self, cx: &'a Cx, changed: Changed<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(async move {
            let (before, after) = (changed.before, changed.after.properties);
            refuse(NAME, after, &["CanarySetting"])?;
            let mut operations = changed_members(&PATCHED, before, after);
            let (had, has) = (before.get("Variables"), after.get("Variables"));
            operations.extend(changed_texts("/variables", had, has));
            operations.extend(log(before, after));
            operations.extend(settings(before, after));
            let place = place(after, changed.physical_id);
            patch::<UpdateStage>(cx, place, operations).await?;
            Ok(Actual { physical_id: changed.physical_id.to_owned(), attributes: Map::new() })
        })
    }

    fn delete<'a>(&'a self, _: &'a Cx, _: &'a str) -> BoxFuture<'a, Result<()>> {
        // A stage is not known by its name alone; it goes with its API.
        Box::pin(async { Ok(()) })
    }

    fn remove<'a>(
        &'a self,
        cx: &'a Cx,
        physical_id: &'a str,
        before: &'a Map<String, Value>,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(remove::<DeleteStage>(cx, place(before, physical_id)))
    }
}

fn place(properties: &Members, name: &str) -> Members {
    let api = text(properties, "RestApiId");
    pairs([("restapi_id", api.into()), ("stage_name", name.into())])
}

fn log(before: &Members, after: &Members) -> Vec<PatchOperation> {
    let of = |properties: &Members| {
        properties.get("AccessLogSetting").and_then(Value::as_object).cloned().unwrap_or_default()
    };
    let names = [
        ("DestinationArn", "/accessLogSettings/destinationArn"),
        ("Format", "/accessLogSettings/format"),
    ];
    changed_members(&names, &of(before), &of(after))
}

/// Settings by the method's path, which is `*/*` or a path with its slashes escaped.
fn by_method(properties: &Members) -> Members {
    let all = properties.get("MethodSettings").and_then(Value::as_array).into_iter().flatten();
    let one = |setting: &Value| {
        let setting = setting.as_object()?;
        let path = text(setting, "ResourcePath");
        let path = if path == "/*" { "*" } else { path };
        let path = path.replace("~1", "/");
        Some((
            format!("{}/{}", super::escaped(&path), text(setting, "HttpMethod")),
            setting.clone(),
        ))
    };
    all.filter_map(one).map(|(path, setting)| (path, Value::Object(setting))).collect()
}

fn settings(before: &Members, after: &Members) -> Vec<PatchOperation> {
    let (had, has) = (by_method(before), by_method(after));
    let paths: BTreeSet<&String> = had.keys().chain(has.keys()).collect();
    let mut operations = Vec::new();
    for path in paths {
        for (name, end) in SETTINGS {
            let of = |all: &Members| all.get(path).and_then(|setting| setting.get(name)).cloned();
            let (was, is) = (of(&had), of(&has));
            if was != is {
                operations.push(operation(format!("/{path}/{end}"), is.as_ref().map(patch_text)));
            }
        }
    }
    operations
}
