//! From a template's properties to the API's configurations.
//!
//! CloudFormation spells the same configurations another way: a list stands for `Quantity` and
//! `Items`, some members have other names, and some that the API wants may be left out. The API's
//! own schema says where what is meant, so one walk serves every configuration.

use cumulet_service::{Error, Result};
use cumulet_shape::{Kind, Schema, Shape, Structure};
use serde_json::{Map, Value, json};

use crate::carry;

/// Names that differ: structure, property, member.
const RENAMED: [(&str, &str, &str); 7] = [
    ("DistributionConfig", "IPV6Enabled", "IsIPV6Enabled"),
    ("Origin", "OriginCustomHeaders", "CustomHeaders"),
    ("CustomOriginConfig", "OriginSSLProtocols", "OriginSslProtocols"),
    ("GeoRestriction", "Locations", "Items"),
    ("ViewerCertificate", "AcmCertificateArn", "ACMCertificateArn"),
    ("ViewerCertificate", "IamCertificateId", "IAMCertificateId"),
    ("ViewerCertificate", "SslSupportMethod", "SSLSupportMethod"),
];

/// A configuration of the API from the property of a template.
pub(super) fn read<S: Shape>(property: &Value) -> Result<S> {
    let Value::Object(members) = convert(Schema::of::<S>().kind, property)? else {
        return Err(Error::validation("A configuration is an object."));
    };
    carry::shape(&members).map_err(|error| {
        let cause = error.cause.clone().unwrap_or(error.message);
        Error::validation(format!("A property has the wrong form: {cause}"))
    })
}

/// A value as the API's kind has it. The template's depth is bounded where it is parsed.
fn convert(kind: Kind, value: &Value) -> Result<Value> {
    Ok(match (kind, value) {
        (Kind::Structure(structure), Value::Array(items)) => counted(structure(), items)?,
        (Kind::Structure(structure), Value::Object(properties)) => {
            Value::Object(object(structure(), properties)?)
        }
        (Kind::List(each), Value::Array(items)) => {
            let items = items.iter().map(|item| convert(*each, item));
            Value::Array(items.collect::<Result<_>>()?)
        }
        // Templates have texts where numbers and truths are meant, and the other way round.
        (Kind::Boolean, Value::String(text)) => match text.as_str() {
            "true" => true.into(),
            "false" => false.into(),
            _ => value.clone(),
        },
        (Kind::Integer | Kind::Long, Value::String(text)) => {
            text.parse::<i64>().map_or_else(|_| value.clone(), Value::from)
        }
        (Kind::String | Kind::Enum(_), Value::Number(number)) => number.to_string().into(),
        (Kind::String | Kind::Enum(_), Value::Bool(truth)) => truth.to_string().into(),
        _ => value.clone(),
    })
}

/// A list, as `Quantity` and `Items`.
fn counted(structure: &'static Structure, items: &[Value]) -> Result<Value> {
    let member = |name: &str| structure.members.iter().find(|member| member.name == name);
    let Some(Kind::List(each)) = member("Items").map(|member| member.schema.kind) else {
        return Err(Error::validation(format!("{} is not a list.", structure.name)));
    };
    let items = items.iter().map(|item| convert(*each, item)).collect::<Result<Vec<_>>>()?;
    let mut counted = json!({ "Quantity": items.len(), "Items": items });
    if let (Some(_), Some(members)) = (member("Enabled"), counted.as_object_mut()) {
        members.insert("Enabled".to_owned(), (!items.is_empty()).into());
    }
    Ok(counted)
}

fn object(structure: &'static Structure, given: &Map<String, Value>) -> Result<Map<String, Value>> {
    let mut members = Map::new();
    let mut cached = None;
    for (property, value) in given {
        if property == "CachedMethods" && structure.name.ends_with("CacheBehavior") {
            cached = Some(value);
            continue;
        }
        let renamed =
            RENAMED.iter().find(|(of, from, _)| *of == structure.name && from == property);
        let name = renamed.map_or(property.as_str(), |(_, _, to)| to);
        let member = structure.members.iter().find(|member| member.name == name);
        let member = member.ok_or_else(|| {
            let of = structure.name;
            Error::validation(format!("The property {property} of {of} is not supported."))
        })?;
        members.insert(name.to_owned(), convert(member.schema.kind, value)?);
    }
    if let Some(cached) = cached {
        cached_methods(&mut members, cached)?;
    }
    complete(structure, &mut members);
    Ok(members)
}

/// `CachedMethods` stands beside `AllowedMethods` in templates, and within it in the API.
fn cached_methods(members: &mut Map<String, Value>, cached: &Value) -> Result<()> {
    let list = |value: &Value| {
        let items = value.as_array().cloned();
        items.ok_or_else(|| Error::validation("CachedMethods is a list."))
    };
    let usual = || json!({ "Quantity": 2, "Items": ["GET", "HEAD"] });
    let allowed = members.entry("AllowedMethods").or_insert_with(usual);
    let cached = list(cached)?;
    if let Some(allowed) = allowed.as_object_mut() {
        let counted = json!({ "Quantity": cached.len(), "Items": cached });
        allowed.insert("CachedMethods".to_owned(), counted);
    }
    Ok(())
}

