//! Resource policies: the statements that AddPermission writes.

use cumulet_api_lambda::ops::AddPermissionRequest;
use cumulet_auth::policy::{Document, Grammar};
use cumulet_base::{AccountId, Arn};
use serde_json::{Map, Value, json};

use crate::error::Error;
use crate::model::PolicyRecord;

/// Bytes of a policy ("Lambda quotas": 20 KB).
pub(crate) const MAX_POLICY: usize = 20 << 10;

/// The policy as GetPolicy shows it and the authorizer reads it.
pub(crate) fn text(policy: &PolicyRecord) -> String {
    json!({ "Version": "2012-10-17", "Id": "default", "Statement": policy.statements }).to_string()
}

/// The statement that a request asks for, about `arn`.
pub(crate) fn statement(input: &AddPermissionRequest, arn: &Arn) -> Result<Value, Error> {
    let principal = principal(&input.principal)?;
    let mut statement = Map::new();
    statement.insert("Sid".to_owned(), json!(input.statement_id));
    statement.insert("Effect".to_owned(), json!("Allow"));
    statement.insert("Principal".to_owned(), principal);
    statement.insert("Action".to_owned(), json!(input.action));
    statement.insert("Resource".to_owned(), json!(arn.as_str()));
    let conditions = conditions(input);
    if !conditions.is_empty() {
        statement.insert("Condition".to_owned(), Value::Object(conditions));
    }
    let statement = Value::Object(statement);
    let alone = PolicyRecord { statements: vec![statement.clone()], ..PolicyRecord::default() };
    Document::parse(&text(&alone), Grammar::Resource)
        .map_err(|why| Error::Invalid(format!("The statement is not valid: {why}")))?;
    Ok(statement)
}

/// A service, an account, an ARN of IAM, or everybody.
fn principal(named: &str) -> Result<Value, Error> {
    if named == "*" {
        return Ok(json!("*"));
    }
    if named.parse::<AccountId>().is_ok() {
        return Ok(json!({ "AWS": format!("arn:aws:iam::{named}:root") }));
    }
    if named.parse::<Arn>().is_ok_and(|arn| matches!(arn.service(), "iam" | "sts")) {
        return Ok(json!({ "AWS": named }));
    }
    let host =
        named.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b));
    if host && named.contains('.') {
        return Ok(json!({ "Service": named }));
    }
    Err(Error::Invalid(
        "The provided principal was invalid. Please check the principal and try again.".to_owned(),
    ))
}

fn conditions(input: &AddPermissionRequest) -> Map<String, Value> {
    let mut all = Map::new();
    let mut add = |operator: &str, key: &str, value: Option<&str>| {
        let Some(value) = value else { return };
        let of_operator = all.entry(operator).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(keys) = of_operator {
            keys.insert(key.to_owned(), json!(value));
        }
    };
    let via_url = input.invoked_via_function_url.map(|via| if via { "true" } else { "false" });
    add("StringEquals", "AWS:SourceAccount", input.source_account.as_deref());
    let auth =
        input.function_url_auth_type.map(cumulet_api_lambda::types::FunctionUrlAuthType::as_str);
    add("StringEquals", "lambda:FunctionUrlAuthType", auth);
    add("StringEquals", "lambda:EventSourceToken", input.event_source_token.as_deref());
    add("StringEquals", "aws:PrincipalOrgID", input.principal_org_id.as_deref());
    add("Bool", "lambda:InvokedViaFunctionUrl", via_url);
    add("ArnLike", "AWS:SourceArn", input.source_arn.as_deref());
    all
}

/// The statement of that id.
pub(crate) fn named<'p>(policy: &'p PolicyRecord, id: &str) -> Option<&'p Value> {
    policy.statements.iter().find(|it| it.get("Sid").and_then(Value::as_str) == Some(id))
}

/// Whom a statement of [`statement`] allows.
pub(crate) fn principal_of(statement: &Value) -> Option<&str> {
    match statement.get("Principal")? {
        Value::Object(named) => named.values().next()?.as_str(),
        everybody => everybody.as_str(),
    }
}

/// How callers of the function's URL sign, where it allows only those.
pub(crate) fn auth_of(statement: &Value) -> Option<&str> {
    statement.pointer("/Condition/StringEquals")?.get(crate::url::AUTH_TYPE)?.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(principal: &str, input: AddPermissionRequest) -> Result<Value, Error> {
        let arn: Arn = "arn:aws:lambda:eu-west-1:123456789012:function:f".parse().unwrap();
        let input = AddPermissionRequest {
            statement_id: "one".into(),
            action: "lambda:InvokeFunction".into(),
            principal: principal.into(),
            ..input
        };
        statement(&input, &arn)
    }

    #[test]
    fn a_service_with_conditions() {
        let input = AddPermissionRequest {
            source_arn: Some("arn:aws:execute-api:eu-west-1:123456789012:abc/*".into()),
            source_account: Some("123456789012".into()),
            ..AddPermissionRequest::default()
        };
        assert_eq!(
            check("apigateway.amazonaws.com", input).unwrap(),
            json!({
                "Sid": "one",
                "Effect": "Allow",
                "Principal": { "Service": "apigateway.amazonaws.com" },
                "Action": "lambda:InvokeFunction",
                "Resource": "arn:aws:lambda:eu-west-1:123456789012:function:f",
                "Condition": {
                    "StringEquals": { "AWS:SourceAccount": "123456789012" },
                    "ArnLike": {
                        "AWS:SourceArn": "arn:aws:execute-api:eu-west-1:123456789012:abc/*"
                    }
                }
            })
        );
    }

    #[test]
    fn kinds_of_principals() {
        let principal = |named: &str| {
            check(named, AddPermissionRequest::default()).map(|s| s["Principal"].clone())
        };
        assert_eq!(principal("*"), Ok(json!("*")));
        let root = json!({ "AWS": "arn:aws:iam::210987654321:root" });
        assert_eq!(principal("210987654321"), Ok(root));
        let role = "arn:aws:iam::210987654321:role/r";
        assert_eq!(principal(role), Ok(json!({ "AWS": role })));
        for wrong in ["", "nobody", "arn:aws:s3:::b", "a b.c"] {
            assert!(principal(wrong).is_err(), "{wrong}");
        }
    }
}
