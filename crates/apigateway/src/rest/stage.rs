//! Stages: the names under which deployments are served.
//!
//! Promises: variables and access log take effect with the next request; tracing, caching and the
//! settings of methods are kept and shown, no more.
//! Refuses: logs while the account has no role to write them, names that AWS refuses, a second
//! stage of the same name, deployments that are not there, canaries.

use cumulet_api_apigateway::ops::{
    CreateStageRequest, DeleteStageOutput, DeleteStageRequest, GetStageRequest, GetStagesRequest,
    Stages, UpdateStageRequest,
};
use cumulet_api_apigateway::types::{Op, PatchOperation, Stage};
use cumulet_service::{Cx, Result as ServiceResult};
use serde_json::{Map, Value, json};

use super::account;
use super::keys::Keys;
use super::model::{DeploymentRecord, StageRecord};
use super::patch::{self, Kind, Member};
use crate::carry;
use crate::error::Error;

const MEMBERS: [Member; 11] = [
    Member("/deploymentId", Kind::Text),
    Member("/description", Kind::Text),
    Member("/variables", Kind::Texts),
    Member("/accessLogSettings/destinationArn", Kind::Text),
    Member("/accessLogSettings/format", Kind::Text),
    Member("/accessLogSettings", Kind::Group),
    Member("/tracingEnabled", Kind::Truth),
    Member("/cacheClusterEnabled", Kind::Truth),
    Member("/cacheClusterSize", Kind::Text),
    Member("/clientCertificateId", Kind::Text),
    Member("/documentationVersion", Kind::Text),
];

/// Settings of methods: the end of their path, the member, and its type ("Patch operations:
/// UpdateStage").
const SETTINGS: [(&str, Member); 10] = [
    ("metrics/enabled", Member("/metricsEnabled", Kind::Truth)),
    ("logging/loglevel", Member("/loggingLevel", Kind::Text)),
    ("logging/dataTrace", Member("/dataTraceEnabled", Kind::Truth)),
    ("throttling/burstLimit", Member("/throttlingBurstLimit", Kind::Integer)),
    ("throttling/rateLimit", Member("/throttlingRateLimit", Kind::Number)),
    ("caching/enabled", Member("/cachingEnabled", Kind::Truth)),
    ("caching/ttlInSeconds", Member("/cacheTtlInSeconds", Kind::Integer)),
    ("caching/dataEncrypted", Member("/cacheDataEncrypted", Kind::Truth)),
    (
        "caching/requireAuthorizationForCacheControl",
        Member("/requireAuthorizationForCacheControl", Kind::Truth),
    ),
    (
        "caching/unauthorizedCacheControlHeaderStrategy",
        Member("/unauthorizedCacheControlHeaderStrategy", Kind::Text),
    ),
];

pub(crate) fn check(stage: &StageRecord) -> Result<(), Error> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
    if !(1..=128).contains(&stage.stage_name.len()) || !stage.stage_name.bytes().all(plain) {
        return Err(Error::bad("Stage name only allows a-zA-Z0-9_-"));
    }
    let variables = stage.variables.iter().flatten();
    if variables.clone().count() > 100
        || variables.clone().any(|(k, v)| k.len() > 64 || v.len() > 512)
    {
        return Err(Error::bad(
            "A stage has at most 100 variables, with names of 64 and values of 512 characters.",
        ));
    }
    let log = stage.access_log_settings.clone().unwrap_or_default();
    let format = log.format.unwrap_or_default();
    let identified =
        format.contains("$context.requestId") || format.contains("$context.extendedRequestId");
    if !format.is_empty() && !identified {
        return Err(Error::bad(
            "The format of an access log must include $context.requestId or \
             $context.extendedRequestId.",
        ));
    }
    Ok(())
}

/// Whether a stage writes access logs to CloudWatch, or is to write execution logs there.
fn logs(stage: &StageRecord) -> bool {
    let access = stage.access_log_settings.as_ref().and_then(|log| log.destination_arn.as_deref());
    let level = |settings: &Value| settings.get("loggingLevel").cloned().unwrap_or_default();
    access.is_some_and(|arn| arn.starts_with("arn:aws:logs:"))
        || stage
            .method_settings
            .values()
            .any(|one| ["ERROR", "INFO"].iter().any(|l| level(one) == *l))
}