/// What the API wants and a template may leave out.
fn complete(structure: &'static Structure, members: &mut Map<String, Value>) {
    let mut put = |name: &str, value: Value| {
        members.entry(name).or_insert(value);
    };
    match structure.name {
        "DistributionConfig" => put("Comment", "".into()),
        "S3OriginConfig" => put("OriginAccessIdentity", "".into()),
        "CustomOriginConfig" => {
            put("HTTPPort", 80.into());
            put("HTTPSPort", 443.into());
        }
        "ForwardedValues" => put("Cookies", json!({ "Forward": "none" })),
        "LoggingConfig" => {
            put("Enabled", true.into());
            put("IncludeCookies", false.into());
            put("Prefix", "".into());
        }
        _ => {}
    }
    let has = |name: &str| structure.members.iter().any(|member| member.name == name);
    if has("Quantity") && has("Items") && !members.contains_key("Quantity") {
        let items = members.get("Items").and_then(Value::as_array).map_or(0, Vec::len);
        members.insert("Quantity".to_owned(), items.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cumulet_api_cloudfront::types::{
        CachePolicyConfig, DistributionConfig, Method, ResponseHeadersPolicyConfig,
    };

    #[test]
    fn a_templates_distribution_is_the_apis() {
        let property = json!({
            "Enabled": "true",
            "IPV6Enabled": true,
            "Aliases": ["www.example.com"],
            "DefaultRootObject": "index.html",
            "Origins": [
                { "Id": "s3", "DomainName": "b.s3.amazonaws.com", "S3OriginConfig": {},
                  "OriginAccessControlId": "E1" },
                { "Id": "api", "DomainName": "a.example.com",
                  "CustomOriginConfig": { "OriginProtocolPolicy": "https-only",
                                          "OriginSSLProtocols": ["TLSv1.2"] },
                  "OriginCustomHeaders": [{ "HeaderName": "x-a", "HeaderValue": "b" }] },
            ],
            "DefaultCacheBehavior": {
                "TargetOriginId": "s3", "ViewerProtocolPolicy": "redirect-to-https",
                "AllowedMethods": ["GET", "HEAD", "OPTIONS"], "CachedMethods": ["GET", "HEAD"],
                "ForwardedValues": { "QueryString": "false", "Headers": ["Origin"] },
                "MinTTL": "0", "DefaultTTL": 60,
            },
            "CacheBehaviors": [{ "PathPattern": "/api/*", "TargetOriginId": "api",
                "ViewerProtocolPolicy": "https-only", "CachePolicyId": "p" }],
            "CustomErrorResponses": [{ "ErrorCode": 403, "ResponseCode": 200,
                "ResponsePagePath": "/index.html" }],
            "ViewerCertificate": { "AcmCertificateArn": "arn", "SslSupportMethod": "sni-only" },
            "Restrictions": { "GeoRestriction": { "RestrictionType": "none", "Locations": [] } },
            "Logging": { "Bucket": "logs.s3.amazonaws.com" },
        });
        let config: DistributionConfig = read(&property).unwrap();
        assert!(config.enabled && config.is_ipv6_enabled == Some(true));
        assert_eq!(config.aliases.unwrap().quantity, 1);
        let [s3, api] = config.origins.items.as_slice() else { panic!() };
        assert_eq!(s3.s3_origin_config.as_ref().unwrap().origin_access_identity, "");
        let custom = api.custom_origin_config.as_ref().unwrap();
        assert_eq!((custom.http_port, custom.https_port), (80, 443));
        assert_eq!(custom.origin_ssl_protocols.as_ref().unwrap().quantity, 1);
        assert_eq!(api.custom_headers.as_ref().unwrap().items.as_ref().unwrap().len(), 1);
        let default = config.default_cache_behavior;
        let allowed = default.allowed_methods.unwrap();
        assert_eq!(allowed.items, [Method::Get, Method::Head, Method::Options]);
        assert_eq!(allowed.cached_methods.unwrap().items, [Method::Get, Method::Head]);
        let forwarded = default.forwarded_values.unwrap();
        assert_eq!(forwarded.headers.unwrap().items.unwrap(), ["Origin"]);
        assert_eq!((default.min_ttl, default.default_ttl), (Some(0), Some(60)));
        let errors = config.custom_error_responses.unwrap().items.unwrap();
        assert_eq!(errors[0].response_code.as_deref(), Some("200"));
        assert_eq!(config.viewer_certificate.unwrap().acm_certificate_arn.as_deref(), Some("arn"));
        assert_eq!(config.restrictions.unwrap().geo_restriction.quantity, 0);
        assert!(config.logging.unwrap().enabled.unwrap_or(true));
    }

    #[test]
    fn policies_and_what_is_unknown() {
        let cache: CachePolicyConfig = read(&json!({
            "Name": "n", "MinTTL": 1,
            "ParametersInCacheKeyAndForwardedToOrigin": {
                "EnableAcceptEncodingGzip": true,
                "HeadersConfig": { "HeaderBehavior": "whitelist", "Headers": ["X-A"] },
                "CookiesConfig": { "CookieBehavior": "none" },
                "QueryStringsConfig": { "QueryStringBehavior": "all" },
            },
        }))
        .unwrap();
        let parameters = cache.parameters_in_cache_key_and_forwarded_to_origin.unwrap();
        assert_eq!(parameters.headers_config.headers.unwrap().quantity, 1);
        let response: ResponseHeadersPolicyConfig = read(&json!({
            "Name": "n",
            "CustomHeadersConfig": { "Items": [{ "Header": "a", "Value": "b", "Override": true }] },
        }))
        .unwrap();
        assert_eq!(response.custom_headers_config.unwrap().quantity, 1);
        assert!(read::<DistributionConfig>(&json!({ "Nonsense": 1 })).is_err());
        assert!(read::<DistributionConfig>(&json!([1])).is_err());
    }
}
