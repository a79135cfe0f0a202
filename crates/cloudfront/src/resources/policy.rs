//! AWS::CloudFront::OriginAccessControl, CachePolicy, OriginRequestPolicy, ResponseHeadersPolicy:
//! `Ref` and `Id` are the id.

use cumulet_api_cloudfront::ops::{
    CreateCachePolicy, CreateCachePolicyRequest, CreateOriginAccessControl,
    CreateOriginAccessControlRequest, CreateOriginRequestPolicy, CreateOriginRequestPolicyRequest,
    CreateResponseHeadersPolicy, CreateResponseHeadersPolicyRequest, DeleteCachePolicy,
    DeleteCachePolicyRequest, DeleteOriginAccessControl, DeleteOriginAccessControlRequest,
    DeleteOriginRequestPolicy, DeleteOriginRequestPolicyRequest, DeleteResponseHeadersPolicy,
    DeleteResponseHeadersPolicyRequest, GetCachePolicy, GetCachePolicyRequest,
    GetOriginAccessControl, GetOriginAccessControlRequest, GetOriginRequestPolicy,
    GetOriginRequestPolicyRequest, GetResponseHeadersPolicy, GetResponseHeadersPolicyRequest,
    UpdateCachePolicy, UpdateCachePolicyRequest, UpdateOriginAccessControl,
    UpdateOriginAccessControlRequest, UpdateOriginRequestPolicy, UpdateOriginRequestPolicyRequest,
    UpdateResponseHeadersPolicy, UpdateResponseHeadersPolicyRequest,
};
use cumulet_service::{Actual, BoxFuture, Changed, Cx, Desired, Error, Resource, Result};
use serde_json::{Map, Value};

use super::properties::read;
use crate::model::PolicyKind;

/// A kind of resource: its names, and the operations on it.
struct Kind {
    name: &'static str,
    /// The one property that it has.
    property: &'static str,
    policy: PolicyKind,
}

static KINDS: [Kind; 4] = [
    Kind {
        name: "AWS::CloudFront::OriginAccessControl",
        property: "OriginAccessControlConfig",
        policy: PolicyKind::OriginAccessControl,
    },
    Kind {
        name: "AWS::CloudFront::CachePolicy",
        property: "CachePolicyConfig",
        policy: PolicyKind::CachePolicy,
    },
    Kind {
        name: "AWS::CloudFront::OriginRequestPolicy",
        property: "OriginRequestPolicyConfig",
        policy: PolicyKind::OriginRequestPolicy,
    },
    Kind {
        name: "AWS::CloudFront::ResponseHeadersPolicy",
        property: "ResponseHeadersPolicyConfig",
        policy: PolicyKind::ResponseHeadersPolicy,
    },
];

/// The resource types.
pub(super) fn all() -> Vec<&'static dyn Resource> {
    KINDS.iter().map(|kind| kind as &dyn Resource).collect()
}

impl Resource for Kind {
    fn type_name(&self) -> &'static str {
        self.name
    }

    fn replaces(&self, _: &str) -> bool {
        false
    }

    fn create<'a>(&'a self, cx: &'a Cx, desired: Desired<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(async move {
            let config = self.config(&desired)?;
            let id = match cx.made_before().await? {
                Some(id) => id,
                None => create(cx, self.policy, config).await?,
            };
            Ok(actual(&id))
        })
    }

    fn update<'a>(&'a self, cx: &'a Cx, changed: Changed<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(async move {
            let config = self.config(&changed.after)?;
            update(cx, self.policy, changed.physical_id, config).await?;
            Ok(actual(changed.physical_id))
        })
    }

    fn delete<'a>(&'a self, cx: &'a Cx, physical_id: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            match delete(cx, self.policy, physical_id.to_owned()).await {
                Err(error) if !error.code.starts_with("NoSuch") => Err(error),
                _ => Ok(()),
            }
        })
    }
}

impl Kind {
    /// The property, where it is the only one.
    fn config<'a>(&self, desired: &Desired<'a>) -> Result<&'a Value> {
        if let Some(other) = desired.properties.keys().find(|name| *name != self.property) {
            let words = format!("{}: the property {other} is not supported.", self.name);
            return Err(Error::validation(words));
        }
        let missing = || Error::validation(format!("{}: {} is missing.", self.name, self.property));
        desired.properties.get(self.property).ok_or_else(missing)
    }
}

fn actual(id: &str) -> Actual {
    let attributes = Map::from_iter([("Id".to_owned(), id.into())]);
    Actual { physical_id: id.to_owned(), attributes }
}

