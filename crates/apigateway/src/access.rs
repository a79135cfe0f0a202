//! The leave that control-plane operations need.
//!
//! API Gateway's actions are HTTP's methods, and its resources the paths of its own API ("How API
//! Gateway works with IAM"): `apigateway:POST` on `arn:aws:apigateway:us-east-1::/apis/a1/routes`.

use cumulet_base::Arn;
use cumulet_service::{Access, Cx, Error, Result};
use cumulet_shape::{Operation, OperationMeta};
use serde_json::{Map, Value};

use crate::carry;

/// What `input` needs leave for.
pub(crate) fn of<O: Operation>(cx: &Cx, input: &O::Input) -> Result<Vec<Access>> {
    let members = carry::members(input)?;
    let arn = format!("arn:aws:apigateway:{}::{}", cx.region(), path(O::META, &members));
    let arn: Arn = arn.parse().map_err(|_| Error::validation("Invalid resource identifier."))?;
    Ok(vec![tagged(Access::on(cx, action(O::META.method), arn), &members)])
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

fn tagged(access: Access, members: &Map<String, Value>) -> Access {
    let Some(tags) = members.get("tags").and_then(Value::as_object) else { return access };
    let access = access.with("aws:TagKeys", tags.keys().cloned().collect());
    tags.iter().fold(access, |access, (key, value)| {
        let value = value.as_str().unwrap_or_default().to_owned();
        access.with(format!("aws:RequestTag/{key}"), vec![value])
    })
}