fn is_logged_alike(one: &StageRecord, other: &StageRecord) -> bool {
    let levels = |stage: &StageRecord| {
        let levels = stage.method_settings.values().map(|one| one.get("loggingLevel").cloned());
        levels.collect::<Vec<_>>()
    };
    one.access_log_settings == other.access_log_settings && levels(one) == levels(other)
}

/// What a deployment's request says of its stage.
pub(crate) fn overlay(stage: &mut StageRecord, members: &Map<String, Value>) {
    if let Some(description) = carry::text(members, "stageDescription") {
        stage.description = Some(description.to_owned());
    }
    if let Some(variables) = members.get("variables").and_then(Value::as_object) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        stage.variables = Some(variables.iter().map(|(k, v)| (k.clone(), text(v))).collect());
    }
    let truth = |name| members.get(name).and_then(Value::as_bool);
    stage.tracing_enabled = truth("tracingEnabled").unwrap_or(stage.tracing_enabled);
    stage.cache_cluster_enabled =
        truth("cacheClusterEnabled").unwrap_or(stage.cache_cluster_enabled);
    let size = carry::text(members, "cacheClusterSize").map(str::to_owned);
    stage.cache_cluster_size = size.or_else(|| stage.cache_cluster_size.take());
}

pub(crate) async fn create(cx: &Cx, input: CreateStageRequest) -> ServiceResult<Stage> {
    if input.canary_settings.is_some() {
        return Err(Error::NotHere("canary deployments of REST APIs").into());
    }
    let members = carry::members(&input)?;
    let keys = Keys::of(cx, &members);
    let mut stage: StageRecord = carry::record(members)?;
    stage.created_date = cx.now().secs();
    stage.last_updated_date = stage.created_date;
    check(&stage)?;
    cx.store()
        .transact(async |tx| {
            keys.load(&tx).await?;
            keys.part::<DeploymentRecord>(&tx, &stage.deployment_id).await?;
            if keys.find::<StageRecord>(&tx, &stage.stage_name).await?.is_some() {
                return Err(Error::Conflict("Stage already exists".to_owned()));
            }
            keys.add(&tx, &stage).await?;
            cx.note_made(&tx, &stage.stage_name);
            Ok(())
        })
        .await?;
    carry::shape(&stage)
}

pub(crate) async fn get(cx: &Cx, input: GetStageRequest) -> ServiceResult<Stage> {
    let keys = Keys::new(cx, &input.rest_api_id);
    let snapshot = cx.store().snapshot();
    keys.load(&snapshot).await?;
    carry::shape(&keys.part::<StageRecord>(&snapshot, &input.stage_name).await?)
}

pub(crate) async fn list(cx: &Cx, input: GetStagesRequest) -> ServiceResult<Stages> {
    let keys = Keys::new(cx, &input.rest_api_id);
    let snapshot = cx.store().snapshot();
    keys.load(&snapshot).await?;
    let mut all: Vec<StageRecord> = keys.parts(&snapshot).await?;
    if let Some(deployment) = &input.deployment_id {
        all.retain(|stage| stage.deployment_id == *deployment);
    }
    carry::shape(&json!({ "item": all }))
}

pub(crate) async fn update(cx: &Cx, input: UpdateStageRequest) -> ServiceResult<Stage> {
    let keys = Keys::new(cx, &input.rest_api_id);
    let operations = input.patch_operations.unwrap_or_default();
    let now = cx.now().secs();
    let stage = cx
        .store()
        .transact(async |tx| {
            keys.load(&tx).await?;
            let before = keys.part::<StageRecord>(&tx, &input.stage_name).await?;
            let mut stage = patched(before.clone(), &operations)?;
            stage.last_updated_date = now;
            check(&stage)?;
            if logs(&stage) && !is_logged_alike(&before, &stage) {
                account::needed(&tx, &keys.apis).await?;
            }
            keys.part::<DeploymentRecord>(&tx, &stage.deployment_id).await?;
            keys.put(&tx, &stage);
            Ok::<_, Error>(stage)
        })
        .await?;
    carry::shape(&stage)
}

