//! What a distribution's configuration must keep to.
//!
//! What this cloud does not do and a viewer could be harmed by (signed URLs, geographic
//! restrictions, a firewall, code at the edge) is refused, never ignored. Logging, price classes
//! and HTTP versions change nothing about answers: they are kept and shown, and no logs are
//! written.

use std::collections::HashSet;

use cumulet_api_cloudfront::types::{
    DistributionConfig, FunctionAssociations, GeoRestrictionType, LambdaFunctionAssociations,
    TrustedKeyGroups, TrustedSigners,
};
use serde_json::{Map, Value};

use super::compile::ttl;
use crate::error::Error;

/// "Custom error responses": what may be replaced.
const ERROR_CODES: [i32; 11] = [400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504];
/// "Quotas": aliases, origins and behaviours of a distribution.
const MOST_ALIASES: usize = 100;
const MOST_ORIGINS: usize = 100;
const MOST_BEHAVIOURS: usize = 75;

/// Refuses what is wrong in itself, whatever else there is in the account.
pub(crate) fn check(config: &DistributionConfig) -> Result<(), Error> {
    root(config)?;
    origins(config)?;
    aliases(config)?;
    let behaviours = config.cache_behaviors.as_ref().and_then(|list| list.items.as_ref());
    if behaviours.is_some_and(|list| list.len() > MOST_BEHAVIOURS) {
        let words = format!("A distribution has {MOST_BEHAVIOURS} cache behaviors at most.");
        return Err(Error::argument(words));
    }
    for behaviour in behaviours.into_iter().flatten() {
        if behaviour.path_pattern.is_empty() || behaviour.path_pattern.len() > 255 {
            return Err(Error::argument("A path pattern has 1 to 255 characters."));
        }
        ttl(behaviour.min_ttl, behaviour.default_ttl, behaviour.max_ttl)?;
        edge(
            behaviour.lambda_function_associations.as_ref(),
            behaviour.function_associations.as_ref(),
        )?;
        signed(behaviour.trusted_signers.as_ref(), behaviour.trusted_key_groups.as_ref())?;
    }
    let default = &config.default_cache_behavior;
    ttl(default.min_ttl, default.default_ttl, default.max_ttl)?;
    edge(default.lambda_function_associations.as_ref(), default.function_associations.as_ref())?;
    signed(default.trusted_signers.as_ref(), default.trusted_key_groups.as_ref())?;
    errors(config)?;
    absent(config)
}

