//! Cache policies: Create, Get, GetConfig, Update, Delete and List.
//!
//! Refuses TTLs that are out of order, a name that is there already, a change by who does not name
//! the current version, a change of one of AWS's, and to delete what a distribution refers to.

use cumulet_api_cloudfront::ops::{
    CreateCachePolicy, CreateCachePolicyRequest, CreateCachePolicyResult, DeleteCachePolicy,
    DeleteCachePolicyOutput, DeleteCachePolicyRequest, GetCachePolicy, GetCachePolicyConfig,
    GetCachePolicyConfigRequest, GetCachePolicyConfigResult, GetCachePolicyRequest,
    GetCachePolicyResult, ListCachePolicies, ListCachePoliciesRequest, ListCachePoliciesResult,
    UpdateCachePolicy, UpdateCachePolicyRequest, UpdateCachePolicyResult,
};
use cumulet_api_cloudfront::types::{
    CachePolicy, CachePolicyConfig, CachePolicyList, CachePolicySummary, CachePolicyType,
};
use cumulet_base::Timestamp;
use cumulet_service::{Access, Cx, Handle, Result};
use serde_json::{Map, Value};

use super::{access, count, page, policy};
use crate::CloudFront;
use crate::carry;
use crate::config::compile::ttl;
use crate::error::Error;
use crate::model::{PolicyKind, PolicyRecord};

const KIND: PolicyKind = PolicyKind::CachePolicy;

/// The document of a configuration that is right in itself.
fn read(config: &CachePolicyConfig) -> Result<Map<String, Value>, Error> {
    ttl(Some(config.min_ttl), config.default_ttl, config.max_ttl)?;
    Ok(carry::members(config)?)
}

fn shown(record: &PolicyRecord) -> Result<CachePolicy, Error> {
    Ok(CachePolicy {
        id: record.id.clone(),
        last_modified_time: Timestamp::from_millis(record.modified),
        cache_policy_config: carry::shape(&record.config)?,
    })
}

fn on(cx: &Cx, action: &'static str, id: &str) -> Vec<Access> {
    access(cx, action, &format!("{}/{id}", KIND.name()))
}

impl Handle<CreateCachePolicy> for CloudFront {
    async fn access(&self, cx: &Cx, _: &CreateCachePolicyRequest) -> Result<Vec<Access>> {
        Ok(on(cx, "cloudfront:CreateCachePolicy", "*"))
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: CreateCachePolicyRequest,
    ) -> Result<CreateCachePolicyResult> {
        let record = policy::create(cx, KIND, read(&input.cache_policy_config)?).await?;
        Ok(CreateCachePolicyResult {
            cache_policy: Some(shown(&record)?),
            location: Some(format!(
                "https://cloudfront.amazonaws.com/2020-05-31/cache-policy/{}",
                record.id
            )),
            e_tag: Some(record.etag),
        })
    }
}

impl Handle<GetCachePolicy> for CloudFront {
    async fn access(&self, cx: &Cx, input: &GetCachePolicyRequest) -> Result<Vec<Access>> {
        Ok(on(cx, "cloudfront:GetCachePolicy", &input.id))
    }

    async fn handle(&self, cx: &Cx, input: GetCachePolicyRequest) -> Result<GetCachePolicyResult> {
        let record = policy::get(cx, KIND, &input.id).await?;
        Ok(GetCachePolicyResult { cache_policy: Some(shown(&record)?), e_tag: Some(record.etag) })
    }
}

impl Handle<GetCachePolicyConfig> for CloudFront {
    async fn access(&self, cx: &Cx, input: &GetCachePolicyConfigRequest) -> Result<Vec<Access>> {
        Ok(on(cx, "cloudfront:GetCachePolicyConfig", &input.id))
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: GetCachePolicyConfigRequest,
    ) -> Result<GetCachePolicyConfigResult> {
        let record = policy::get(cx, KIND, &input.id).await?;
        let cache_policy_config = Some(carry::shape(&record.config)?);
        Ok(GetCachePolicyConfigResult { cache_policy_config, e_tag: Some(record.etag) })
    }
}

impl Handle<UpdateCachePolicy> for CloudFront {
    async fn access(&self, cx: &Cx, input: &UpdateCachePolicyRequest) -> Result<Vec<Access>> {
        Ok(on(cx, "cloudfront:UpdateCachePolicy", &input.id))
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: UpdateCachePolicyRequest,
    ) -> Result<UpdateCachePolicyResult> {
        let config = read(&input.cache_policy_config)?;
        let if_match = input.if_match.as_deref();
        let record = policy::update(cx, KIND, &input.id, if_match, config).await?;
        Ok(UpdateCachePolicyResult {
            cache_policy: Some(shown(&record)?),
            e_tag: Some(record.etag),
        })
    }
}

impl Handle<DeleteCachePolicy> for CloudFront {
    async fn access(&self, cx: &Cx, input: &DeleteCachePolicyRequest) -> Result<Vec<Access>> {
        Ok(on(cx, "cloudfront:DeleteCachePolicy", &input.id))
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: DeleteCachePolicyRequest,
    ) -> Result<DeleteCachePolicyOutput> {
        policy::delete(cx, KIND, &input.id, input.if_match.as_deref()).await?;
        Ok(DeleteCachePolicyOutput {})
    }
}

impl Handle<ListCachePolicies> for CloudFront {
    async fn access(&self, cx: &Cx, _: &ListCachePoliciesRequest) -> Result<Vec<Access>> {
        Ok(on(cx, "cloudfront:ListCachePolicies", "*"))
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: ListCachePoliciesRequest,
    ) -> Result<ListCachePoliciesResult> {
        let most = page(input.max_items.as_deref())?;
        let marker = input.marker.as_deref().filter(|marker| !marker.is_empty());
        let wanted = match input.r#type {
            None => (true, true),
            Some(CachePolicyType::Custom) => (true, false),
            Some(CachePolicyType::Managed) => (false, true),
        };
        let listed = policy::list(cx, KIND, wanted, marker, most).await?;
        let summary = |record: &PolicyRecord| {
            let own = policy::is_own(record);
            let r#type = if own { CachePolicyType::Custom } else { CachePolicyType::Managed };
            Ok(CachePolicySummary { r#type, cache_policy: shown(record)? })
        };
        let items = listed.items.iter().map(summary).collect::<Result<Vec<_>, Error>>()?;
        let list = CachePolicyList {
            next_marker: listed.next_marker,
            max_items: count(most),
            quantity: count(items.len()),
            items: Some(items).filter(|items| !items.is_empty()),
        };
        Ok(ListCachePoliciesResult { cache_policy_list: Some(list) })
    }
}
