//! CloudFront: distributions, the policies they refer to, invalidations, and the cache that serves
//! them.
//!
//! - `ops` are the operations, `resources` what stacks make of them.
//! - `model` and `store` say what is kept and under which keys; configurations are kept as the
//!   documents of AWS's model that they are (`carry`).
//! - `config` checks a configuration and compiles it; `cache` is the engine, pure decisions about
//!   keys, lifetimes and answers, and a bounded store; `serve` is the data plane: [`Distributions`]
//!   finds a host, a hit reads nothing from the disk.

mod cache;
mod carry;
mod config;
mod error;
mod model;
mod ops;
mod resources;
mod serve;
mod store;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use cumulet_api_cloudfront::ops::{
    CreateCachePolicy, CreateDistribution, CreateDistributionWithTags, CreateInvalidation,
    CreateOriginAccessControl, CreateOriginRequestPolicy, CreateResponseHeadersPolicy,
    DeleteCachePolicy, DeleteDistribution, DeleteOriginAccessControl, DeleteOriginRequestPolicy,
    DeleteResponseHeadersPolicy, GetCachePolicy, GetCachePolicyConfig, GetDistribution,
    GetDistributionConfig, GetInvalidation, GetOriginAccessControl, GetOriginAccessControlConfig,
    GetOriginRequestPolicy, GetOriginRequestPolicyConfig, GetResponseHeadersPolicy,
    GetResponseHeadersPolicyConfig, ListCachePolicies, ListDistributions, ListInvalidations,
    ListOriginAccessControls, ListOriginRequestPolicies, ListResponseHeadersPolicies,
    ListTagsForResource, TagResource, UntagResource, UpdateCachePolicy, UpdateDistribution,
    UpdateOriginAccessControl, UpdateOriginRequestPolicy, UpdateResponseHeadersPolicy,
};
use cumulet_service::{Cloud, Resource, Service, operations};
use cumulet_shape::ServiceMeta;
use cumulet_store::{Key, Store, StoreError};

pub use serve::Distributions;

/// The service.
pub struct CloudFront {
    cdn: Arc<serve::Cdn>,
}

impl CloudFront {
    /// The service over what the store holds.
    pub async fn open(store: &Store) -> Result<Arc<Self>, StoreError> {
        Ok(Arc::new(Self { cdn: serve::Cdn::open(store).await? }))
    }
}

impl std::fmt::Debug for CloudFront {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CloudFront")
    }
}

impl Service for CloudFront {
    fn meta(&self) -> &'static ServiceMeta {
        &cumulet_api_cloudfront::SERVICE
    }

    operations![
        CreateCachePolicy,
        CreateDistribution,
        CreateDistributionWithTags,
        CreateInvalidation,
        CreateOriginAccessControl,
        CreateOriginRequestPolicy,
        CreateResponseHeadersPolicy,
        DeleteCachePolicy,
        DeleteDistribution,
        DeleteOriginAccessControl,
        DeleteOriginRequestPolicy,
        DeleteResponseHeadersPolicy,
        GetCachePolicy,
        GetCachePolicyConfig,
        GetDistribution,
        GetDistributionConfig,
        GetInvalidation,
        GetOriginAccessControl,
        GetOriginAccessControlConfig,
        GetOriginRequestPolicy,
        GetOriginRequestPolicyConfig,
        GetResponseHeadersPolicy,
        GetResponseHeadersPolicyConfig,
        ListCachePolicies,
        ListDistributions,
        ListInvalidations,
        ListOriginAccessControls,
        ListOriginRequestPolicies,
        ListResponseHeadersPolicies,
        ListTagsForResource,
        TagResource,
        UntagResource,
        UpdateCachePolicy,
        UpdateDistribution,
        UpdateOriginAccessControl,
        UpdateOriginRequestPolicy,
        UpdateResponseHeadersPolicy,
    ];

    fn resources(&self) -> Vec<&'static dyn Resource> {
        resources::all()
    }

    fn start(self: Arc<Self>, cloud: &Arc<Cloud>) {
        let watch = cloud.parts().store.watch(&Key::of_service(store::SERVICE));
        tokio::spawn(serve::follow(Arc::downgrade(&self.cdn), watch));
    }
}
