//! JWT authorizers: whose tokens a route takes, and what they say.
//!
//! The keys of an issuer within this cloud (a user pool) are read in-process from the site that
//! publishes them. Foreign issuers are not asked yet: their tokens are refused, and the log says
//! why.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cumulet_auth::jwt::{Claims, Jwks, JwtError, MAX_JWKS, Rules, Verifier};
use cumulet_base::{Body, Timestamp};
use cumulet_service::{Cx, Sites};
use http::{Request, StatusCode};
use serde_json::{Map, Value};

use super::incoming::Incoming;
use crate::http::model::{AuthorizerRecord, RouteRecord};

/// How long an issuer's keys are kept ("public keys are cached for two hours").
const KEPT: Duration = Duration::from_secs(2 * 3600);
/// Not more often than this is an issuer asked for a key that it did not have.
const ASKED_AGAIN: Duration = Duration::from_secs(10);
const MOST_ISSUERS: usize = 256;

/// Why a request is not authorized.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    /// No token: 401.
    Missing,
    /// A bad one: 401, with the reason in `www-authenticate`.
    Invalid(String),
    /// None of the route's scopes: 403.
    Scope,
}

/// Why a token is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unverified {
    /// Its issuer's keys cannot be had.
    NoKeys,
    /// What is wrong with it.
    Token(JwtError),
}

/// The keys of issuers, as they publish them.
pub(crate) struct Issuers {
    sites: Vec<Arc<dyn Sites>>,
    kept: Mutex<HashMap<String, (Timestamp, Jwks)>>,
}

impl Issuers {
    pub(crate) fn new(sites: Vec<Arc<dyn Sites>>) -> Self {
        Self { sites, kept: Mutex::default() }
    }

    /// The keys of `issuer`, not older than `age`.
    async fn keys(&self, cx: &Cx, issuer: &str, age: Duration) -> Result<Jwks, String> {
        let now = cx.now();
        let kept = {
            let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.get(issuer).filter(|(at, _)| now.since(*at) < age).map(|(_, keys)| keys.clone())
        };
        if let Some(keys) = kept {
            return Ok(keys);
        }
        let keys = self.fetch(cx, issuer).await?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST_ISSUERS {
            kept.clear();
        }
        kept.insert(issuer.to_owned(), (now, keys.clone()));
        Ok(keys)
    }

    async fn fetch(&self, cx: &Cx, issuer: &str) -> Result<Jwks, String> {
        let url = format!("{}/.well-known/jwks.json", issuer.trim_end_matches('/'));
        let uri: http::Uri = url.parse().map_err(|_| format!("{url} is no URL"))?;
        let host = uri.host().unwrap_or_default().to_ascii_lowercase();
        let found = self.sites.iter().find_map(|sites| sites.find(&host, uri.path()));
        let Some((site, cut)) = found else {
            return Err(format!(
                "{issuer} is not an issuer of this cloud, and others cannot be asked yet"
            ));
        };
        let path = uri.path().get(cut..).unwrap_or("/");
        let request = Request::get(path).header(http::header::HOST, &host).body(Body::empty());
        let response = site.serve(cx.clone(), request.map_err(|e| e.to_string())?).await;
        if response.status() != StatusCode::OK {
            return Err(format!("{url} answers {}", response.status()));
        }
        let text = response.into_body().collect(MAX_JWKS).await.map_err(|e| e.to_string())?;
        // API reference of JWTConfiguration and the guide: "only RSA-based algorithms".
        Jwks::parse(&text).map(Jwks::only_rsa).map_err(|e| e.to_string())
    }

    /// The claims of `token`, where it is one of the issuer that `rules` name and keeps them.
    pub(crate) async fn verify(
        &self,
        cx: &Cx,
        token: &str,
        rules: &Rules,
    ) -> Result<Claims, Unverified> {
        let unknown = |why: String| {
            tracing::warn!(issuer = rules.issuer, why, "an issuer's keys cannot be read");
            Unverified::NoKeys
        };
        let keys = self.keys(cx, &rules.issuer, KEPT).await.map_err(unknown)?;
        let mut verified = Verifier::new(keys, rules.clone()).verify(token, cx.now());
        if verified == Err(JwtError::UnknownKey) {
            let keys = self.keys(cx, &rules.issuer, ASKED_AGAIN).await.map_err(unknown)?;
            verified = Verifier::new(keys, rules.clone()).verify(token, cx.now());
        }
        verified.map_err(Unverified::Token)
    }

    /// The claims of the request's token, where it is one that the route takes.
    pub(crate) async fn authorize(
        &self,
        cx: &Cx,
        incoming: &Incoming,
        route: &RouteRecord,
        authorizer: &AuthorizerRecord,
    ) -> Result<Claims, Refused> {
        let token = token(incoming, authorizer).ok_or(Refused::Missing)?;
        let jwt = authorizer.jwt_configuration.clone().unwrap_or_default();
        let rules = Rules {
            issuer: jwt.issuer.unwrap_or_default(),
            audiences: Some(jwt.audience.unwrap_or_default()),
            token_use: None,
            leeway: Duration::ZERO,
        };
        let claims = self.verify(cx, &token, &rules).await.map_err(|why| match why {
            Unverified::NoKeys => {
                Refused::Invalid("unable to retrieve the issuer's keys".to_owned())
            }
            Unverified::Token(error) => Refused::Invalid(error.to_string()),
        })?;
        let wanted = route.authorization_scopes.as_deref().unwrap_or_default();
        if has_scope(&claims, wanted) { Ok(claims) } else { Err(Refused::Scope) }
    }
}

impl std::fmt::Debug for Issuers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issuers").finish_non_exhaustive()
    }
}

/// The token at the authorizer's identity source, without `Bearer`.
fn token(incoming: &Incoming, authorizer: &AuthorizerRecord) -> Option<String> {
    let source = authorizer.identity_source.as_ref()?.first()?;
    let value = match source.strip_prefix("$request.header.") {
        Some(header) => incoming.header(header).map(str::to_owned),
        None => incoming.query_value(source.strip_prefix("$request.querystring.")?),
    }?;
    let token = bare(&value);
    (!token.is_empty()).then(|| token.to_owned())
}

/// A token without `Bearer` before it.
pub(crate) fn bare(value: &str) -> &str {
    let bearer = value.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("bearer "));
    if bearer { value.get(7..).unwrap_or_default().trim() } else { value.trim() }
}

/// Whether a token has one of these scopes; any has where none is asked for.
pub(crate) fn has_scope(claims: &Claims, wanted: &[String]) -> bool {
    wanted.is_empty() || scopes(claims).any(|has| wanted.iter().any(|scope| scope == has))
}

/// The scopes of a token: `scope`, parted by spaces, or `scp`, a list or a text.
fn scopes(claims: &Claims) -> impl Iterator<Item = &str> {
    let listed = claims.get("scp").and_then(Value::as_array).into_iter().flatten();
    let texts = ["scope", "scp"].into_iter().filter_map(|name| claims.get(name)?.as_str());
    texts.flat_map(|text| text.split(' ')).chain(listed.filter_map(Value::as_str))
}

/// Claims as events carry them: all of them texts, lists as `[a b]`.
pub(crate) fn as_texts(claims: &Claims) -> Map<String, Value> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Array(all) => {
            let all: Vec<_> = all.iter().map(plain).collect();
            format!("[{}]", all.join(" "))
        }
        other => other.to_string(),
    };
    claims.iter().map(|(name, value)| (name.clone(), Value::String(text(value)))).collect()
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