fn patched(stage: StageRecord, operations: &[PatchOperation]) -> Result<StageRecord, Error> {
    operations.iter().try_fold(stage, |stage, operation| match setting(operation) {
        Some((method, member)) => with_setting(stage, method, member, operation),
        None => patch::record(&stage, &MEMBERS, std::slice::from_ref(operation)),
    })
}

/// The method (`*/*`, `pets/GET`) and setting that a path names: `/~1pets/GET/logging/loglevel`;
/// without setting it is all of the method's.
fn setting(operation: &PatchOperation) -> Option<(String, Option<Member>)> {
    let segments = patch::pointer(operation.path.as_deref()?)?;
    let named = |count: usize| {
        let (before, end) = segments.split_at_checked(segments.len().checked_sub(count)?)?;
        let (verb, path) = before.split_last()?;
        let path = path.join("/");
        // The root has no name without its slash.
        let path = match path.trim_start_matches('/') {
            "" => "~1",
            path => path,
        };
        Some((format!("{path}/{verb}"), end.join("/")))
    };
    if let Some((method, end)) = named(2)
        && let Some((_, member)) = SETTINGS.iter().find(|(name, _)| *name == end)
    {
        return Some((method, Some(*member)));
    }
    let known = MEMBERS.iter().any(|member| {
        let first = member.0.split('/').nth(1);
        segments.first().map(String::as_str) == first
    });
    let whole = operation.op == Some(Op::Remove) && segments.len() >= 2 && !known;
    whole.then(|| named(0).map(|(method, _)| (method, None)))?
}

fn with_setting(
    mut stage: StageRecord,
    method: String,
    member: Option<Member>,
    operation: &PatchOperation,
) -> Result<StageRecord, Error> {
    let Some(member) = member else {
        let none = || Error::NotFound("Invalid method setting path specified".to_owned());
        stage.method_settings.remove(&method).ok_or_else(none)?;
        return Ok(stage);
    };
    let operation = PatchOperation { path: Some(member.0.to_owned()), ..operation.clone() };
    let settings = stage.method_settings.remove(&method).unwrap_or_else(|| json!({}));
    let settings = patch::apply(settings, &[member], &[operation])?;
    stage.method_settings.insert(method, settings);
    Ok(stage)
}

pub(crate) async fn delete(cx: &Cx, input: DeleteStageRequest) -> ServiceResult<DeleteStageOutput> {
    let keys = Keys::new(cx, &input.rest_api_id);
    cx.store()
        .transact(async |tx| {
            keys.load(&tx).await?;
            keys.part::<StageRecord>(&tx, &input.stage_name).await?;
            keys.drop::<StageRecord>(&tx, &input.stage_name);
            Ok::<_, Error>(())
        })
        .await?;
    Ok(DeleteStageOutput {})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(op: Op, path: &str, value: &str) -> PatchOperation {
        let (path, value) = (Some(path.to_owned()), Some(value.to_owned()));
        PatchOperation { op: Some(op), path, value, from: None }
    }

    #[test]
    fn settings_of_methods_are_found_in_paths() {
        let operations = [
            operation(Op::Replace, "/*/*/throttling/rateLimit", "5.5"),
            operation(Op::Replace, "/~1pets~1{id}/GET/logging/loglevel", "INFO"),
            operation(Op::Replace, "/pets/GET/metrics/enabled", "true"),
            operation(Op::Replace, "/~1/GET/caching/ttlInSeconds", "60"),
            operation(Op::Replace, "/variables/a", "b"),
        ];
        let stage = patched(StageRecord::default(), &operations).unwrap();
        let expected = json!({
            "*/*": { "throttlingRateLimit": 5.5 },
            "pets/{id}/GET": { "loggingLevel": "INFO" },
            "pets/GET": { "metricsEnabled": true },
            "~1/GET": { "cacheTtlInSeconds": 60 },
        });
        assert_eq!(serde_json::to_value(&stage.method_settings).unwrap(), expected);
        assert_eq!(stage.variables.clone().unwrap()["a"], "b");
        let removed = patched(stage, &[operation(Op::Remove, "/pets/GET", "")]).unwrap();
        assert!(!removed.method_settings.contains_key("pets/GET"));
        for path in ["/*/*/none/x", "/none", "/stageName"] {
            let asked = operation(Op::Replace, path, "1");
            assert!(patched(StageRecord::default(), &[asked]).is_err(), "{path}");
        }
    }
}
