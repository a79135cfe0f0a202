//! From a configuration's document to what is served by it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use cumulet_api_cloudfront::types::{
    CacheBehavior, CachePolicyConfig, CachePolicyCookieBehavior, CachePolicyHeaderBehavior,
    CachePolicyQueryStringBehavior, CookieNames, DefaultCacheBehavior, DistributionConfig,
    ForwardedValues, Headers, ItemSelection, Origin as OriginConfig, OriginAccessControlConfig,
    OriginAccessControlSigningBehaviors, OriginProtocolPolicy, OriginRequestPolicyConfig,
    OriginRequestPolicyCookieBehavior, OriginRequestPolicyHeaderBehavior,
    OriginRequestPolicyQueryStringBehavior, QueryStringNames, ViewerProtocolPolicy,
};
use cumulet_base::{AccountId, Arn};
use cumulet_service::Result;
use http::{HeaderName, HeaderValue, Method};
use serde_json::{Map, Value};

use super::managed;
use super::rules::{
    Behaviour, Distribution, ErrorRule, Forward, Origin, OriginKind, Scheme, ViewerProtocol,
};
use crate::cache::freshness::Ttl;
use crate::cache::key::{KeyRule, Names};
use crate::cache::pattern::Pattern;
use crate::carry;
use crate::error::Error;
use crate::model::{DistributionRecord, InvalidationRecord, PolicyKind, PolicyRecord};
use crate::store::SERVICE;

/// What is configured without a policy and without ForwardedValues' own numbers.
const USUAL: Ttl = Ttl { min: 0, default: 86_400, max: 31_536_000 };
/// Seconds that an error is kept where nothing else is said.
const ERROR_TTL: u64 = 10;
/// "Origin response timeout".
const READ_SECONDS: i32 = 30;
/// "Connection attempts".
const ATTEMPTS: i32 = 3;

/// An account's own policies.
#[derive(Debug, Default)]
pub(crate) struct Policies(HashMap<(PolicyKind, String), Map<String, Value>>);

impl Policies {
    pub(crate) fn add(&mut self, record: PolicyRecord) {
        self.0.insert((record.kind, record.id), record.config);
    }

    /// The configuration of a policy, the account's own or AWS's.
    pub(crate) fn find(&self, kind: PolicyKind, id: &str) -> Option<&Map<String, Value>> {
        let managed = || managed::find(kind, id).map(|record| &record.config);
        self.0.get(&(kind, id.to_owned())).or_else(managed)
    }
}

/// Compiles a distribution. Fails where it refers to what is not there.
pub(crate) fn compile(
    account: &AccountId,
    record: &DistributionRecord,
    policies: &Policies,
    invalidations: &[InvalidationRecord],
) -> Result<Distribution, Error> {
    let config: DistributionConfig = carry::shape(&record.config)?;
    let mut origins = HashMap::new();
    for origin in &config.origins.items {
        origins.insert(origin.id.clone(), Arc::new(self::origin(origin, policies)?));
    }
    let within = Within { origins, policies };
    let mut behaviours = Vec::new();
    for behaviour in config.cache_behaviors.iter().flat_map(|list| &list.items).flatten() {
        let pattern = Pattern::new(&behaviour.path_pattern);
        behaviours.push((pattern, Arc::new(within.behaviour(&Common::from(behaviour))?)));
    }
    let default = within.behaviour(&Common::from(&config.default_cache_behavior))?;
    let via = HeaderValue::from_str(&format!("1.1 {} (CloudFront)", record.domain));
    // Of a path with a query string every answer goes, whatever query it was asked with.
    let path = |path: &String| Pattern::new(path.split('?').next().unwrap_or_default());
    let patterns = |paths: &[String]| paths.iter().map(path).collect();
    Ok(Distribution {
        id: record.id.clone(),
        account: account.clone(),
        arn: Arn::global(SERVICE, account, &format!("distribution/{}", record.id)),
        domain: record.domain.clone(),
        aliases: config.aliases.as_ref().and_then(|a| a.items.clone()).unwrap_or_default(),
        enabled: config.enabled,
        root: config.default_root_object.clone().unwrap_or_default(),
        behaviours,
        default: Arc::new(default),
        errors: errors(&config),
        invalidations: invalidations.iter().map(|i| (i.number, patterns(&i.paths))).collect(),
        latest: record.invalidations,
        via: via.unwrap_or(HeaderValue::from_static("1.1 cloudfront.net (CloudFront)")),
    })
}

