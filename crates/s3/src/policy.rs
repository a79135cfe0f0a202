//! Bucket policies: what S3 takes, and which of them are public.
//!
//! Source: "Bucket policies for Amazon S3" and "The meaning of 'public'" in the S3 user guide.

use std::net::IpAddr;

use cumulet_auth::policy::{Document, Grammar, PolicyError};
use serde_json::Value;

use crate::error::S3Error;

/// Bytes of a policy.
const MAX_POLICY: usize = 20 << 10;
/// Levels of nesting of a policy: more than its grammar has.
const DEPTH: usize = 16;

/// Checks the policy `text` of the bucket `name`; whether it is public.
pub(crate) fn check(text: &str, name: &str) -> Result<bool, S3Error> {
    let malformed = |why: &str| S3Error::MalformedPolicy(why.to_owned());
    if text.len() > MAX_POLICY {
        return Err(malformed("Policy document is too large."));
    }
    let json = cumulet_wire::json::document(text.as_bytes(), DEPTH)
        .ok()
        .filter(Value::is_object)
        .ok_or_else(|| {
        malformed("Policies must be valid JSON and the first byte must be '{'")
    })?;
    Document::parse(text, Grammar::Resource).map_err(|error| match error {
        PolicyError::InvalidPrincipal { .. } => malformed("Invalid principal in policy"),
        PolicyError::NotArn(_) | PolicyError::Partition { .. } | PolicyError::ResourceVendor => {
            malformed("Policy has invalid resource")
        }
        other => malformed(&other.to_string()),
    })?;
    for statement in statements(&json) {
        let resources = texts(statement, "Resource").chain(texts(statement, "NotResource"));
        let resources: Vec<&str> = resources.collect();
        if resources.is_empty() {
            return Err(malformed("Missing required field Resource"));
        }
        if !resources.iter().all(|resource| is_of(resource, name)) {
            return Err(malformed("Policy has invalid resource"));
        }
        let actions: Vec<&str> = texts(statement, "Action").collect();
        if !actions.iter().all(|action| is_action(action)) {
            return Err(malformed("Policy has invalid action"));
        }
        let (on_bucket, on_objects) = (
            resources.iter().any(|resource| !resource.contains('/')),
            resources.iter().any(|resource| resource.contains(['/', '*'])),
        );
        let applies = |action: &&str| match of_object(action) {
            None => true,
            Some(true) => on_objects,
            Some(false) => on_bucket,
        };
        if !actions.iter().all(applies) {
            return Err(malformed("Action does not apply to any resource(s) in statement"));
        }
    }
    Ok(is_public(&json))
}

fn statements(policy: &Value) -> &[Value] {
    match policy.get("Statement") {
        Some(Value::Array(list)) => list,
        Some(one) => std::slice::from_ref(one),
        None => &[],
    }
}

/// The text or texts of an element.
fn texts<'v>(statement: &'v Value, name: &str) -> impl Iterator<Item = &'v str> {
    let values = match statement.get(name) {
        Some(Value::Array(list)) => list.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    values.iter().filter_map(Value::as_str)
}

/// Whether a resource is the bucket or in it, as far as its wildcards may be that.
fn is_of(resource: &str, name: &str) -> bool {
    let Some(path) = resource.split_once(":s3:::").map(|(_, path)| path) else { return false };
    let bucket = path.split('/').next().unwrap_or_default();
    match bucket.find(['*', '?']) {
        None => bucket == name,
        Some(at) => bucket.get(..at).is_some_and(|start| name.starts_with(start)),
    }
}

fn is_action(action: &str) -> bool {
    action == "*" || action.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("s3:"))
}

/// Actions on objects; only of those that are known can be said what they apply to.
const OBJECT: [&str; 14] = [
    "abortmultipartupload",
    "deleteobject",
    "deleteobjecttagging",
    "deleteobjectversion",
    "getobject",
    "getobjectacl",
    "getobjectattributes",
    "getobjecttagging",
    "getobjectversion",
    "listmultipartuploadparts",
    "putobject",
    "putobjectacl",
    "putobjecttagging",
    "restoreobject",
];

/// Actions on buckets.
const BUCKET: [&str; 12] = [
    "deletebucket",
    "deletebucketpolicy",
    "getbucketacl",
    "getbucketcors",
    "getbucketlocation",
    "getbucketpolicy",
    "getbucketversioning",
    "getbucketwebsite",
    "listbucket",
    "listbucketmultipartuploads",
    "listbucketversions",
    "putbucketpolicy",
];

/// Whether an action is on objects, or on buckets; `None` where that is not known or both.
fn of_object(action: &str) -> Option<bool> {
    let name = action.split_once(':')?.1;
    if name.contains(['*', '?']) {
        return None;
    }
    let name = name.to_ascii_lowercase();
    if OBJECT.contains(&name.as_str()) {
        return Some(true);
    }
    BUCKET.contains(&name.as_str()).then_some(false)
}

/// Whether a statement grants something to everybody.
fn is_public(policy: &Value) -> bool {
    statements(policy).iter().any(|statement| {
        let allows = statement.get("Effect").and_then(Value::as_str) == Some("Allow");
        let everybody = statement.get("NotPrincipal").is_some()
            || statement.get("Principal").is_some_and(is_everybody);
        allows && everybody && !statement.get("Condition").is_some_and(fixes)
    })
}

