//! Properties of `AWS::S3::Bucket` as the operations take them.

use cumulet_api_s3::types::{
    CORSConfiguration, CORSRule, Condition, ErrorDocument, IndexDocument, ObjectOwnership,
    Protocol, Redirect, RedirectAllRequestsTo, RoutingRule, ServerSideEncryptionByDefault,
    ServerSideEncryptionConfiguration, ServerSideEncryptionRule, WebsiteConfiguration,
};
use cumulet_service::{Error, Result};
use serde_json::Value;

/// A text, or a number or flag as a text.
pub(super) fn plain(value: &Value, name: &str) -> Result<String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(flag) => Ok(flag.to_string()),
        _ => Err(Error::validation(format!("Value of property {name} must be of type String"))),
    }
}

pub(super) fn text(value: &Value, name: &str) -> Result<Option<String>> {
    value.get(name).map(|value| plain(value, name)).transpose()
}

/// A flag, which templates may spell as a text.
pub(super) fn flag(value: &Value, name: &str) -> Result<Option<bool>> {
    match value.get(name) {
        None => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(Value::String(text)) if text == "true" => Ok(Some(true)),
        Some(Value::String(text)) if text == "false" => Ok(Some(false)),
        Some(_) => {
            Err(Error::validation(format!("Value of property {name} must be of type Boolean")))
        }
    }
}

fn texts(value: &Value, name: &str) -> Result<Option<Vec<String>>> {
    let Some(list) = value.get(name) else { return Ok(None) };
    let wrong =
        || Error::validation(format!("Value of property {name} must be a list of type String"));
    let list = list.as_array().ok_or_else(wrong)?;
    list.iter().map(|item| plain(item, name)).collect::<Result<_>>().map(Some)
}

fn items<'v>(value: &'v Value, name: &str) -> Result<&'v [Value]> {
    match value.get(name) {
        None => Ok(&[]),
        Some(Value::Array(list)) => Ok(list),
        Some(_) => Err(Error::validation(format!("Value of property {name} must be of type List"))),
    }
}

fn required(value: &Value, name: &str) -> Result<String> {
    let missing = || Error::validation(format!("#: required key [{name}] not found"));
    text(value, name)?.ok_or_else(missing)
}

/// `CorsConfiguration`.
pub(super) fn cors(value: &Value) -> Result<CORSConfiguration> {
    let rule = |rule: &Value| {
        let age = text(rule, "MaxAge")?.map(|age| age.parse());
        let wrong = |_| Error::validation("Value of property MaxAge must be of type Integer");
        Ok(CORSRule {
            id: text(rule, "Id")?,
            allowed_headers: texts(rule, "AllowedHeaders")?,
            allowed_methods: texts(rule, "AllowedMethods")?.unwrap_or_default(),
            allowed_origins: texts(rule, "AllowedOrigins")?.unwrap_or_default(),
            expose_headers: texts(rule, "ExposedHeaders")?,
            max_age_seconds: age.transpose().map_err(wrong)?,
        })
    };
    let cors_rules = items(value, "CorsRules")?.iter().map(rule).collect::<Result<_>>()?;
    Ok(CORSConfiguration { cors_rules })
}

/// `BucketEncryption`.
pub(super) fn encryption(value: &Value) -> Result<ServerSideEncryptionConfiguration> {
    let rule = |rule: &Value| {
        let default = rule.get("ServerSideEncryptionByDefault").map(|default| {
            Ok::<_, Error>(ServerSideEncryptionByDefault {
                sse_algorithm: required(default, "SSEAlgorithm")?,
                kms_master_key_id: text(default, "KMSMasterKeyID")?,
            })
        });
        Ok(ServerSideEncryptionRule {
            apply_server_side_encryption_by_default: default.transpose()?,
            bucket_key_enabled: flag(rule, "BucketKeyEnabled")?,
            ..ServerSideEncryptionRule::default()
        })
    };
    let rules = items(value, "ServerSideEncryptionConfiguration")?;
    Ok(ServerSideEncryptionConfiguration { rules: rules.iter().map(rule).collect::<Result<_>>()? })
}

/// `OwnershipControls`: of its one rule the value; without the property, what a new bucket has.
pub(super) fn ownership(value: Option<&Value>) -> Result<ObjectOwnership> {
    let Some(value) = value else { return Ok(ObjectOwnership::BucketOwnerEnforced) };
    let [rule] = items(value, "Rules")? else {
        return Err(Error::validation("OwnershipControls has exactly one rule"));
    };
    match required(rule, "ObjectOwnership")?.as_str() {
        "BucketOwnerEnforced" => Ok(ObjectOwnership::BucketOwnerEnforced),
        "BucketOwnerPreferred" => Ok(ObjectOwnership::BucketOwnerPreferred),
        "ObjectWriter" => Ok(ObjectOwnership::ObjectWriter),
        other => Err(Error::validation(format!("{other} is no value of ObjectOwnership"))),
    }
}

fn protocol(value: &Value) -> Result<Option<Protocol>> {
    match text(value, "Protocol")?.as_deref() {
        None => Ok(None),
        Some("http") => Ok(Some(Protocol::Http)),
        Some("https") => Ok(Some(Protocol::Https)),
        Some(other) => Err(Error::validation(format!("{other} is no value of Protocol"))),
    }
}

/// `WebsiteConfiguration`.
pub(super) fn website(value: &Value) -> Result<WebsiteConfiguration> {
    let all = value.get("RedirectAllRequestsTo").map(|all| {
        let host_name = required(all, "HostName")?;
        Ok::<_, Error>(RedirectAllRequestsTo { host_name, protocol: protocol(all)? })
    });
    let rule = |rule: &Value| {
        let condition = rule.get("RoutingRuleCondition").map(|condition| {
            Ok::<_, Error>(Condition {
                http_error_code_returned_equals: text(condition, "HttpErrorCodeReturnedEquals")?,
                key_prefix_equals: text(condition, "KeyPrefixEquals")?,
            })
        });
        let redirect = rule.get("RedirectRule").unwrap_or(&Value::Null);
        Ok(RoutingRule {
            condition: condition.transpose()?,
            redirect: Redirect {
                host_name: text(redirect, "HostName")?,
                http_redirect_code: text(redirect, "HttpRedirectCode")?,
                protocol: protocol(redirect)?,
                replace_key_prefix_with: text(redirect, "ReplaceKeyPrefixWith")?,
                replace_key_with: text(redirect, "ReplaceKeyWith")?,
            },
        })
    };
    let rules: Vec<RoutingRule> =
        items(value, "RoutingRules")?.iter().map(rule).collect::<Result<_>>()?;
    Ok(WebsiteConfiguration {
        error_document: text(value, "ErrorDocument")?.map(|key| ErrorDocument { key }),
        index_document: text(value, "IndexDocument")?.map(|suffix| IndexDocument { suffix }),
        redirect_all_requests_to: all.transpose()?,
        routing_rules: Some(rules).filter(|rules| !rules.is_empty()),
    })
}