fn errors(config: &DistributionConfig) -> HashMap<u16, ErrorRule> {
    let rules = config.custom_error_responses.iter().flat_map(|list| &list.items).flatten();
    let rule = |rule: &cumulet_api_cloudfront::types::CustomErrorResponse| {
        let code = u16::try_from(rule.error_code).ok()?;
        let page = rule.response_page_path.clone().filter(|page| !page.is_empty());
        let status = rule.response_code.as_deref().and_then(|code| code.parse().ok());
        let least = rule.error_caching_min_ttl.and_then(|ttl| u64::try_from(ttl).ok());
        let page = page.map(|page| (page, status.unwrap_or(code)));
        Some((code, ErrorRule { page, least: least.unwrap_or(ERROR_TTL) }))
    };
    rules.filter_map(rule).collect()
}

fn origin(config: &OriginConfig, policies: &Policies) -> Result<Origin, Error> {
    let domain = config.domain_name.to_ascii_lowercase();
    let custom = config.custom_headers.iter().flat_map(|list| &list.items).flatten();
    let mut headers = Vec::new();
    for header in custom {
        let name = HeaderName::from_bytes(header.header_name.as_bytes());
        let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(&header.header_value)) else {
            let words = format!("{} is no header of an origin.", header.header_name);
            return Err(Error::argument(words));
        };
        headers.push((name, value));
    }
    let control = config.origin_access_control_id.as_deref().filter(|id| !id.is_empty());
    let signed = match control {
        None => false,
        Some(id) => {
            let found = policies.find(PolicyKind::OriginAccessControl, id);
            let found = found.ok_or(Error::InvalidOriginAccessControl)?;
            let control: OriginAccessControlConfig = carry::shape(found)?;
            control.signing_behavior != OriginAccessControlSigningBehaviors::Never
        }
    };
    let kind = match (&config.custom_origin_config, bucket(&domain)) {
        (Some(custom), _) => OriginKind::Custom {
            http: port(custom.http_port)?,
            https: port(custom.https_port)?,
            scheme: match custom.origin_protocol_policy {
                OriginProtocolPolicy::HttpOnly => Scheme::Http,
                OriginProtocolPolicy::HttpsOnly => Scheme::Https,
                OriginProtocolPolicy::MatchViewer => Scheme::AsViewer,
            },
            read: seconds(custom.origin_read_timeout.unwrap_or(READ_SECONDS)),
        },
        (None, Some(name)) => OriginKind::Bucket { name: name.to_owned(), signed },
        (None, None) => {
            return Err(Error::InvalidOrigin(format!(
                "{domain} is not the domain of a bucket: an S3 origin's is \
                 BUCKET.s3.REGION.amazonaws.com, any other has a CustomOriginConfig."
            )));
        }
    };
    let path = config.origin_path.as_deref().unwrap_or_default().trim_end_matches('/').to_owned();
    let attempts = config.connection_attempts.unwrap_or(ATTEMPTS).clamp(1, 3);
    Ok(Origin { domain, path, headers, kind, attempts: attempts.unsigned_abs() })
}

/// The bucket that an origin's domain names; `.localhost` alone is no bucket's here.
fn bucket(domain: &str) -> Option<&str> {
    let found = cumulet_wire::bucket_of_host(domain)?;
    let rest = domain.get(found.len()..)?;
    rest.starts_with(".s3").then_some(found)
}

fn port(port: i32) -> Result<u16, Error> {
    let port = u16::try_from(port).ok().filter(|port| *port > 0);
    port.ok_or_else(|| Error::InvalidOrigin("A port of an origin is not one.".to_owned()))
}

fn seconds(count: i32) -> Duration {
    Duration::from_secs(u64::from(count.clamp(1, 180).unsigned_abs()))
}

/// What behaviours of both kinds have.
struct Common<'a> {
    target: &'a str,
    viewer: ViewerProtocolPolicy,
    methods: Option<&'a cumulet_api_cloudfront::types::AllowedMethods>,
    compress: bool,
    cache_policy: Option<&'a str>,
    request_policy: Option<&'a str>,
    response_policy: Option<&'a str>,
    forwarded: Option<&'a ForwardedValues>,
    ttls: (Option<i64>, Option<i64>, Option<i64>),
}

macro_rules! common {
    ($behaviour:expr) => {
        Common {
            target: &$behaviour.target_origin_id,
            viewer: $behaviour.viewer_protocol_policy,
            methods: $behaviour.allowed_methods.as_ref(),
            compress: $behaviour.compress == Some(true),
            cache_policy: set($behaviour.cache_policy_id.as_ref()),
            request_policy: set($behaviour.origin_request_policy_id.as_ref()),
            response_policy: set($behaviour.response_headers_policy_id.as_ref()),
            forwarded: $behaviour.forwarded_values.as_ref(),
            ttls: ($behaviour.min_ttl, $behaviour.default_ttl, $behaviour.max_ttl),
        }
    };
}

