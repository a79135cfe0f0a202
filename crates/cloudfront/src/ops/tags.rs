//! TagResource, UntagResource, ListTagsForResource: the tags of a distribution.

use std::collections::BTreeMap;

use cumulet_api_cloudfront::ops::{
    ListTagsForResource, ListTagsForResourceRequest, ListTagsForResourceResult, TagResource,
    TagResourceOutput, TagResourceRequest, UntagResource, UntagResourceOutput,
    UntagResourceRequest,
};
use cumulet_api_cloudfront::types::{Tag, Tags};
use cumulet_base::Arn;
use cumulet_service::{Access, Cx, Handle, Result};

use super::{access, place};
use crate::CloudFront;
use crate::error::Error;
use crate::model::Stored;
use crate::store;

/// Tags of one resource.
const MOST: usize = 50;

/// Tags as a caller gives them.
pub(super) fn read(tags: Tags) -> Result<BTreeMap<String, String>, Error> {
    let mut read = BTreeMap::new();
    for Tag { key, value } in tags.items.unwrap_or_default() {
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(Error::InvalidTagging("Tags that begin with aws: are AWS's.".to_owned()));
        }
        if read.insert(key, value.unwrap_or_default()).is_some() {
            return Err(Error::InvalidTagging("A tag is there twice.".to_owned()));
        }
    }
    check(&read)?;
    Ok(read)
}

fn check(tags: &BTreeMap<String, String>) -> Result<(), Error> {
    if tags.len() > MOST {
        return Err(Error::InvalidTagging(format!("A resource has {MOST} tags at most.")));
    }
    Ok(())
}

/// The distribution that an ARN names.
fn distribution<'a>(cx: &Cx, arn: &'a Arn) -> Result<&'a str, Error> {
    let own = arn.service() == store::SERVICE && arn.account() == cx.account().as_str();
    let id = arn.resource().strip_prefix("distribution/").filter(|_| own);
    id.ok_or(Error::NoSuchResource)
}

fn parse(resource: &str) -> Result<Arn, Error> {
    resource.parse().map_err(|_| Error::argument(format!("{resource} is no ARN.")))
}

fn on(cx: &Cx, action: &'static str, resource: &str) -> Result<Vec<Access>> {
    let arn = parse(resource)?;
    let id = distribution(cx, &arn)?;
    Ok(access(cx, action, &format!("distribution/{id}")))
}

async fn change(
    cx: &Cx,
    resource: &str,
    change: impl Fn(&mut BTreeMap<String, String>) -> Result<(), Error> + Sync,
) -> Result<(), Error> {
    let arn = parse(resource)?;
    let (place, id, change) = (&place(cx), distribution(cx, &arn)?, &change);
    cx.store()
        .transact(|tx| async move {
            let found = store::distribution(&tx, place, id).await;
            let mut record = found.map_err(missing)?;
            change(&mut record.tags)?;
            tx.put_record(place.distribution(id), &Stored::Distribution(record));
            Ok(())
        })
        .await
}

fn missing(error: Error) -> Error {
    match error {
        Error::NoSuchDistribution => Error::NoSuchResource,
        other => other,
    }
}

impl Handle<TagResource> for CloudFront {
    async fn access(&self, cx: &Cx, input: &TagResourceRequest) -> Result<Vec<Access>> {
        on(cx, "cloudfront:TagResource", &input.resource)
    }

    async fn handle(&self, cx: &Cx, input: TagResourceRequest) -> Result<TagResourceOutput> {
        let added = read(input.tags)?;
        let add = |tags: &mut BTreeMap<String, String>| {
            tags.extend(added.clone());
            check(tags)
        };
        change(cx, &input.resource, add).await?;
        Ok(TagResourceOutput {})
    }
}

impl Handle<UntagResource> for CloudFront {
    async fn access(&self, cx: &Cx, input: &UntagResourceRequest) -> Result<Vec<Access>> {
        on(cx, "cloudfront:UntagResource", &input.resource)
    }

    async fn handle(&self, cx: &Cx, input: UntagResourceRequest) -> Result<UntagResourceOutput> {
        let keys = input.tag_keys.items.unwrap_or_default();
        let remove = |tags: &mut BTreeMap<String, String>| {
            tags.retain(|key, _| !keys.contains(key));
            Ok(())
        };
        change(cx, &input.resource, remove).await?;
        Ok(UntagResourceOutput {})
    }
}

impl Handle<ListTagsForResource> for CloudFront {
    async fn access(&self, cx: &Cx, input: &ListTagsForResourceRequest) -> Result<Vec<Access>> {
        on(cx, "cloudfront:ListTagsForResource", &input.resource)
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: ListTagsForResourceRequest,
    ) -> Result<ListTagsForResourceResult> {
        let arn = parse(&input.resource)?;
        let id = distribution(cx, &arn)?;
        let found = store::distribution(&cx.store().snapshot(), &place(cx), id).await;
        let tags = found.map_err(missing)?.tags.into_iter();
        let items = tags.map(|(key, value)| Tag { key, value: Some(value) }).collect();
        Ok(ListTagsForResourceResult { tags: Tags { items: Some(items) } })
    }
}
