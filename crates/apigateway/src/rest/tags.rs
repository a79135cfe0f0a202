//! GetTags, TagResource and UntagResource: tags of REST APIs and of their stages.
//!
//! Refuses: ARNs of anything else, more than 50 tags, keys that begin with `aws:`.

use std::collections::BTreeMap;

use cumulet_api_apigateway::ops::{
    GetTagsRequest, TagResourceOutput, TagResourceRequest, Tags, UntagResourceOutput,
    UntagResourceRequest,
};
use cumulet_service::{Cx, Result as ServiceResult};
use cumulet_store::{Read, Tx};

use super::keys::Keys;
use super::model::StageRecord;
use crate::error::Error;

const MOST: usize = 50;

/// What an ARN names: `arn:aws:apigateway:us-east-1::/restapis/a1` or `…/restapis/a1/stages/prod`.
struct Tagged {
    keys: Keys,
    stage: Option<String>,
}

impl Tagged {
    fn of(cx: &Cx, arn: &str) -> Result<Self, Error> {
        let prefix = format!("arn:aws:apigateway:{}::/", cx.region());
        let path: Vec<&str> = arn.strip_prefix(&prefix).unwrap_or_default().split('/').collect();
        let (api, stage) = match path[..] {
            ["restapis", api] => (api, None),
            ["restapis", api, "stages", stage] => (api, Some(stage.to_owned())),
            _ => return Err(Error::BadRequest(format!("Invalid resource ARN: {arn}"))),
        };
        Ok(Self { keys: Keys::new(cx, api), stage })
    }

    async fn tags(&self, read: &impl Read) -> Result<BTreeMap<String, String>, Error> {
        let api = self.keys.load(read).await?;
        Ok(match &self.stage {
            Some(name) => self.keys.part::<StageRecord>(read, name).await?.tags,
            None => api.tags,
        })
    }

    async fn put(&self, tx: &Tx, tags: BTreeMap<String, String>) -> Result<(), Error> {
        if tags.len() > MOST {
            return Err(Error::BadRequest(format!("A resource has at most {MOST} tags.")));
        }
        if let Some(name) = &self.stage {
            let stage = self.keys.part::<StageRecord>(tx, name).await?;
            self.keys.put(tx, &StageRecord { tags, ..stage });
        } else {
            let mut api = self.keys.load(tx).await?;
            api.tags = tags;
            self.keys.save(tx, &api);
        }
        Ok(())
    }
}

pub(crate) async fn get(cx: &Cx, input: GetTagsRequest) -> ServiceResult<Tags> {
    let tagged = Tagged::of(cx, &input.resource_arn)?;
    Ok(Tags { tags: Some(tagged.tags(&cx.store().snapshot()).await?) })
}

pub(crate) async fn tag(cx: &Cx, input: TagResourceRequest) -> ServiceResult<TagResourceOutput> {
    let tagged = Tagged::of(cx, &input.resource_arn)?;
    if input.tags.keys().any(|key| key.starts_with("aws:")) {
        return Err(Error::bad("Tag keys cannot begin with aws:.").into());
    }
    cx.store()
        .transact(async |tx| {
            let mut tags = tagged.tags(&tx).await?;
            tags.extend(input.tags.clone());
            tagged.put(&tx, tags).await
        })
        .await?;
    Ok(TagResourceOutput {})
}

pub(crate) async fn untag(
    cx: &Cx,
    input: UntagResourceRequest,
) -> ServiceResult<UntagResourceOutput> {
    let tagged = Tagged::of(cx, &input.resource_arn)?;
    cx.store()
        .transact(async |tx| {
            let mut tags = tagged.tags(&tx).await?;
            tags.retain(|key, _| !input.tag_keys.contains(key));
            tagged.put(&tx, tags).await
        })
        .await?;
    Ok(UntagResourceOutput {})
}
