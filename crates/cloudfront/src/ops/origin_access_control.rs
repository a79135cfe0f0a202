//! Origin access controls: Create, Get, GetConfig, Update, Delete and List.
//!
//! Refuses other origins than buckets, a name that is there already, a change by who does not name
//! the current version, and to delete what a distribution refers to.

use cumulet_api_cloudfront::ops::{
    CreateOriginAccessControl, CreateOriginAccessControlRequest, CreateOriginAccessControlResult,
    DeleteOriginAccessControl, DeleteOriginAccessControlOutput, DeleteOriginAccessControlRequest,
    GetOriginAccessControl, GetOriginAccessControlConfig, GetOriginAccessControlConfigRequest,
    GetOriginAccessControlConfigResult, GetOriginAccessControlRequest,
    GetOriginAccessControlResult, ListOriginAccessControls, ListOriginAccessControlsRequest,
    ListOriginAccessControlsResult, UpdateOriginAccessControl, UpdateOriginAccessControlRequest,
    UpdateOriginAccessControlResult,
};
use cumulet_api_cloudfront::types::{
    OriginAccessControl, OriginAccessControlConfig, OriginAccessControlList,
    OriginAccessControlOriginTypes, OriginAccessControlSummary,
};
use cumulet_service::{Access, Cx, Handle, Result};
use serde_json::{Map, Value};

use super::{access, count, page, policy};
use crate::CloudFront;
use crate::carry;
use crate::error::Error;
use crate::model::{PolicyKind, PolicyRecord};

const KIND: PolicyKind = PolicyKind::OriginAccessControl;

/// The document of a configuration that is right in itself.
fn read(config: &OriginAccessControlConfig) -> Result<Map<String, Value>, Error> {
    if config.origin_access_control_origin_type != OriginAccessControlOriginTypes::S3 {
        let words = "Cumulet has origin access controls for buckets alone (s3).";
        return Err(Error::argument(words));
    }
    Ok(carry::members(config)?)
}

fn shown(record: &PolicyRecord) -> Result<OriginAccessControl, Error> {
    Ok(OriginAccessControl {
        id: record.id.clone(),
        origin_access_control_config: Some(carry::shape(&record.config)?),
    })
}

fn summary(record: &PolicyRecord) -> Result<OriginAccessControlSummary, Error> {
    let config: OriginAccessControlConfig = carry::shape(&record.config)?;
    Ok(OriginAccessControlSummary {
        id: record.id.clone(),
        description: config.description.unwrap_or_default(),
        name: config.name,
        signing_protocol: config.signing_protocol,
        signing_behavior: config.signing_behavior,
        origin_access_control_origin_type: config.origin_access_control_origin_type,
    })
}

fn on(cx: &Cx, action: &'static str, id: &str) -> Vec<Access> {
    access(cx, action, &format!("{}/{id}", KIND.name()))
}

impl Handle<CreateOriginAccessControl> for CloudFront {
    async fn access(&self, cx: &Cx, _: &CreateOriginAccessControlRequest) -> Result<Vec<Access>> {
        Ok(on(cx, "cloudfront:CreateOriginAccessControl", "*"))
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: CreateOriginAccessControlRequest,
    ) -> Result<CreateOriginAccessControlResult> {
        let record = policy::create(cx, KIND, read(&input.origin_access_control_config)?).await?;
        Ok(CreateOriginAccessControlResult {
            origin_access_control: Some(shown(&record)?),
            location: Some(format!(
                "https://cloudfront.amazonaws.com/2020-05-31/origin-access-control/{}",
                record.id
            )),
            e_tag: Some(record.etag),
        })
    }
}

impl Handle<GetOriginAccessControl> for CloudFront {
    async fn access(&self, cx: &Cx, input: &GetOriginAccessControlRequest) -> Result<Vec<Access>> {
        Ok(on(cx, "cloudfront:GetOriginAccessControl", &input.id))
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: GetOriginAccessControlRequest,
    ) -> Result<GetOriginAccessControlResult> {
        let record = policy::get(cx, KIND, &input.id).await?;
        Ok(GetOriginAccessControlResult {
            origin_access_control: Some(shown(&record)?),
            e_tag: Some(record.etag),
        })
    }
}

impl Handle<GetOriginAccessControlConfig> for CloudFront {
    async fn access(
        &self,
        cx: &Cx,
        input: &GetOriginAccessControlConfigRequest,
    ) -> Result<Vec<Access>> {
        Ok(on(cx, "cloudfront:GetOriginAccessControlConfig", &input.id))
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: GetOriginAccessControlConfigRequest,
    ) -> Result<GetOriginAccessControlConfigResult> {
        let record = policy::get(cx, KIND, &input.id).await?;
        let origin_access_control_config = Some(carry::shape(&record.config)?);
        Ok(GetOriginAccessControlConfigResult {
            origin_access_control_config,
            e_tag: Some(record.etag),
        })
    }
}

impl Handle<UpdateOriginAccessControl> for CloudFront {
    async fn access(
        &self,
        cx: &Cx,
        input: &UpdateOriginAccessControlRequest,
    ) -> Result<Vec<Access>> {
        Ok(on(cx, "cloudfront:UpdateOriginAccessControl", &input.id))
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: UpdateOriginAccessControlRequest,
    ) -> Result<UpdateOriginAccessControlResult> {
        let config = read(&input.origin_access_control_config)?;
        let if_match = input.if_match.as_deref();
        let record = policy::update(cx, KIND, &input.id, if_match, config).await?;
        Ok(UpdateOriginAccessControlResult {
            origin_access_control: Some(shown(&record)?),
            e_tag: Some(record.etag),
        })
    }
}

impl Handle<DeleteOriginAccessControl> for CloudFront {
    async fn access(
        &self,
        cx: &Cx,
        input: &DeleteOriginAccessControlRequest,
    ) -> Result<Vec<Access>> {
        Ok(on(cx, "cloudfront:DeleteOriginAccessControl", &input.id))
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: DeleteOriginAccessControlRequest,
    ) -> Result<DeleteOriginAccessControlOutput> {
        policy::delete(cx, KIND, &input.id, input.if_match.as_deref()).await?;
        Ok(DeleteOriginAccessControlOutput {})
    }
}

impl Handle<ListOriginAccessControls> for CloudFront {
    async fn access(&self, cx: &Cx, _: &ListOriginAccessControlsRequest) -> Result<Vec<Access>> {
        Ok(on(cx, "cloudfront:ListOriginAccessControls", "*"))
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: ListOriginAccessControlsRequest,
    ) -> Result<ListOriginAccessControlsResult> {
        let most = page(input.max_items.as_deref())?;
        let marker = input.marker.as_deref().filter(|marker| !marker.is_empty());
        let listed = policy::list(cx, KIND, (true, false), marker, most).await?;
        let items = listed.items.iter().map(summary).collect::<Result<Vec<_>, Error>>()?;
        let list = OriginAccessControlList {
            marker: marker.unwrap_or_default().to_owned(),
            is_truncated: listed.next_marker.is_some(),
            next_marker: listed.next_marker,
            max_items: count(most),
            quantity: count(items.len()),
            items: Some(items).filter(|items| !items.is_empty()),
        };
        Ok(ListOriginAccessControlsResult { origin_access_control_list: Some(list) })
    }
}
