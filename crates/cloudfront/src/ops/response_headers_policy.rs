//! Response headers policies: Create, Get, GetConfig, Update, Delete and List.
//!
//! Refuses a name that is there already, a change by who does not name the current version, a
//! change of one of AWS's, and to delete what a distribution refers to.
//! `Server-Timing` is kept and not sent.

use cumulet_api_cloudfront::ops::{
    CreateResponseHeadersPolicy, CreateResponseHeadersPolicyRequest,
    CreateResponseHeadersPolicyResult, DeleteResponseHeadersPolicy,
    DeleteResponseHeadersPolicyOutput, DeleteResponseHeadersPolicyRequest,
    GetResponseHeadersPolicy, GetResponseHeadersPolicyConfig,
    GetResponseHeadersPolicyConfigRequest, GetResponseHeadersPolicyConfigResult,
    GetResponseHeadersPolicyRequest, GetResponseHeadersPolicyResult, ListResponseHeadersPolicies,
    ListResponseHeadersPoliciesRequest, ListResponseHeadersPoliciesResult,
    UpdateResponseHeadersPolicy, UpdateResponseHeadersPolicyRequest,
    UpdateResponseHeadersPolicyResult,
};
use cumulet_api_cloudfront::types::{
    ResponseHeadersPolicy, ResponseHeadersPolicyConfig, ResponseHeadersPolicyList,
    ResponseHeadersPolicySummary, ResponseHeadersPolicyType,
};
use cumulet_base::Timestamp;
use cumulet_service::{Access, Cx, Handle, Result};
use serde_json::{Map, Value};

use super::{access, count, page, policy};
use crate::CloudFront;
use crate::carry;
use crate::error::Error;
use crate::model::{PolicyKind, PolicyRecord};

const KIND: PolicyKind = PolicyKind::ResponseHeadersPolicy;

fn read(config: &ResponseHeadersPolicyConfig) -> Result<Map<String, Value>, Error> {
    Ok(carry::members(config)?)
}

fn shown(record: &PolicyRecord) -> Result<ResponseHeadersPolicy, Error> {
    Ok(ResponseHeadersPolicy {
        id: record.id.clone(),
        last_modified_time: Timestamp::from_millis(record.modified),
        response_headers_policy_config: carry::shape(&record.config)?,
    })
}

fn on(cx: &Cx, action: &'static str, id: &str) -> Vec<Access> {
    access(cx, action, &format!("{}/{id}", KIND.name()))
}

impl Handle<CreateResponseHeadersPolicy> for CloudFront {
    async fn access(&self, cx: &Cx, _: &CreateResponseHeadersPolicyRequest) -> Result<Vec<Access>> {
        Ok(on(cx, "cloudfront:CreateResponseHeadersPolicy", "*"))
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: CreateResponseHeadersPolicyRequest,
    ) -> Result<CreateResponseHeadersPolicyResult> {
        let record = policy::create(cx, KIND, read(&input.response_headers_policy_config)?).await?;
        Ok(CreateResponseHeadersPolicyResult {
            response_headers_policy: Some(shown(&record)?),
            location: Some(format!(
                "https://cloudfront.amazonaws.com/2020-05-31/response-headers-policy/{}",
                record.id
            )),
            e_tag: Some(record.etag),
        })
    }
}

impl Handle<GetResponseHeadersPolicy> for CloudFront {
    async fn access(
        &self,
        cx: &Cx,
        input: &GetResponseHeadersPolicyRequest,
    ) -> Result<Vec<Access>> {
        Ok(on(cx, "cloudfront:GetResponseHeadersPolicy", &input.id))
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: GetResponseHeadersPolicyRequest,
    ) -> Result<GetResponseHeadersPolicyResult> {
        let record = policy::get(cx, KIND, &input.id).await?;
        Ok(GetResponseHeadersPolicyResult {
            response_headers_policy: Some(shown(&record)?),
            e_tag: Some(record.etag),
        })
    }
}

impl Handle<GetResponseHeadersPolicyConfig> for CloudFront {
    async fn access(
        &self,
        cx: &Cx,
        input: &GetResponseHeadersPolicyConfigRequest,
    ) -> Result<Vec<Access>> {
        Ok(on(cx, "cloudfront:GetResponseHeadersPolicyConfig", &input.id))
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: GetResponseHeadersPolicyConfigRequest,
    ) -> Result<GetResponseHeadersPolicyConfigResult> {
        let record = policy::get(cx, KIND, &input.id).await?;
        let response_headers_policy_config = Some(carry::shape(&record.config)?);
        Ok(GetResponseHeadersPolicyConfigResult {
            response_headers_policy_config,
            e_tag: Some(record.etag),
        })
    }
}

impl Handle<UpdateResponseHeadersPolicy> for CloudFront {
    async fn access(
        &self,
        cx: &Cx,
        input: &UpdateResponseHeadersPolicyRequest,
    ) -> Result<Vec<Access>> {
        Ok(on(cx, "cloudfront:UpdateResponseHeadersPolicy", &input.id))
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: UpdateResponseHeadersPolicyRequest,
    ) -> Result<UpdateResponseHeadersPolicyResult> {
        let config = read(&input.response_headers_policy_config)?;
        let if_match = input.if_match.as_deref();
        let record = policy::update(cx, KIND, &input.id, if_match, config).await?;
        Ok(UpdateResponseHeadersPolicyResult {
            response_headers_policy: Some(shown(&record)?),
            e_tag: Some(record.etag),
        })
    }
}

impl Handle<DeleteResponseHeadersPolicy> for CloudFront {
    async fn access(
        &self,
        cx: &Cx,
        input: &DeleteResponseHeadersPolicyRequest,
    ) -> Result<Vec<Access>> {
        Ok(on(cx, "cloudfront:DeleteResponseHeadersPolicy", &input.id))
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: DeleteResponseHeadersPolicyRequest,
    ) -> Result<DeleteResponseHeadersPolicyOutput> {
        policy::delete(cx, KIND, &input.id, input.if_match.as_deref()).await?;
        Ok(DeleteResponseHeadersPolicyOutput {})
    }
}

impl Handle<ListResponseHeadersPolicies> for CloudFront {
    async fn access(&self, cx: &Cx, _: &ListResponseHeadersPoliciesRequest) -> Result<Vec<Access>> {
        Ok(on(cx, "cloudfront:ListResponseHeadersPolicies", "*"))
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: ListResponseHeadersPoliciesRequest,
    ) -> Result<ListResponseHeadersPoliciesResult> {
        let most = page(input.max_items.as_deref())?;
        let marker = input.marker.as_deref().filter(|marker| !marker.is_empty());
        let wanted = match input.r#type {
            None => (true, true),
            Some(ResponseHeadersPolicyType::Custom) => (true, false),
            Some(ResponseHeadersPolicyType::Managed) => (false, true),
        };
        let listed = policy::list(cx, KIND, wanted, marker, most).await?;
        let summary = |record: &PolicyRecord| {
            let own = policy::is_own(record);
            let r#type = if own {
                ResponseHeadersPolicyType::Custom
            } else {
                ResponseHeadersPolicyType::Managed
            };
            Ok(ResponseHeadersPolicySummary { r#type, response_headers_policy: shown(record)? })
        };
        let items = listed.items.iter().map(summary).collect::<Result<Vec<_>, Error>>()?;
        let list = ResponseHeadersPolicyList {
            next_marker: listed.next_marker,
            max_items: count(most),
            quantity: count(items.len()),
            items: Some(items).filter(|items| !items.is_empty()),
        };
        Ok(ListResponseHeadersPoliciesResult { response_headers_policy_list: Some(list) })
    }
}