async fn create(cx: &Cx, kind: PolicyKind, config: &Value) -> Result<String> {
    Ok(match kind {
        PolicyKind::OriginAccessControl => {
            let origin_access_control_config = read(config)?;
            let request = CreateOriginAccessControlRequest { origin_access_control_config };
            cx.call::<CreateOriginAccessControl>(request)
                .await?
                .origin_access_control
                .unwrap_or_default()
                .id
        }
        PolicyKind::CachePolicy => {
            let cache_policy_config = read(config)?;
            let request = CreateCachePolicyRequest { cache_policy_config };
            cx.call::<CreateCachePolicy>(request).await?.cache_policy.unwrap_or_default().id
        }
        PolicyKind::OriginRequestPolicy => {
            let origin_request_policy_config = read(config)?;
            let request = CreateOriginRequestPolicyRequest { origin_request_policy_config };
            cx.call::<CreateOriginRequestPolicy>(request)
                .await?
                .origin_request_policy
                .unwrap_or_default()
                .id
        }
        PolicyKind::ResponseHeadersPolicy => {
            let response_headers_policy_config = read(config)?;
            let request = CreateResponseHeadersPolicyRequest { response_headers_policy_config };
            cx.call::<CreateResponseHeadersPolicy>(request)
                .await?
                .response_headers_policy
                .unwrap_or_default()
                .id
        }
    })
}

async fn update(cx: &Cx, kind: PolicyKind, id: &str, config: &Value) -> Result<()> {
    let (id, if_match) = (id.to_owned(), version(cx, kind, id).await?);
    match kind {
        PolicyKind::OriginAccessControl => {
            let origin_access_control_config = read(config)?;
            let request =
                UpdateOriginAccessControlRequest { origin_access_control_config, id, if_match };
            cx.call::<UpdateOriginAccessControl>(request).await.map(drop)
        }
        PolicyKind::CachePolicy => {
            let cache_policy_config = read(config)?;
            let request = UpdateCachePolicyRequest { cache_policy_config, id, if_match };
            cx.call::<UpdateCachePolicy>(request).await.map(drop)
        }
        PolicyKind::OriginRequestPolicy => {
            let origin_request_policy_config = read(config)?;
            let request =
                UpdateOriginRequestPolicyRequest { origin_request_policy_config, id, if_match };
            cx.call::<UpdateOriginRequestPolicy>(request).await.map(drop)
        }
        PolicyKind::ResponseHeadersPolicy => {
            let response_headers_policy_config = read(config)?;
            let request =
                UpdateResponseHeadersPolicyRequest { response_headers_policy_config, id, if_match };
            cx.call::<UpdateResponseHeadersPolicy>(request).await.map(drop)
        }
    }
}

async fn delete(cx: &Cx, kind: PolicyKind, id: String) -> Result<()> {
    let if_match = version(cx, kind, &id).await?;
    match kind {
        PolicyKind::OriginAccessControl => {
            let request = DeleteOriginAccessControlRequest { id, if_match };
            cx.call::<DeleteOriginAccessControl>(request).await.map(drop)
        }
        PolicyKind::CachePolicy => {
            let request = DeleteCachePolicyRequest { id, if_match };
            cx.call::<DeleteCachePolicy>(request).await.map(drop)
        }
        PolicyKind::OriginRequestPolicy => {
            let request = DeleteOriginRequestPolicyRequest { id, if_match };
            cx.call::<DeleteOriginRequestPolicy>(request).await.map(drop)
        }
        PolicyKind::ResponseHeadersPolicy => {
            let request = DeleteResponseHeadersPolicyRequest { id, if_match };
            cx.call::<DeleteResponseHeadersPolicy>(request).await.map(drop)
        }
    }
}

/// The current version of one.
async fn version(cx: &Cx, kind: PolicyKind, id: &str) -> Result<Option<String>> {
    let id = id.to_owned();
    Ok(match kind {
        PolicyKind::OriginAccessControl => {
            cx.call::<GetOriginAccessControl>(GetOriginAccessControlRequest { id }).await?.e_tag
        }
        PolicyKind::CachePolicy => {
            cx.call::<GetCachePolicy>(GetCachePolicyRequest { id }).await?.e_tag
        }
        PolicyKind::OriginRequestPolicy => {
            cx.call::<GetOriginRequestPolicy>(GetOriginRequestPolicyRequest { id }).await?.e_tag
        }
        PolicyKind::ResponseHeadersPolicy => {
            cx.call::<GetResponseHeadersPolicy>(GetResponseHeadersPolicyRequest { id }).await?.e_tag
        }
    })
}
