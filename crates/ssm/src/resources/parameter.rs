//! AWS::SSM::Parameter. `Ref` is the name; `Type` and `Value` are attributes. As in AWS, a stack
//! cannot make SecureStrings.

use std::collections::BTreeMap;

use cumulet_api_ssm::ops::{
    AddTagsToResource, AddTagsToResourceRequest, DeleteParameter, DeleteParameterRequest,
    ListTagsForResource, ListTagsForResourceRequest, PutParameter, PutParameterRequest,
    RemoveTagsFromResource, RemoveTagsFromResourceRequest,
};
use cumulet_api_ssm::types::{ParameterTier, ParameterType, ResourceTypeForTagging, Tag};
use cumulet_service::{Actual, BoxFuture, Changed, Cx, Desired, Error, Resource, Result};
use serde_json::{Map, Value};

/// The resource type.
#[derive(Debug)]
pub(crate) struct Parameter;

impl Resource for Parameter {
    fn type_name(&self) -> &'static str {
        "AWS::SSM::Parameter"
    }

    fn replaces(&self, property: &str) -> bool {
        // AWS changes a type in place by a delete and a put of its own; a new parameter does that.
        matches!(property, "Name" | "Type")
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
    let read = Properties::read(&desired)?;
    let tags = read.tags.iter().map(|(key, value)| Tag { key: key.clone(), value: value.clone() });
    let request = PutParameterRequest { tags: Some(tags.collect()), ..read.request.clone() };
    cx.make_once::<PutParameter>(request).await?;
    Ok(actual(&read.request))
}

async fn update(cx: &Cx, changed: Changed<'_>) -> Result<Actual> {
    let mut read = Properties::read(&changed.after)?;
    changed.physical_id.clone_into(&mut read.request.name);
    read.request.overwrite = Some(true);
    cx.call::<PutParameter>(read.request.clone()).await?;
    retag(cx, &read).await?;
    Ok(actual(&read.request))
}

async fn delete(cx: &Cx, name: &str) -> Result<()> {
    let request = DeleteParameterRequest { name: name.to_owned() };
    match cx.call::<DeleteParameter>(request).await {
        Err(error) if error.code != "ParameterNotFound" => Err(error),
        _ => Ok(()),
    }
}

async fn tags(cx: &Cx, name: &str) -> Result<BTreeMap<String, String>> {
    let (resource_type, resource_id) = (ResourceTypeForTagging::Parameter, name.to_owned());
    let request = ListTagsForResourceRequest { resource_type, resource_id };
    let list = cx.call::<ListTagsForResource>(request).await?.tag_list.unwrap_or_default();
    Ok(list.into_iter().map(|tag| (tag.key, tag.value)).collect())
}

/// Tags as they should be: what is gone is removed, what is new or different is put.
async fn retag(cx: &Cx, after: &Properties) -> Result<()> {
    let resource_type = ResourceTypeForTagging::Parameter;
    let resource_id = after.request.name.clone();
    let mut present = tags(cx, &resource_id).await?;
    let mut wanted = after.tags.clone();
    wanted.retain(|key, value| present.remove(key).as_ref() != Some(value));
    let tag_keys: Vec<String> = present.into_keys().collect();
    if !tag_keys.is_empty() {
        let resource_id = resource_id.clone();
        let request = RemoveTagsFromResourceRequest { resource_type, resource_id, tag_keys };
        cx.call::<RemoveTagsFromResource>(request).await?;
    }
    if !wanted.is_empty() {
        let tags = wanted.into_iter().map(|(key, value)| Tag { key, value }).collect();
        let request = AddTagsToResourceRequest { resource_type, resource_id, tags };
        cx.call::<AddTagsToResource>(request).await?;
    }
    Ok(())
}

fn actual(request: &PutParameterRequest) -> Actual {
    let kind = request.r#type.unwrap_or_default().as_str();
    let attributes = Map::from_iter([
        ("Type".to_owned(), Value::String(kind.to_owned())),
        ("Value".to_owned(), Value::String(request.value.clone())),
    ]);
    Actual { physical_id: request.name.clone(), attributes }
}

/// A template's properties, read.
struct Properties {
    /// Without tags, which an update cannot take along.
    request: PutParameterRequest,
    tags: BTreeMap<String, String>,
}

impl Properties {
    fn read(desired: &Desired<'_>) -> Result<Self> {
        let mut tags: BTreeMap<_, _> = desired.tags.iter().cloned().collect();
        let mut request =
            PutParameterRequest { name: desired.name.to_owned(), ..PutParameterRequest::default() };
        for (property, value) in desired.properties {
            let wrong = || Error::validation(format!("Parameter: {property} cannot be {value}."));
            let text = || text(value).ok_or_else(wrong);
            match property.as_str() {
                "Name" => request.name = text()?,
                "Type" => request.r#type = Some(kind(&text()?)?),
                "Value" => request.value = text()?,
                "Description" => request.description = Some(text()?),
                "AllowedPattern" => request.allowed_pattern = Some(text()?),
                "DataType" => request.data_type = Some(text()?),
                "Policies" => request.policies = Some(text()?),
                "Tier" => {
                    let tier = ParameterTier::from_wire(&text()?).ok_or_else(wrong)?;
                    request.tier = Some(tier);
                }
                "Tags" => {
                    for (key, value) in value.as_object().ok_or_else(wrong)? {
                        tags.insert(key.clone(), self::text(value).ok_or_else(wrong)?);
                    }
                }
                other => {
                    return Err(Error::validation(format!(
                        "Parameter: the property {other} is not supported."
                    )));
                }
            }
        }
        Ok(Self { request, tags })
    }
}

/// Templates have numbers and truths where texts are wanted.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

fn kind(text: &str) -> Result<ParameterType> {
    match ParameterType::from_wire(text) {
        Some(ParameterType::SecureString) => Err(Error::validation(
            "SSM Parameters of type SecureString cannot be created using CloudFormation",
        )),
        Some(kind) => Ok(kind),
        None => Err(Error::validation(format!("Parameter: Type cannot be {text}."))),
    }
}