impl<'a> From<&'a CacheBehavior> for Common<'a> {
    fn from(behaviour: &'a CacheBehavior) -> Self {
        common!(behaviour)
    }
}

impl<'a> From<&'a DefaultCacheBehavior> for Common<'a> {
    fn from(behaviour: &'a DefaultCacheBehavior) -> Self {
        common!(behaviour)
    }
}

fn set(id: Option<&String>) -> Option<&str> {
    id.map(String::as_str).filter(|id| !id.is_empty())
}

/// What behaviours refer to.
struct Within<'a> {
    origins: HashMap<String, Arc<Origin>>,
    policies: &'a Policies,
}

impl Within<'_> {
    fn policy<S: cumulet_shape::Shape>(&self, kind: PolicyKind, id: &str) -> Result<S, Error> {
        let found = self.policies.find(kind, id).ok_or(Error::NoSuchPolicy(kind))?;
        Ok(carry::shape(found)?)
    }

    fn behaviour(&self, common: &Common<'_>) -> Result<Behaviour, Error> {
        let origin = self.origins.get(common.target).ok_or(Error::NoSuchOrigin)?;
        let methods = common.methods.map(|allowed| allowed.items.as_slice()).unwrap_or_default();
        let methods = methods.iter().filter_map(|m| Method::from_bytes(m.as_str().as_bytes()).ok());
        let mut methods: Vec<Method> = methods.collect();
        if methods.is_empty() {
            methods = vec![Method::GET, Method::HEAD];
        }
        let (key, ttl, mut forward) = match (common.cache_policy, common.forwarded) {
            (Some(id), _) => {
                let policy = self.policy::<CachePolicyConfig>(PolicyKind::CachePolicy, id)?;
                let (key, ttl) = cache_policy(&policy);
                (key, ttl, Forward::default())
            }
            (None, Some(forwarded)) => legacy(forwarded, common.ttls, common.compress)?,
            (None, None) => {
                let words = "A cache behavior has a CachePolicyId or ForwardedValues.";
                return Err(Error::argument(words));
            }
        };
        if let Some(id) = common.request_policy {
            let kind = PolicyKind::OriginRequestPolicy;
            forward = request_policy(&self.policy::<OriginRequestPolicyConfig>(kind, id)?);
        }
        let response = match common.response_policy {
            Some(id) => Some(Arc::new(self.policy(PolicyKind::ResponseHeadersPolicy, id)?)),
            None => None,
        };
        let viewer = match common.viewer {
            ViewerProtocolPolicy::AllowAll => ViewerProtocol::Allow,
            ViewerProtocolPolicy::HttpsOnly => ViewerProtocol::Refuse,
            ViewerProtocolPolicy::RedirectToHttps => ViewerProtocol::Redirect,
        };
        let origin = Arc::clone(origin);
        Ok(Behaviour { origin, viewer, methods, key, ttl, forward, response })
    }
}

/// The bounds, where anything may be kept at all and they are in order.
pub(crate) fn ttl(min: Option<i64>, default: Option<i64>, max: Option<i64>) -> Result<Ttl, Error> {
    let number = |ttl: Option<i64>| {
        ttl.map(|n| u64::try_from(n).map_err(|_| Error::InvalidTtlOrder)).transpose()
    };
    let min = number(min)?.unwrap_or(USUAL.min);
    let max = number(max)?.unwrap_or(USUAL.max.max(min));
    let default = number(default)?.unwrap_or(USUAL.default.clamp(min, max.max(min)));
    if min <= default && default <= max {
        Ok(Ttl { min, default, max })
    } else {
        Err(Error::InvalidTtlOrder)
    }
}

fn cache_policy(policy: &CachePolicyConfig) -> (KeyRule, Option<Ttl>) {
    let ttl = ttl(Some(policy.min_ttl), policy.default_ttl, policy.max_ttl).ok();
    let ttl = ttl.filter(|ttl| ttl.max > 0);
    let Some(parameters) = &policy.parameters_in_cache_key_and_forwarded_to_origin else {
        return (KeyRule::default(), ttl);
    };
    let headers = match parameters.headers_config.header_behavior {
        CachePolicyHeaderBehavior::None => Vec::new(),
        CachePolicyHeaderBehavior::Whitelist => {
            header_names(parameters.headers_config.headers.as_ref())
        }
    };
    let cookies = cookie_names(parameters.cookies_config.cookies.as_ref());
    let cookies = match parameters.cookies_config.cookie_behavior {
        CachePolicyCookieBehavior::None => Names::None,
        CachePolicyCookieBehavior::All => Names::All,
        CachePolicyCookieBehavior::Whitelist => Names::Only(cookies),
        CachePolicyCookieBehavior::AllExcept => Names::Except(cookies),
    };
    let query = query_names(parameters.query_strings_config.query_strings.as_ref());
    let query = match parameters.query_strings_config.query_string_behavior {
        CachePolicyQueryStringBehavior::None => Names::None,
        CachePolicyQueryStringBehavior::All => Names::All,
        CachePolicyQueryStringBehavior::Whitelist => Names::Only(query),
        CachePolicyQueryStringBehavior::AllExcept => Names::Except(query),
    };
    let gzip = parameters.enable_accept_encoding_gzip;
    let brotli = parameters.enable_accept_encoding_brotli == Some(true);
    (KeyRule { headers, cookies, query, gzip, brotli }, ttl)
}

