//! The leave that control-plane operations need.
//!
//! API Gateway's actions are HTTP's methods, and its resources the paths of its own API ("How API
//! Gateway works with IAM"): `apigateway:POST` on `arn:aws:apigateway:us-east-1::/apis/a1/routes`.

use cumulet_base::Arn;
use cumulet_service::{Access, Cx, Error, Result, pass_role};
use cumulet_shape::{Operation, OperationMeta};
use serde_json::{Map, Value};

use crate::execute::log_role;
use crate::http::tags;
use crate::{asked, carry};

/// What `input` needs leave for.
pub(crate) async fn of<O: Operation>(cx: &Cx, input: &O::Input) -> Result<Vec<Access>> {
    let members = carry::members(input)?;
    let path = path(O::META, &members);
    let arn = format!("arn:aws:apigateway:{}::{path}", cx.region());
    let arn: Arn = arn.parse().map_err(|_| Error::validation("Invalid resource identifier."))?;
    let access = tagging(Access::on(cx, action(O::META.method), arn), &members);
    let access = access.tagged(tags::at(cx, &path).await?);
    let mut all = vec![asked::keys(access, O::META, members.clone())];
    if O::META.name == "UpdateAccount" {
        all.extend(passed(cx, &members)?);
    }
    Ok(all)
}

/// Leave to hand API Gateway the role that it is to write logs as.
fn passed(cx: &Cx, members: &Map<String, Value>) -> Result<Option<Access>> {
    let operations = members.get("patchOperations").and_then(Value::as_array).into_iter().flatten();
    let roles = operations.filter(|one| one.get("path") == Some(&"/cloudwatchRoleArn".into()));
    let role = roles.filter_map(|one| one.get("value")?.as_str()).rfind(|role| !role.is_empty());
    let invalid = |_| Error::validation("Invalid ARN specified in the request");
    role.map(|role| pass_role(cx, role, log_role::PRINCIPAL).map_err(invalid)).transpose()
}

fn action(method: &str) -> &'static str {
    match method {
        "GET" => "apigateway:GET",
        "POST" => "apigateway:POST",
        "PUT" => "apigateway:PUT",
        "PATCH" => "apigateway:PATCH",
        _ => "apigateway:DELETE",
    }
}

/// The operation's path with its labels filled in, without version and query.
fn path(operation: &OperationMeta, members: &Map<String, Value>) -> String {
    let uri = operation.uri.split('?').next().unwrap_or_default();
    let uri = uri.strip_prefix("/v2").unwrap_or(uri);
    let segment = |segment: &str| match segment.strip_prefix('{').and_then(|s| s.strip_suffix('}'))
    {
        Some(label) => carry::text(members, label.trim_end_matches('+')).unwrap_or("*").to_owned(),
        None => segment.to_owned(),
    };
    uri.split('/').map(segment).collect::<Vec<_>>().join("/")
}

/// With the tags that the request brings, or the keys of those that it takes away.
fn tagging(access: Access, members: &Map<String, Value>) -> Access {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    if let Some(tags) = members.get("tags").and_then(Value::as_object) {
        return access.tagging(tags.iter().map(|(key, value)| (key.clone(), text(value))));
    }
    let keys = members.get("tagKeys").and_then(Value::as_array);
    access.untagging(keys.into_iter().flatten().map(text).collect())
}