/// Every `Quantity` must be the number of its `Items`, wherever they stand.
pub(crate) fn quantities(document: &Map<String, Value>) -> Result<(), Error> {
    let items = document.get("Items").map_or(0, |items| items.as_array().map_or(0, Vec::len));
    if let Some(quantity) = document.get("Quantity").and_then(Value::as_u64)
        && quantity != items as u64
    {
        return Err(Error::InconsistentQuantities);
    }
    // The model bounds the depth.
    for value in document.values() {
        match value {
            Value::Object(inner) => quantities(inner)?,
            Value::Array(list) => {
                list.iter().filter_map(Value::as_object).try_for_each(quantities)?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn root(config: &DistributionConfig) -> Result<(), Error> {
    let root = config.default_root_object.as_deref().unwrap_or_default();
    if root.starts_with('/') || root.len() > 255 { Err(Error::InvalidRootObject) } else { Ok(()) }
}

fn origins(config: &DistributionConfig) -> Result<(), Error> {
    let wrong = |words: String| Err(Error::InvalidOrigin(words));
    let origins = &config.origins.items;
    if origins.is_empty() || origins.len() > MOST_ORIGINS {
        return wrong(format!("A distribution has 1 to {MOST_ORIGINS} origins."));
    }
    let mut ids = HashSet::new();
    for origin in origins {
        if !ids.insert(origin.id.as_str()) {
            return wrong(format!("There are two origins with the id {}.", origin.id));
        }
        let domain = &origin.domain_name;
        let fits = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
        if domain.is_empty() || domain.len() > 253 || !domain.chars().all(fits) {
            return wrong(format!("{domain:?} is no domain name: it has no scheme, port or path."));
        }
        let path = origin.origin_path.as_deref().unwrap_or_default();
        if !path.is_empty() && (!path.starts_with('/') || path.ends_with('/')) {
            let words = "An OriginPath begins with a slash and does not end with one.";
            return Err(Error::argument(words));
        }
        if origin.vpc_origin_config.is_some() {
            return wrong("Cumulet has no VPC origins: use a CustomOriginConfig.".to_owned());
        }
        let identity =
            origin.s3_origin_config.as_ref().map(|s3| s3.origin_access_identity.as_str());
        if identity.is_some_and(|identity| !identity.is_empty()) {
            return wrong(
                "Cumulet has no origin access identities, the older way: use an origin access \
                 control."
                    .to_owned(),
            );
        }
        if origin.s3_origin_config.is_some() == origin.custom_origin_config.is_some() {
            let words = "An origin has an S3OriginConfig or a CustomOriginConfig.";
            return wrong(words.to_owned());
        }
    }
    Ok(())
}

fn aliases(config: &DistributionConfig) -> Result<(), Error> {
    let aliases = config.aliases.as_ref().and_then(|list| list.items.as_deref());
    let aliases = aliases.unwrap_or_default();
    if aliases.len() > MOST_ALIASES {
        return Err(Error::argument(format!("A distribution has {MOST_ALIASES} aliases at most.")));
    }
    for alias in aliases {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-_".contains(c);
        let known = alias.ends_with(".cloudfront.net") || alias.ends_with(".cloudfront.localhost");
        if alias.contains('*') {
            return Err(Error::argument("Cumulet has no aliases with a wildcard."));
        }
        if alias.is_empty() || alias.len() > 253 || !alias.chars().all(fits) || known {
            let words = format!("{alias} is no alias: a domain name in lower case is.");
            return Err(Error::argument(words));
        }
    }
    Ok(())
}

fn edge(
    lambda: Option<&LambdaFunctionAssociations>,
    functions: Option<&FunctionAssociations>,
) -> Result<(), Error> {
    let lambda = lambda.is_some_and(|list| list.quantity > 0);
    let functions = functions.is_some_and(|list| list.quantity > 0);
    if lambda || functions {
        return Err(Error::argument(
            "Cumulet runs no code at the edge: remove LambdaFunctionAssociations and \
             FunctionAssociations.",
        ));
    }
    Ok(())
}

fn signed(
    signers: Option<&TrustedSigners>,
    groups: Option<&TrustedKeyGroups>,
) -> Result<(), Error> {
    let signers = signers.is_some_and(|list| list.enabled || list.quantity > 0);
    let groups = groups.is_some_and(|list| list.enabled || list.quantity > 0);
    if signers || groups {
        return Err(Error::argument(
            "Cumulet does not verify signed URLs and cookies yet, and so refuses to serve what \
             they should protect: remove TrustedSigners and TrustedKeyGroups.",
        ));
    }
    Ok(())
}

fn errors(config: &DistributionConfig) -> Result<(), Error> {
    let mut seen = HashSet::new();
    for rule in config.custom_error_responses.iter().flat_map(|list| &list.items).flatten() {
        if !ERROR_CODES.contains(&rule.error_code) || !seen.insert(rule.error_code) {
            return Err(Error::InvalidErrorCode);
        }
        let page = rule.response_page_path.as_deref().unwrap_or_default();
        let code = rule.response_code.as_deref().unwrap_or_default();
        if page.is_empty() != code.is_empty() {
            let words = "ResponsePagePath and ResponseCode of an error response go together.";
            return Err(Error::argument(words));
        }
        if !page.is_empty() && !page.starts_with('/') {
            return Err(Error::argument("A ResponsePagePath begins with a slash."));
        }
        let number = code.parse::<u16>().ok();
        if !code.is_empty() && !number.is_some_and(|code| (200..600).contains(&code)) {
            return Err(Error::argument(format!("{code} is no ResponseCode.")));
        }
    }
    Ok(())
}

/// Features that are not here.
fn absent(config: &DistributionConfig) -> Result<(), Error> {
    let restriction = config.restrictions.as_ref().map(|r| &r.geo_restriction);
    let restricted =
        restriction.is_some_and(|geo| geo.restriction_type != GeoRestrictionType::None);
    let groups = config.origin_groups.as_ref().is_some_and(|groups| groups.quantity > 0);
    let set = |id: &Option<String>| id.as_deref().is_some_and(|id| !id.is_empty());
    let feature = if restricted {
        "geographic restrictions"
    } else if groups {
        "origin groups"
    } else if set(&config.web_acl_id) {
        "web ACLs"
    } else if config.viewer_mtls_config.is_some() {
        "certificates of viewers"
    } else if config.staging == Some(true) || set(&config.continuous_deployment_policy_id) {
        "continuous deployment"
    } else if config.tenant_config.is_some() {
        "distribution tenants"
    } else if config.connection_function_association.is_some() {
        "connection functions"
    } else {
        return Ok(());
    };
    Err(Error::argument(format!("Cumulet has no {feature} for distributions.")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn quantities_are_counted() {
        let check = |value: Value| quantities(value.as_object().unwrap()).is_ok();
        assert!(check(json!({ "Quantity": 0 })));
        assert!(check(json!({ "A": { "Quantity": 2, "Items": ["a", "b"] } })));
        assert!(!check(json!({ "A": { "Quantity": 1, "Items": ["a", "b"] } })));
        assert!(!check(json!({ "A": { "Quantity": 1 } })));
        assert!(!check(json!({ "A": [{ "B": { "Quantity": 0, "Items": [{}] } }] })));
    }
}