fn request_policy(policy: &OriginRequestPolicyConfig) -> Forward {
    use OriginRequestPolicyHeaderBehavior as Behavior;
    let listed = header_names(policy.headers_config.headers.as_ref());
    let texts = || listed.iter().map(|name| name.as_str().to_owned()).collect();
    let headers = match policy.headers_config.header_behavior {
        Behavior::None => Names::None,
        Behavior::Whitelist => Names::Only(texts()),
        Behavior::AllViewer | Behavior::AllViewerAndWhitelistCloudFront => Names::All,
        Behavior::AllExcept => Names::Except(texts()),
    };
    let cookies = cookie_names(policy.cookies_config.cookies.as_ref());
    let cookies = match policy.cookies_config.cookie_behavior {
        OriginRequestPolicyCookieBehavior::None => Names::None,
        OriginRequestPolicyCookieBehavior::All => Names::All,
        OriginRequestPolicyCookieBehavior::Whitelist => Names::Only(cookies),
        OriginRequestPolicyCookieBehavior::AllExcept => Names::Except(cookies),
    };
    let query = query_names(policy.query_strings_config.query_strings.as_ref());
    let query = match policy.query_strings_config.query_string_behavior {
        OriginRequestPolicyQueryStringBehavior::None => Names::None,
        OriginRequestPolicyQueryStringBehavior::All => Names::All,
        OriginRequestPolicyQueryStringBehavior::Whitelist => Names::Only(query),
        OriginRequestPolicyQueryStringBehavior::AllExcept => Names::Except(query),
    };
    let own = |name: &HeaderName| name.as_str().starts_with("cloudfront-");
    let added = match policy.headers_config.header_behavior {
        Behavior::AllExcept | Behavior::None => Vec::new(),
        _ => listed.into_iter().filter(own).collect(),
    };
    Forward { headers, cookies, query, added, legacy: false }
}

/// ForwardedValues and the three TTLs beside it.
fn legacy(
    forwarded: &ForwardedValues,
    (min, default, max): (Option<i64>, Option<i64>, Option<i64>),
    compress: bool,
) -> Result<(KeyRule, Option<Ttl>, Forward), Error> {
    let listed = forwarded.headers.as_ref();
    let all = listed.and_then(|list| list.items.as_deref()).is_some_and(|items| items == ["*"]);
    let headers = if all { Vec::new() } else { header_names(listed) };
    let cookies = match forwarded.cookies.forward {
        ItemSelection::None => Names::None,
        ItemSelection::All => Names::All,
        ItemSelection::Whitelist => {
            Names::Only(cookie_names(forwarded.cookies.whitelisted_names.as_ref()))
        }
    };
    let keys = forwarded.query_string_cache_keys.as_ref();
    let keys = keys.and_then(|keys| keys.items.clone()).filter(|keys| !keys.is_empty());
    let (key_query, query) = match (forwarded.query_string, keys) {
        (false, _) => (Names::None, Names::None),
        (true, Some(keys)) => (Names::Only(keys), Names::All),
        (true, None) => (Names::All, Names::All),
    };
    let ttl = ttl(min, default, max)?;
    // "CloudFront doesn't cache the objects that are associated with this cache behavior."
    let ttl = (!all && ttl.max > 0).then_some(ttl);
    let forward = Forward {
        headers: if all { Names::All } else { Names::None },
        cookies: cookies.clone(),
        query,
        added: Vec::new(),
        legacy: true,
    };
    Ok((
        KeyRule { headers, cookies, query: key_query, gzip: compress, brotli: false },
        ttl,
        forward,
    ))
}

fn header_names(headers: Option<&Headers>) -> Vec<HeaderName> {
    let items = headers.and_then(|list| list.items.as_deref()).unwrap_or_default();
    items.iter().filter_map(|name| HeaderName::from_bytes(name.as_bytes()).ok()).collect()
}

fn cookie_names(names: Option<&CookieNames>) -> Vec<String> {
    names.and_then(|names| names.items.clone()).unwrap_or_default()
}

fn query_names(names: Option<&QueryStringNames>) -> Vec<String> {
    names.and_then(|names| names.items.clone()).unwrap_or_default()
}
