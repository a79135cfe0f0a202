//! What a pool publishes: its keys and its OpenID configuration, for whoever verifies its tokens.

use std::sync::Arc;

use cumulet_base::Body;
use cumulet_service::{BoxFuture, Cx, Result, Site, Sites};
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use serde_json::json;

use crate::Cognito;
use crate::store;

const KEYS: &str = "jwks.json";
const CONFIGURATION: &str = "openid-configuration";
const WELL_KNOWN: &str = "/.well-known/";

/// Finds pools' published documents: below `/<pool id>/.well-known/` on every host that leads to no
/// other site, AWS's own (`cognito-idp.<region>.amazonaws.com`) among them.
#[derive(Debug, Clone)]
pub struct PoolSites(Arc<Cognito>);

impl PoolSites {
    /// The sites of this service's pools.
    pub fn new(cognito: &Arc<Cognito>) -> Self {
        Self(Arc::clone(cognito))
    }
}

/// The pool and the document that a path names.
fn parse(path: &str) -> Option<(&str, &str)> {
    let (pool, document) = path.strip_prefix('/')?.split_once(WELL_KNOWN)?;
    let (region, name) = pool.split_once('_')?;
    let plain = |text: &str, extra: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || extra.contains(c))
    };
    let pool_like = pool.len() <= 55 && plain(region, "-") && plain(name, "");
    (pool_like && [KEYS, CONFIGURATION].contains(&document)).then_some((pool, document))
}

impl Sites for PoolSites {
    fn find(&self, _: &str, path: &str) -> Option<(Arc<dyn Site>, usize)> {
        parse(path).map(|_| (Arc::new(self.clone()) as Arc<dyn Site>, 0))
    }
}

impl Site for PoolSites {
    fn serve(&self, cx: Cx, request: Request<Body>) -> BoxFuture<'_, Response<Body>> {
        Box::pin(async move {
            if !matches!(*request.method(), Method::GET | Method::HEAD) {
                return answer(StatusCode::METHOD_NOT_ALLOWED, "{}".to_owned());
            }
            match self.0.published(&cx, request.uri().path()).await {
                Ok(Some(document)) => answer(StatusCode::OK, document),
                Ok(None) => {
                    let text = json!({ "message": "User pool does not exist." });
                    answer(StatusCode::NOT_FOUND, text.to_string())
                }
                Err(error) => {
                    tracing::error!(%error, "a pool's keys cannot be read");
                    answer(StatusCode::SERVICE_UNAVAILABLE, "{}".to_owned())
                }
            }
        })
    }
}

impl Cognito {
    /// The document at this path.
    async fn published(&self, cx: &Cx, path: &str) -> Result<Option<String>> {
        let Some((id, document)) = parse(path) else { return Ok(None) };
        let snapshot = cx.store().snapshot();
        let Some(place) = store::place_of_pool(&snapshot, id).await? else { return Ok(None) };
        let pool = store::pool(&snapshot, &place).await?;
        if document == KEYS {
            return Ok(Some(self.keys.of(cx, &pool)?.document.clone()));
        }
        let issuer = self.issuer(&pool);
        // The endpoints of sign-in pages follow with the pool's domain.
        let configuration = json!({
            "id_token_signing_alg_values_supported": ["RS256"],
            "issuer": issuer,
            "jwks_uri": format!("{issuer}{WELL_KNOWN}{KEYS}"),
            "response_types_supported": ["code", "token"],
            "scopes_supported": ["openid", "email", "phone", "profile"],
            "subject_types_supported": ["public"],
        });
        Ok(Some(configuration.to_string()))
    }
}

fn answer(status: StatusCode, document: String) -> Response<Body> {
    let mut response = Response::new(Body::from(document));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    // Public by nature; browsers verify tokens too.
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    let kept = if status == StatusCode::OK { "public, max-age=86400" } else { "no-store" };
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(kept));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_published_documents_are_found() {
        assert_eq!(parse("/eu-west-1_AbC/.well-known/jwks.json"), Some(("eu-west-1_AbC", KEYS)));
        assert!(parse("/eu-west-1_AbC/.well-known/openid-configuration").is_some());
        for wrong in [
            "/.well-known/jwks.json",
            "/x/eu_A/.well-known/jwks.json",
            "/eu_A/.well-known/jwks.json/x",
            "/eu_A/.well-known/other",
            "/eu_../.well-known/jwks.json",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