fn is_everybody(principal: &Value) -> bool {
    match principal {
        Value::String(text) => text == "*",
        Value::Object(map) => ["AWS", "Federated", "CanonicalUser"].iter().any(|kind| {
            map.get(*kind).is_some_and(|value| match value {
                Value::Array(list) => list.iter().any(|one| one.as_str() == Some("*")),
                one => one.as_str() == Some("*"),
            })
        }),
        _ => false,
    }
}

/// Whether a condition fixes where requests come from or who makes them.
fn fixes(condition: &Value) -> bool {
    const OPERATORS: [&str; 6] = [
        "stringequals",
        "stringequalsignorecase",
        "stringlike",
        "arnequals",
        "arnlike",
        "ipaddress",
    ];
    const KEYS: [&str; 14] = [
        "aws:sourcearn",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:sourceaccount",
        "aws:sourceowner",
        "aws:sourceip",
        "aws:sourceorgid",
        "aws:userid",
        "aws:principalorgid",
        "aws:principalaccount",
        "aws:principalarn",
        "s3:dataaccesspointaccount",
        "s3:dataaccesspointarn",
        "s3:x-amz-server-side-encryption-aws-kms-key-id",
    ];
    let operators = condition.as_object().into_iter().flatten();
    let mut pairs = operators
        .filter(|(operator, _)| {
            let operator = operator.to_ascii_lowercase();
            OPERATORS.contains(&operator.trim_start_matches("foranyvalue:"))
        })
        .filter_map(|(_, keys)| keys.as_object())
        .flatten();
    pairs.any(|(key, values)| {
        let key = key.to_ascii_lowercase();
        let values: Vec<&str> = match values {
            Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
            one => one.as_str().into_iter().collect(),
        };
        let fixed = |value: &&str| {
            if key == "aws:sourceip" { is_narrow(value) } else { !value.contains(['*', '?', '$']) }
        };
        KEYS.contains(&key.as_str()) && !values.is_empty() && values.iter().all(fixed)
    })
}

/// Whether a block of addresses is no broader than /8 (IPv4) or /32 (IPv6).
fn is_narrow(block: &str) -> bool {
    let (address, bits) = match block.split_once('/') {
        Some((address, bits)) => (address, bits.parse::<u8>().ok()),
        None => (block, Some(128)),
    };
    match (address.parse::<IpAddr>(), bits) {
        (Ok(IpAddr::V4(_)), Some(bits)) => bits >= 8,
        (Ok(IpAddr::V6(_)), Some(bits)) => bits >= 32,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(principal: &str, action: &str, resource: &str, condition: &str) -> String {
        let condition = if condition.is_empty() {
            String::new()
        } else {
            format!(", \"Condition\": {condition}")
        };
        format!(
            r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Principal": {principal},
            "Action": "{action}", "Resource": "{resource}"{condition}}}]}}"#
        )
    }

    fn public(principal: &str, condition: &str) -> bool {
        check(&policy(principal, "s3:GetObject", "arn:aws:s3:::b/*", condition), "b").unwrap()
    }

    #[test]
    fn who_is_everybody() {
        assert!(public(r#""*""#, ""));
        assert!(public(r#"{"AWS": "*"}"#, ""));
        assert!(public(r#"{"AWS": ["arn:aws:iam::123456789012:root", "*"]}"#, ""));
        assert!(!public(r#"{"AWS": "arn:aws:iam::123456789012:root"}"#, ""));
        assert!(!public(r#"{"Service": "cloudfront.amazonaws.com"}"#, ""));
        for (condition, expect) in [
            (r#"{"StringEquals": {"aws:SourceVpc": "vpc-1"}}"#, false),
            (r#"{"StringLike": {"aws:userid": "AROA*"}}"#, true),
            (r#"{"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}"#, false),
            (r#"{"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "0.0.0.0/1"]}}"#, true),
            (r#"{"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}"#, true),
            (r#"{"StringEquals": {"aws:Referer": "https://a.example"}}"#, true),
            (r#"{"ArnLike": {"AWS:SourceArn": "arn:aws:cloudfront::1:distribution/E"}}"#, false),
        ] {
            assert_eq!(public(r#""*""#, condition), expect, "{condition}");
        }
    }

    #[test]
    fn what_is_refused() {
        let refused = |text: &str| match check(text, "b") {
            Err(S3Error::MalformedPolicy(why)) => why,
            other => panic!("{other:?}"),
        };
        assert!(refused("nonsense").starts_with("Policies must be valid JSON"));
        let other = policy(r#""*""#, "s3:GetObject", "arn:aws:s3:::c/*", "");
        assert_eq!(refused(&other), "Policy has invalid resource");
        let action = policy(r#""*""#, "ec2:Run", "arn:aws:s3:::b/*", "");
        assert_eq!(refused(&action), "Policy has invalid action");
        for (action, resource) in
            [("s3:GetObject", "arn:aws:s3:::b"), ("s3:ListBucket", "arn:aws:s3:::b/*")]
        {
            let why = refused(&policy(r#""*""#, action, resource, ""));
            assert_eq!(why, "Action does not apply to any resource(s) in statement");
        }
        let none = r#"{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:*"}}"#;
        assert_eq!(refused(none), "Missing required field Resource");
        assert_eq!(refused(&" ".repeat(21 << 10)), "Policy document is too large.");
    }
}
