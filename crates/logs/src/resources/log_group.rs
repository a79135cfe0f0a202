//! AWS::Logs::LogGroup. `Ref` is the name, `Arn` ends in `:*`.

use std::collections::BTreeMap;

use cumulet_api_logs::ops::{
    CreateLogGroup, CreateLogGroupRequest, DeleteLogGroup, DeleteLogGroupRequest,
    DeleteRetentionPolicy, DeleteRetentionPolicyRequest, ListTagsForResource,
    ListTagsForResourceRequest, PutLogGroupDeletionProtection,
    PutLogGroupDeletionProtectionRequest, PutRetentionPolicy, PutRetentionPolicyRequest,
    TagResource, TagResourceRequest, UntagResource, UntagResourceRequest,
};
use cumulet_api_logs::types::LogGroupClass;
use cumulet_service::{Actual, BoxFuture, Changed, Cx, Desired, Error, Resource, Result};
use serde_json::{Map, Value};

use crate::group::GroupName;

/// The resource type.
#[derive(Debug)]
pub(crate) struct LogGroup;

impl Resource for LogGroup {
    fn type_name(&self) -> &'static str {
        "AWS::Logs::LogGroup"
    }

    fn replaces(&self, property: &str) -> bool {
        // AWS changes a class in place; here it only ever says how a group was made.
        matches!(property, "LogGroupName" | "LogGroupClass")
    }

    fn create<'a>(&'a self, cx: &'a Cx, desired: Desired<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(create(cx, desired))
    }

    fn update<'a>(&'a self, cx: &'a Cx, changed: Changed<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(update(cx, changed))
    }

    fn delete<'a>(&'a self, cx: &'a Cx, physical_id: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(delete(cx, physical_id))
    }
}

async fn create(cx: &Cx, desired: Desired<'_>) -> Result<Actual> {
    let properties = Properties::read(&desired)?;
    let request = CreateLogGroupRequest {
        log_group_name: properties.name.clone(),
        kms_key_id: properties.kms_key.clone(),
        tags: Some(properties.tags.clone()).filter(|tags| !tags.is_empty()),
        log_group_class: properties.class,
        deletion_protection_enabled: Some(properties.protected),
    };
    cx.make_once::<CreateLogGroup>(request).await?;
    retain(cx, &properties).await?;
    Ok(actual(cx, &properties.name))
}

async fn update(cx: &Cx, changed: Changed<'_>) -> Result<Actual> {
    let name = changed.physical_id;
    let after = Properties { name: name.to_owned(), ..Properties::read(&changed.after)? };
    retain(cx, &after).await?;
    let request = PutLogGroupDeletionProtectionRequest {
        log_group_identifier: name.to_owned(),
        deletion_protection_enabled: after.protected,
    };
    cx.call::<PutLogGroupDeletionProtection>(request).await?;
    retag(cx, &after).await?;
    Ok(actual(cx, name))
}

async fn delete(cx: &Cx, name: &str) -> Result<()> {
    let request = DeleteLogGroupRequest { log_group_name: name.to_owned() };
    match cx.call::<DeleteLogGroup>(request).await {
        Err(error) if error.code != "ResourceNotFoundException" => Err(error),
        _ => Ok(()),
    }
}

async fn retain(cx: &Cx, properties: &Properties) -> Result<()> {
    let log_group_name = properties.name.clone();
    if let Some(retention_in_days) = properties.retention {
        let request = PutRetentionPolicyRequest { log_group_name, retention_in_days };
        cx.call::<PutRetentionPolicy>(request).await.map(drop)
    } else {
        let request = DeleteRetentionPolicyRequest { log_group_name };
        cx.call::<DeleteRetentionPolicy>(request).await.map(drop)
    }
}

async fn tags(cx: &Cx, name: &str) -> Result<BTreeMap<String, String>> {
    let resource_arn = GroupName::own(cx, name).arn().to_string();
    let request = ListTagsForResourceRequest { resource_arn };
    Ok(cx.call::<ListTagsForResource>(request).await?.tags.unwrap_or_default())
}

/// Tags as they should be: what is gone is removed, what is new or different is put.
async fn retag(cx: &Cx, after: &Properties) -> Result<()> {
    let mut present = tags(cx, &after.name).await?;
    let resource_arn = GroupName::own(cx, &after.name).arn().to_string();
    let mut tags = after.tags.clone();
    tags.retain(|key, value| present.remove(key).as_ref() != Some(value));
    let tag_keys: Vec<String> = present.into_keys().collect();
    if !tag_keys.is_empty() {
        let resource_arn = resource_arn.clone();
        cx.call::<UntagResource>(UntagResourceRequest { resource_arn, tag_keys }).await?;
    }
    if !tags.is_empty() {
        cx.call::<TagResource>(TagResourceRequest { resource_arn, tags }).await?;
    }
    Ok(())
}

fn actual(cx: &Cx, name: &str) -> Actual {
    let arn = format!("{}:*", GroupName::own(cx, name).arn());
    let attributes = Map::from_iter([("Arn".to_owned(), Value::String(arn))]);
    Actual { physical_id: name.to_owned(), attributes }
}

/// A template's properties, read.
struct Properties {
    name: String,
    retention: Option<i32>,
    kms_key: Option<String>,
    class: Option<LogGroupClass>,
    protected: bool,
    tags: BTreeMap<String, String>,
}

impl Properties {
    fn read(desired: &Desired<'_>) -> Result<Self> {
        let mut read = Self {
            name: desired.name.to_owned(),
            retention: None,
            kms_key: None,
            class: None,
            protected: false,
            tags: desired.tags.iter().cloned().collect(),
        };
        for (property, value) in desired.properties {
            let wrong = || Error::validation(format!("LogGroup: {property} cannot be {value}."));
            let text = || value.as_str().map(str::to_owned).ok_or_else(wrong);
            match property.as_str() {
                "LogGroupName" => read.name = text()?,
                // Templates have numbers and truths as texts too.
                "RetentionInDays" => {
                    let days = value.as_i64().or_else(|| value.as_str()?.parse().ok());
                    let days = days.and_then(|days| i32::try_from(days).ok());
                    read.retention = Some(days.ok_or_else(wrong)?);
                }
                "KmsKeyId" => read.kms_key = Some(text()?),
                "LogGroupClass" => {
                    read.class = Some(LogGroupClass::from_wire(&text()?).ok_or_else(wrong)?);
                }
                "DeletionProtectionEnabled" => {
                    let protected = value.as_bool().or_else(|| value.as_str()?.parse().ok());
                    read.protected = protected.ok_or_else(wrong)?;
                }
                "Tags" => read.tags.extend(tag_list(value).ok_or_else(wrong)?),
                other => {
                    return Err(Error::validation(format!(
                        "LogGroup: the property {other} is not supported."
                    )));
                }
            }
        }
        Ok(read)
    }
}

fn tag_list(value: &Value) -> Option<Vec<(String, String)>> {
    let text = |tag: &Value, part: &str| Some(tag.get(part)?.as_str()?.to_owned());
    value.as_array()?.iter().map(|tag| Some((text(tag, "Key")?, text(tag, "Value")?))).collect()
}
