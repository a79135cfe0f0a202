//! AWS::CloudFront::Distribution. `Ref` and `Id` are the id, `DomainName` is an attribute.

use std::collections::BTreeMap;

use cumulet_api_cloudfront::ops::{
    CreateDistributionWithTags, CreateDistributionWithTagsRequest, DeleteDistribution,
    DeleteDistributionRequest, GetDistribution, GetDistributionRequest, ListTagsForResource,
    ListTagsForResourceRequest, TagResource, TagResourceRequest, UntagResource,
    UntagResourceRequest, UpdateDistribution, UpdateDistributionRequest,
};
use cumulet_api_cloudfront::types::{
    self as api, DistributionConfig, DistributionConfigWithTags, Tag, TagKeys, Tags,
};
use cumulet_service::{Actual, BoxFuture, Changed, Cx, Desired, Error, Made, Resource, Result};
use serde_json::{Map, Value};

use super::properties::read;

/// The resource type.
#[derive(Debug)]
pub(crate) struct Distribution;

impl Resource for Distribution {
    fn type_name(&self) -> &'static str {
        "AWS::CloudFront::Distribution"
    }

    fn replaces(&self, _: &str) -> bool {
        false
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

/// A template's properties, read.
fn properties(desired: &Desired<'_>) -> Result<(DistributionConfig, BTreeMap<String, String>)> {
    let mut tags: BTreeMap<_, _> = desired.tags.iter().cloned().collect();
    let mut config = None;
    for (property, value) in desired.properties {
        match property.as_str() {
            "DistributionConfig" => config = Some(read(value)?),
            "Tags" => tags.extend(tag_list(value)?),
            other => {
                let words = format!("Distribution: the property {other} is not supported.");
                return Err(Error::validation(words));
            }
        }
    }
    let missing = || Error::validation("Distribution: DistributionConfig is missing.");
    Ok((config.ok_or_else(missing)?, tags))
}

fn tag_list(value: &Value) -> Result<Vec<(String, String)>> {
    let tag = |tag: &Value| {
        let text = |name: &str| tag.get(name).and_then(Value::as_str).map(str::to_owned);
        Some((text("Key")?, text("Value").unwrap_or_default()))
    };
    let tags = value.as_array().and_then(|list| list.iter().map(tag).collect());
    tags.ok_or_else(|| Error::validation("Tags is a list of Key and Value."))
}

fn wire(tags: &BTreeMap<String, String>) -> Tags {
    let tag =
        |(key, value): (&String, &String)| Tag { key: key.clone(), value: Some(value.clone()) };
    Tags { items: Some(tags.iter().map(tag).collect()) }
}

async fn create(cx: &Cx, desired: Desired<'_>) -> Result<Actual> {
    let (mut config, tags) = properties(&desired)?;
    desired.name.clone_into(&mut config.caller_reference);
    let distribution_config_with_tags =
        DistributionConfigWithTags { distribution_config: config, tags: wire(&tags) };
    let request = CreateDistributionWithTagsRequest { distribution_config_with_tags };
    match cx.make_once::<CreateDistributionWithTags>(request).await? {
        Made::Now(made) => Ok(actual(&made.distribution.unwrap_or_default())),
        Made::Before(id) => Ok(actual(&get(cx, &id).await?.0)),
    }
}

fn actual(distribution: &api::Distribution) -> Actual {
    let attributes = Map::from_iter([
        ("Id".to_owned(), distribution.id.clone().into()),
        ("DomainName".to_owned(), distribution.domain_name.clone().into()),
    ]);
    Actual { physical_id: distribution.id.clone(), attributes }
}

/// The distribution and its version.
async fn get(cx: &Cx, id: &str) -> Result<(api::Distribution, Option<String>)> {
    let request = GetDistributionRequest { id: id.to_owned() };
    let found = cx.call::<GetDistribution>(request).await?;
    Ok((found.distribution.unwrap_or_default(), found.e_tag))
}

async fn update(cx: &Cx, changed: Changed<'_>) -> Result<Actual> {
    let (mut config, tags) = properties(&changed.after)?;
    let (there, if_match) = get(cx, changed.physical_id).await?;
    config.caller_reference.clone_from(&there.distribution_config.caller_reference);
    let id = changed.physical_id.to_owned();
    let request = UpdateDistributionRequest { distribution_config: config, id, if_match };
    let after = cx.call::<UpdateDistribution>(request).await?.distribution.unwrap_or_default();
    retag(cx, &after.arn, tags).await?;
    Ok(actual(&after))
}

/// Tags as they should be: what is gone is removed, what is new or different is put.
async fn retag(cx: &Cx, arn: &str, mut wanted: BTreeMap<String, String>) -> Result<()> {
    let resource = arn.to_owned();
    let request = ListTagsForResourceRequest { resource: resource.clone() };
    let present = cx.call::<ListTagsForResource>(request).await?.tags.items.unwrap_or_default();
    let mut gone = Vec::new();
    for Tag { key, value } in present {
        match wanted.get(&key) {
            None => gone.push(key),
            Some(text) if Some(text) == value.as_ref() => drop(wanted.remove(&key)),
            Some(_) => {}
        }
    }
    if !gone.is_empty() {
        let tag_keys = TagKeys { items: Some(gone) };
        let request = UntagResourceRequest { resource: resource.clone(), tag_keys };
        cx.call::<UntagResource>(request).await?;
    }
    if !wanted.is_empty() {
        let request = TagResourceRequest { resource, tags: wire(&wanted) };
        cx.call::<TagResource>(request).await?;
    }
    Ok(())
}

/// Disables it first, as its owner would have to.
async fn delete(cx: &Cx, id: &str) -> Result<()> {
    let gone = |error: &Error| error.code == "NoSuchDistribution";
    let (there, mut if_match) = match get(cx, id).await {
        Err(error) if gone(&error) => return Ok(()),
        found => found?,
    };
    let id = id.to_owned();
    if there.distribution_config.enabled {
        let distribution_config =
            DistributionConfig { enabled: false, ..there.distribution_config };
        let request = UpdateDistributionRequest { distribution_config, id: id.clone(), if_match };
        if_match = cx.call::<UpdateDistribution>(request).await?.e_tag;
    }
    match cx.call::<DeleteDistribution>(DeleteDistributionRequest { id, if_match }).await {
        Err(error) if !gone(&error) => Err(error),
        _ => Ok(()),
    }
}
