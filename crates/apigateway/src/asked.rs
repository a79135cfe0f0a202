//! Condition keys of what a request says of an API and its parts.
//!
//! Source: "Actions, resources, and condition keys for Amazon API Gateway Management V2" and, for
//! REST APIs, the same of "Management". Not given: the keys `apigateway:Resource/…`, which ask the
//! same of what is there already; of REST APIs, what a patch says.

use cumulet_service::Access;
use cumulet_shape::OperationMeta;
use serde_json::{Map, Value};

/// Members of any request, and the keys that ask for them.
const ANYWHERE: [(&str, &str); 7] = [
    ("/accessLogSettings/destinationArn", "apigateway:Request/AccessLoggingDestination"),
    ("/accessLogSettings/format", "apigateway:Request/AccessLoggingFormat"),
    ("/apiKeyRequired", "apigateway:Request/ApiKeyRequired"),
    ("/authorizationType", "apigateway:Request/RouteAuthorizationType"),
    ("/authorizerUri", "apigateway:Request/AuthorizerUri"),
    ("/disableExecuteApiEndpoint", "apigateway:Request/DisableExecuteApiEndpoint"),
    ("/endpointConfiguration/types", "apigateway:Request/EndpointType"),
];

/// Members that mean something else elsewhere: below which path, asked for how.
const SOMEWHERE: [(&str, &str, &str); 8] = [
    ("/apis", "/name", "apigateway:Request/ApiName"),
    ("/restapis", "/name", "apigateway:Request/ApiName"),
    ("/apis/{}", "/name", "apigateway:Request/ApiName"),
    ("/authorizers", "/authorizerType", "apigateway:Request/AuthorizerType"),
    ("/authorizers", "/type", "apigateway:Request/AuthorizerType"),
    ("/authorizers/{}", "/authorizerType", "apigateway:Request/AuthorizerType"),
    ("/stages", "/stageName", "apigateway:Request/StageName"),
    ("/deployments", "/stageName", "apigateway:Request/StageName"),
];

/// With the condition keys of the request's members.
pub(crate) fn keys(
    access: Access,
    operation: &OperationMeta,
    members: Map<String, Value>,
) -> Access {
    if !matches!(operation.method, "POST" | "PUT" | "PATCH") {
        return access;
    }
    let members = Value::Object(members);
    let path = unlabelled(operation.uri);
    let anywhere = ANYWHERE.into_iter();
    let somewhere = SOMEWHERE.into_iter().filter(|(end, ..)| path.ends_with(end));
    anywhere.chain(somewhere.map(|(_, at, key)| (at, key))).fold(access, |access, (at, key)| {
        match members.pointer(at).map(texts) {
            Some(values) => access.with(key, values),
            None => access,
        }
    })
}

/// The path with its labels' names left out: `/v2/apis/{}`.
fn unlabelled(uri: &str) -> String {
    let path = uri.split('?').next().unwrap_or_default();
    let segment = |segment| if str::starts_with(segment, '{') { "{}" } else { segment };
    path.split('/').map(segment).collect::<Vec<_>>().join("/")
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(all) => all.iter().flat_map(texts).collect(),
        Value::String(text) => vec![text.clone()],
        other => vec![other.to_string()],
    }
}
