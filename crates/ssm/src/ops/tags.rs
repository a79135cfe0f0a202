//! AddTagsToResource, RemoveTagsFromResource, ListTagsForResource: the tags of a parameter.
//!
//! Promises: changes count, durably, from the answer on; a tag of the same key is replaced, one
//! that is not there is no error to remove.
//! Refuses: a parameter that is not there, more than 50 tags, keys that begin with `aws:`. Of the
//! other types of resources (documents, instances …) there are none here.

use cumulet_api_ssm::ops::{
    AddTagsToResource, AddTagsToResourceRequest, AddTagsToResourceResult, ListTagsForResource,
    ListTagsForResourceRequest, ListTagsForResourceResult, RemoveTagsFromResource,
    RemoveTagsFromResourceRequest, RemoveTagsFromResourceResult,
};
use cumulet_api_ssm::types::{ResourceTypeForTagging, Tag};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::error::Error;
use crate::model::ParameterRecord;
use crate::name::{Name, Selector};
use crate::tags::{MOST_TAGS, check, requesting};
use crate::{Ssm, store};

impl Handle<AddTagsToResource> for Ssm {
    async fn access(&self, cx: &Cx, input: &AddTagsToResourceRequest) -> Result<Vec<Access>> {
        let access =
            access(cx, "ssm:AddTagsToResource", input.resource_type, &input.resource_id).await?;
        Ok(vec![requesting(access, &input.tags)])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: AddTagsToResourceRequest,
    ) -> Result<AddTagsToResourceResult> {
        let name = parameter(cx, input.resource_type, &input.resource_id)?;
        check(&input.tags)?;
        change(cx, &name, |record| {
            let tags = input.tags.iter().map(|tag| (tag.key.clone(), tag.value.clone()));
            record.tags.extend(tags);
            if record.tags.len() > MOST_TAGS { Err(Error::TooManyTags) } else { Ok(()) }
        })
        .await?;
        Ok(AddTagsToResourceResult {})
    }
}

impl Handle<RemoveTagsFromResource> for Ssm {
    async fn access(&self, cx: &Cx, input: &RemoveTagsFromResourceRequest) -> Result<Vec<Access>> {
        let action = "ssm:RemoveTagsFromResource";
        let access = access(cx, action, input.resource_type, &input.resource_id).await?;
        Ok(vec![access.untagging(input.tag_keys.clone())])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: RemoveTagsFromResourceRequest,
    ) -> Result<RemoveTagsFromResourceResult> {
        let name = parameter(cx, input.resource_type, &input.resource_id)?;
        change(cx, &name, |record| {
            record.tags.retain(|key, _| !input.tag_keys.contains(key));
            Ok(())
        })
        .await?;
        Ok(RemoveTagsFromResourceResult {})
    }
}

impl Handle<ListTagsForResource> for Ssm {
    async fn access(&self, cx: &Cx, input: &ListTagsForResourceRequest) -> Result<Vec<Access>> {
        let action = "ssm:ListTagsForResource";
        Ok(vec![access(cx, action, input.resource_type, &input.resource_id).await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: ListTagsForResourceRequest,
    ) -> Result<ListTagsForResourceResult> {
        let name = parameter(cx, input.resource_type, &input.resource_id)?;
        let record = store::find(&cx.store().snapshot(), &name).await?;
        let tags = record.ok_or(Error::InvalidResource)?.tags.into_iter();
        let tag_list = Some(tags.map(|(key, value)| Tag { key, value }).collect());
        Ok(ListTagsForResourceResult { tag_list })
    }
}

fn parameter(cx: &Cx, kind: ResourceTypeForTagging, id: &str) -> Result<Name, Error> {
    match Name::select(cx, id) {
        Ok((name, Selector::Latest)) if kind == ResourceTypeForTagging::Parameter => Ok(name),
        _ => Err(Error::InvalidResource),
    }
}

async fn access(
    cx: &Cx,
    action: &'static str,
    kind: ResourceTypeForTagging,
    id: &str,
) -> Result<Access> {
    let name = parameter(cx, kind, id)?;
    let record = store::find(&cx.store().snapshot(), &name).await?;
    Ok(name.access(cx, action, record.as_ref()))
}

async fn change(
    cx: &Cx,
    name: &Name,
    change: impl Fn(&mut ParameterRecord) -> Result<(), Error> + Send + Sync,
) -> Result<(), Error> {
    cx.store()
        .transact(async |tx| {
            let mut record = store::find(&tx, name).await?.ok_or(Error::InvalidResource)?;
            change(&mut record)?;
            tx.put_record(store::parameter(name), &record);
            Ok(())
        })
        .await
}
