//! Origin request policies: Create, Get, GetConfig, Update, Delete and List.
//!
//! Refuses a name that is there already, a change by who does not name the current version, a
//! change of one of AWS's, and to delete what a distribution refers to.

use cumulet_api_cloudfront::ops::{
    CreateOriginRequestPolicy, CreateOriginRequestPolicyRequest, CreateOriginRequestPolicyResult,
    DeleteOriginRequestPolicy, DeleteOriginRequestPolicyOutput, DeleteOriginRequestPolicyRequest,
    GetOriginRequestPolicy, GetOriginRequestPolicyConfig, GetOriginRequestPolicyConfigRequest,
    GetOriginRequestPolicyConfigResult, GetOriginRequestPolicyRequest,
    GetOriginRequestPolicyResult, ListOriginRequestPolicies, ListOriginRequestPoliciesRequest,
    ListOriginRequestPoliciesResult, UpdateOriginRequestPolicy, UpdateOriginRequestPolicyRequest,
    UpdateOriginRequestPolicyResult,
};
use cumulet_api_cloudfront::types::{
    OriginRequestPolicy, OriginRequestPolicyConfig, OriginRequestPolicyList,
    OriginRequestPolicySummary, OriginRequestPolicyType,
};
use cumulet_base::Timestamp;
use cumulet_service::{Access, Cx, Handle, Result};
use serde_json::{Map, Value};

use super::{access, count, page, policy};
use crate::CloudFront;
use crate::carry;
use crate::error::Error;
use crate::model::{PolicyKind, PolicyRecord};

const KIND: PolicyKind = PolicyKind::OriginRequestPolicy;

fn read(config: &OriginRequestPolicyConfig) -> Result<Map<String, Value>, Error> {
    Ok(carry::members(config)?)
}

fn shown(record: &PolicyRecord) -> Result<OriginRequestPolicy, Error> {
    Ok(OriginRequestPolicy {
        id: record.id.clone(),
        last_modified_time: Timestamp::from_millis(record.modified),
        origin_request_policy_config: carry::shape(&record.config)?,
    })
}

fn on(cx: &Cx, action: &'static str, id: &str) -> Vec<Access> {
    access(cx, action, &format!("{}/{id}", KIND.name()))
}

impl Handle<CreateOriginRequestPolicy> for CloudFront {
    async fn access(&self, cx: &Cx, _: &CreateOriginRequestPolicyRequest) -> Result<Vec<Access>> {
        Ok(on(cx, "cloudfront:CreateOriginRequestPolicy", "*"))
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: CreateOriginRequestPolicyRequest,
    ) -> Result<CreateOriginRequestPolicyResult> {
        let record = policy::create(cx, KIND, read(&input.origin_request_policy_config)?).await?;
        Ok(CreateOriginRequestPolicyResult {
            origin_request_policy: Some(shown(&record)?),
            location: Some(format!(
                "https://cloudfront.amazonaws.com/2020-05-31/origin-request-policy/{}",
                record.id
            )),
            e_tag: Some(record.etag),
        })
    }
}

impl Handle<GetOriginRequestPolicy> for CloudFront {
    async fn access(&self, cx: &Cx, input: &GetOriginRequestPolicyRequest) -> Result<Vec<Access>> {
        Ok(on(cx, "cloudfront:GetOriginRequestPolicy", &input.id))
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: GetOriginRequestPolicyRequest,
    ) -> Result<GetOriginRequestPolicyResult> {
        let record = policy::get(cx, KIND, &input.id).await?;
        Ok(GetOriginRequestPolicyResult {
            origin_request_policy: Some(shown(&record)?),
            e_tag: Some(record.etag),
        })
    }
}

impl Handle<GetOriginRequestPolicyConfig> for CloudFront {
    async fn access(
        &self,
        cx: &Cx,
        input: &GetOriginRequestPolicyConfigRequest,
    ) -> Result<Vec<Access>> {
        Ok(on(cx, "cloudfront:GetOriginRequestPolicyConfig", &input.id))
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: GetOriginRequestPolicyConfigRequest,
    ) -> Result<GetOriginRequestPolicyConfigResult> {
        let record = policy::get(cx, KIND, &input.id).await?;
        let origin_request_policy_config = Some(carry::shape(&record.config)?);
        Ok(GetOriginRequestPolicyConfigResult {
            origin_request_policy_config,
            e_tag: Some(record.etag),
        })
    }
}

impl Handle<UpdateOriginRequestPolicy> for CloudFront {
    async fn access(
        &self,
        cx: &Cx,
        input: &UpdateOriginRequestPolicyRequest,
    ) -> Result<Vec<Access>> {
        Ok(on(cx, "cloudfront:UpdateOriginRequestPolicy", &input.id))
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: UpdateOriginRequestPolicyRequest,
    ) -> Result<UpdateOriginRequestPolicyResult> {
        let config = read(&input.origin_request_policy_config)?;
        let if_match = input.if_match.as_deref();
        let record = policy::update(cx, KIND, &input.id, if_match, config).await?;
        Ok(UpdateOriginRequestPolicyResult {
            origin_request_policy: Some(shown(&record)?),
            e_tag: Some(record.etag),
        })
    }
}

impl Handle<DeleteOriginRequestPolicy> for CloudFront {
    async fn access(
        &self,
        cx: &Cx,
        input: &DeleteOriginRequestPolicyRequest,
    ) -> Result<Vec<Access>> {
        Ok(on(cx, "cloudfront:DeleteOriginRequestPolicy", &input.id))
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: DeleteOriginRequestPolicyRequest,
    ) -> Result<DeleteOriginRequestPolicyOutput> {
        policy::delete(cx, KIND, &input.id, input.if_match.as_deref()).await?;
        Ok(DeleteOriginRequestPolicyOutput {})
    }
}

impl Handle<ListOriginRequestPolicies> for CloudFront {
    async fn access(&self, cx: &Cx, _: &ListOriginRequestPoliciesRequest) -> Result<Vec<Access>> {
        Ok(on(cx, "cloudfront:ListOriginRequestPolicies", "*"))
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: ListOriginRequestPoliciesRequest,
    ) -> Result<ListOriginRequestPoliciesResult> {
        let most = page(input.max_items.as_deref())?;
        let marker = input.marker.as_deref().filter(|marker| !marker.is_empty());
        let wanted = match input.r#type {
            None => (true, true),
            Some(OriginRequestPolicyType::Custom) => (true, false),
            Some(OriginRequestPolicyType::Managed) => (false, true),
        };
        let listed = policy::list(cx, KIND, wanted, marker, most).await?;
        let summary = |record: &PolicyRecord| {
            let own = policy::is_own(record);
            let r#type = if own {
                OriginRequestPolicyType::Custom
            } else {
                OriginRequestPolicyType::Managed
            };
            Ok(OriginRequestPolicySummary { r#type, origin_request_policy: shown(record)? })
        };
        let items = listed.items.iter().map(summary).collect::<Result<Vec<_>, Error>>()?;
        let list = OriginRequestPolicyList {
            next_marker: listed.next_marker,
            max_items: count(most),
            quantity: count(items.len()),
            items: Some(items).filter(|items| !items.is_empty()),
        };
        Ok(ListOriginRequestPoliciesResult { origin_request_policy_list: Some(list) })
    }
}
