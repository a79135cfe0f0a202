//! GetTags, TagResource and UntagResource: tags of HTTP APIs and of their stages.
//!
//! Refuses: ARNs of anything else, more than 50 tags, keys that begin with `aws:`.

use std::collections::BTreeMap;

use cumulet_api_apigatewayv2::ops::{
    GetTagsRequest, GetTagsResponse, TagResourceRequest, TagResourceResponse, UntagResourceOutput,
    UntagResourceRequest,
};
use cumulet_service::{Cx, Result as ServiceResult};
use cumulet_store::{Read, Tx};

use super::part::Keys;
use super::stage;
use crate::error::Error;
use crate::store::{Apis, HTTP};

const MOST: usize = 50;

/// What an ARN names: `arn:aws:apigateway:us-east-1::/apis/a1` or `…/apis/a1/stages/prod`.
struct Tagged {
    keys: Keys,
    stage: Option<String>,
}

impl Tagged {
    fn of(cx: &Cx, arn: &str) -> Result<Self, Error> {
        let prefix = format!("arn:aws:apigateway:{}::/", cx.region());
        let path = arn.strip_prefix(&prefix).unwrap_or_default();
        let path: Vec<&str> = path.trim_start_matches("v2/").split('/').collect();
        let (api, stage) = match path[..] {
            ["apis", api] => (api, None),
            ["apis", api, "stages", stage] => (api, Some(stage.to_owned())),
            _ => return Err(Error::BadRequest(format!("Invalid resource ARN: {arn}"))),
        };
        let keys = Keys { apis: Apis::own(cx, HTTP), api: api.to_owned() };
        Ok(Self { keys, stage })
    }

    async fn tags(&self, read: &impl Read) -> Result<BTreeMap<String, String>, Error> {
        Ok(match &self.stage {
            Some(name) => stage::load(&self.keys, read, name).await?.tags,
            None => self.keys.load(read).await?.tags,
        })
    }

    async fn put(&self, tx: &Tx, tags: BTreeMap<String, String>) -> Result<(), Error> {
        if tags.len() > MOST {
            return Err(Error::BadRequest(format!("A resource has at most {MOST} tags.")));
        }
        if let Some(name) = &self.stage {
            let mut record = stage::load(&self.keys, tx, name).await?;
            record.tags = tags;
            tx.put_record(self.keys.stage(name), &record);
        } else {
            let mut record = self.keys.load(tx).await?;
            record.tags = tags;
            tx.put_record(self.keys.apis.api(&self.keys.api), &record);
        }
        Ok(())
    }
}

/// The tags of what lies at a path of the API's own API, such as `/apis/a1/routes/r1`: the stage's
/// or else the HTTP API's, none of what is not there.
pub(crate) async fn at(cx: &Cx, path: &str) -> ServiceResult<BTreeMap<String, String>> {
    let mut segments = path.split('/').skip(1);
    let (Some("apis"), Some(api)) = (segments.next(), segments.next()) else {
        return Ok(BTreeMap::new());
    };
    let stage = segments.next().filter(|part| *part == "stages").and(segments.next());
    let keys = Keys { apis: Apis::own(cx, HTTP), api: api.to_owned() };
    let tagged = Tagged { keys, stage: stage.map(str::to_owned) };
    match tagged.tags(&cx.store().snapshot()).await {
        Ok(tags) => Ok(tags),
        Err(Error::NotFound(_)) => Ok(BTreeMap::new()),
        Err(error) => Err(error.into()),
    }
}

pub(crate) async fn get(cx: &Cx, input: GetTagsRequest) -> ServiceResult<GetTagsResponse> {
    let tagged = Tagged::of(cx, &input.resource_arn)?;
    let tags = tagged.tags(&cx.store().snapshot()).await?;
    Ok(GetTagsResponse { tags: Some(tags) })
}

pub(crate) async fn tag(cx: &Cx, input: TagResourceRequest) -> ServiceResult<TagResourceResponse> {
    let tagged = Tagged::of(cx, &input.resource_arn)?;
    let new = input.tags.unwrap_or_default();
    if new.keys().any(|key| key.starts_with("aws:")) {
        return Err(Error::bad("Tag keys cannot begin with aws:.").into());
    }
    cx.store()
        .transact(async |tx| {
            let mut tags = tagged.tags(&tx).await?;
            tags.extend(new.clone());
            tagged.put(&tx, tags).await
        })
        .await?;
    Ok(TagResourceResponse {})
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
